// What was typed into <form data-draft="name"> is kept in this browser until the form is sent: for the person
// who typed it, in the workspace and on the page where they did, for a week. Not kept are passwords, one-time
// codes, files, hidden fields, and what has data-no-draft.
import { button, make } from "./dom.js";
import { names, read, write } from "./storage.js";
import { relative } from "./times.js";

const PREFIX = "draft:";
const LASTS = 7 * 24 * 3600 * 1000;
const SETTLE = 200;
const NOT_KEPT = new Set(["password", "file", "hidden", "submit", "button"]);
const FLEETING = '[autocomplete="one-time-code"], [data-no-draft]';
const planned = new Map();

function nameOf(form) {
  const { visitor = "", workspace = "" } = document.body.dataset;
  return `${PREFIX}${visitor}:${workspace}:${location.pathname}:${form.dataset.draft}`;
}

function fieldsOf(form) {
  return [...form.elements].filter((each) => each.name && !NOT_KEPT.has(each.type) && !each.matches(FLEETING));
}

const isBox = (field) => field.type === "checkbox" || field.type === "radio";
const keyOf = (field) => (isBox(field) ? `${field.name}=${field.value}` : field.name);

function chosen(select, how) {
  const values = [...select.options].filter((each) => each[how]).map((each) => each.value);
  return (values.length || select.multiple ? values : [select.options[0]?.value ?? ""]).join("\n");
}

function standing(field) {
  if (isBox(field)) return String(field.checked);
  return field.localName === "select" ? chosen(field, "selected") : field.value;
}

function begun(field) {
  if (isBox(field)) return String(field.defaultChecked);
  return field.localName === "select" ? chosen(field, "defaultSelected") : field.defaultValue;
}

function put(field, text) {
  if (isBox(field)) field.checked = text === "true";
  else if (field.localName === "select") {
    const values = text.split("\n");
    for (const each of field.options) each.selected = values.includes(each.value);
  } else field.value = text;
}

// Of each field that was changed, what stood in it before; the server, which shows a form again that it did not
// take, has what was typed for that.
function save(form) {
  clearTimeout(planned.get(form));
  planned.delete(form);
  const earlier = new Map(parsed(nameOf(form))?.changed.map((each) => [each.key, each]));
  const changed = [];
  for (const field of fieldsOf(form)) {
    const [key, text, last] = [keyOf(field), standing(field), earlier.get(keyOf(field))];
    const was = last && last.text === begun(field) ? last.was : begun(field);
    if (text !== was) changed.push({ key, text, was, label: labelOf(field) });
  }
  write(nameOf(form), changed.length ? JSON.stringify({ at: Date.now(), changed }) : null);
}

/** What the page calls a field of a form. */
export function labelOf(field) {
  return field.labels?.[0]?.textContent.replace(/\s*\*$/, "").trim() || field.name;
}

/** A list of what was typed: [[label, text], …]. */
export function listOf(answers) {
  const told = (text) => make("dd", { dir: "auto", className: "said" }, text);
  return make("dl", { className: "facts" }, ...answers.flatMap(([label, text]) => [make("dt", {}, label), told(text)]));
}

function forget(form) {
  clearTimeout(planned.get(form));
  planned.delete(form);
  if (form.dataset.draft) write(nameOf(form), null);
  form.querySelector(".draft")?.remove();
}

function parsed(name) {
  try {
    const draft = JSON.parse(read(name));
    return Array.isArray(draft?.changed) && Date.now() - draft.at < LASTS ? draft : null;
  } catch {
    return null; // not ours
  }
}

function restore(form) {
  if ("sfDraft" in form.dataset) return;
  form.dataset.sfDraft = "";
  const draft = parsed(nameOf(form));
  if (!draft) return;
  const fields = new Map(fieldsOf(form).map((each) => [keyOf(each), each]));
  const lost = [];
  let isBack = false;
  for (const { key, text, was, label } of draft.changed) {
    const field = fields.get(key);
    if (field && standing(field) === text) continue;
    // What was typed since the page came, and what others have changed since the draft, is newer than it.
    if (field && begun(field) === was && standing(field) === was) {
      put(field, text);
      isBack = true;
    } else if (text.trim() && !(field && (isBox(field) || field.localName === "select"))) lost.push([label, text]);
  }
  if (isBack || lost.length) tell(form, draft.at, isBack, lost);
  if (isBack) form.dispatchEvent(new Event("input", { bubbles: true }));
}

function tell(form, at, isBack, lost) {
  const from = relative(new Date(at));
  const words = isBack ? `Your draft from ${from} is back. ` : `You have a draft from ${from}. `;
  const discard = () => {
    form.reset();
    forget(form);
    fieldsOf(form)[0]?.focus();
  };
  const told = { className: "hint draft", role: "status", data: { added: "" } };
  const also = lost.length ? ["Where something else stands by now, you had typed:", listOf(lost)] : [];
  form.prepend(make("div", told, words, button("Discard it", discard, "quiet"), ...also));
}

function restoreAll(root) {
  for (const form of root.querySelectorAll("form[data-draft]")) restore(form);
}

for (const name of names(PREFIX)) {
  if (!parsed(name)) write(name, null);
}
restoreAll(document);
document.addEventListener("sf:morphed", (event) => restoreAll(event.target));
document.addEventListener("sf:sent", (event) => forget(event.target));
document.addEventListener("input", (event) => {
  const form = event.target.form ?? event.target.closest?.("form");
  if (!form?.dataset.draft || !event.target.name) return;
  clearTimeout(planned.get(form));
  planned.set(
    form,
    setTimeout(() => save(form), SETTLE),
  );
});
document.addEventListener("submit", (event) => planned.has(event.target) && save(event.target), { capture: true });
addEventListener("pagehide", () => {
  for (const form of [...planned.keys()]) save(form);
});
