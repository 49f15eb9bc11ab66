// Looks after what is being typed: JSON is checked at once; a decision is made on what its maker saw, also when
// the page shows something newer by now; and where somebody else was first, nothing typed is lost.
import { copy } from "./copy.js";
import { button, icon, make } from "./dom.js";
import { labelOf, listOf } from "./drafts.js";

const HIDDEN = new Set(["password", "file", "hidden", "submit", "checkbox", "radio"]);
let typed = []; // [[label, text], …] in a form that is about to go
let hadFocus = false; // it had
let isSent = false; // its decision was taken
let isUnderWay = false; // and has no answer yet
let seen = seenField()?.value ?? null;

function decideForm() {
  return document.getElementById("decide");
}

function seenField() {
  return document.querySelector('#decide input[name="seen"]');
}

// JSON --------------------------------------------------------------------------------------------------------

function check(area) {
  area.setCustomValidity("");
  if (!area.value.trim()) return;
  try {
    JSON.parse(area.value);
  } catch (error) {
    area.setCustomValidity(`This is no JSON: ${error.message}`);
  }
}

// What is typed -----------------------------------------------------------------------------------------------

function typedInto(form) {
  const fields = [...form.elements].filter((each) => each.name && !HIDDEN.has(each.type) && each.value);
  return fields.filter(isChanged).map((each) => [labelOf(each), each.value]);
}

function isChanged(field) {
  return field.localName !== "select" && field.autocomplete !== "one-time-code" && field.value !== field.defaultValue;
}

function keep() {
  const text = typed.map(([label, value]) => `${label}: ${value}`).join("\n");
  const box = make(
    "section",
    { className: "card kept-typing", id: "kept-typing", data: { added: "" } },
    make("h2", { id: "kept-typing-title" }, "What you had typed, which was not taken"),
    listOf(typed),
    button([icon("copy"), "Copy it"], () => copy(text)),
  );
  box.setAttribute("aria-labelledby", "kept-typing-title");
  document.getElementById("kept-typing")?.remove();
  document.getElementById("standing")?.after(box);
}

// The form is gone: somebody decided, claimed it or sent it back.
function gone() {
  if (typed.length && !isSent) keep();
  const now = document.getElementById("decided") ?? document.getElementById("standing");
  if (!isSent) tell(`${now?.querySelector("p:not(.actions), .message")?.textContent ?? ""}${typed.length ? " What you had typed is kept on this page." : ""}`);
  if (hadFocus) now?.focus();
  typed = [];
  hadFocus = isSent = false;
  seen = null;
}

function tell(words) {
  document.getElementById("told").textContent = words.replace(/\s+/g, " ").trim();
}

// What was seen -----------------------------------------------------------------------------------------------

function isOutdated() {
  return document.getElementById("resume").dataset.digest !== seen;
}

function look(digest) {
  seen = digest;
  const field = seenField();
  if (field) field.value = digest;
}

function warn() {
  if (document.getElementById("changed-meanwhile")) return;
  const words = "What you decide on was changed while this page was open. Look at it again before you decide.";
  const looked = () => {
    look(document.getElementById("resume").dataset.digest);
    note.remove();
    decideForm()?.querySelector("input:not([type=hidden]), textarea, select, button:not([disabled])")?.focus();
  };
  const told = { className: "message problem", id: "changed-meanwhile", role: "alert", data: { added: "" } };
  const note = make("div", told, icon("alert"), make("div", {}, make("p", {}, words), button("I have looked at it", looked)));
  decideForm().prepend(note);
}

document.addEventListener("sf:newer", (event) => {
  const forms = [decideForm(), document.getElementById("content-form")];
  const going = forms.filter((each) => each && event.target.contains(each) && !event.detail.querySelector(`#${each.id}`));
  const form = going.find((each) => each === decideForm());
  if (form && isUnderWay && "sfBusy" in form.dataset) {
    // It is being sent, and only the answer tells whether this is what came of it: until then it stays.
    form.dataset.keep = "";
    event.detail.querySelector(".point").append(form.cloneNode(false));
    return;
  }
  typed = going.flatMap(typedInto);
  hadFocus = going.some((each) => each.contains(document.activeElement));
});
document.addEventListener("sf:morphed", (event) => {
  const field = seenField();
  if (event.target.id === "decide") {
    // The server has told what is wrong: that stays until the form is sent again. Whether it has told what
    // changed, too, is in what it takes for seen: else that is still to be looked at.
    look(event.target.dataset.seen);
    if (seen === event.target.dataset.digest) document.getElementById("changed-meanwhile")?.remove();
    event.target.dataset.keep = "";
    return;
  }
  if (event.target.id !== "resume") return;
  if (!field) {
    if (seen !== null || typed.length) gone();
    return;
  }
  isSent = false;
  seen ??= field.value;
  if (isOutdated()) warn();
});
if (seen !== null && isOutdated()) warn(); // the page was read again before this began
document.addEventListener(
  "submit",
  (event) => {
    delete event.target.dataset.keep;
    if (event.target.id === "decide") isUnderWay = true;
  },
  { capture: true },
);
for (const type of ["sf:sent", "sf:refused"]) {
  document.addEventListener(type, (event) => {
    const isTaken = type === "sf:sent";
    delete event.target.dataset.keep;
    if (event.target.id === "decide") {
      isUnderWay = false;
      isSent = isTaken;
    } else if (isTaken) event.target.reset();
  });
}
document.addEventListener("input", (event) => {
  if (event.target.matches?.("textarea[data-json]")) check(event.target);
  // Whoever corrects what is shown goes on from what they began with, whatever others change meanwhile.
  const form = event.target.form ?? event.target; // the form itself, where a draft came back
  if (form.id === "content-form") form.dataset.keep = "";
});
