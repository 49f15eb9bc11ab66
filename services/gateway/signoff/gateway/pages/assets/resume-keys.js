// a and r go to Approve and Reject, where Enter sends: no single key decides. Where the form asks why, r goes
// there first. Ctrl+Enter sends from any field.
import { addKey } from "./keys.js";

const GROUP = "This decision";
const WHY = /reason|why|comment|note|instead|feedback/i;

function form() {
  return document.getElementById("decide");
}

function buttons() {
  return [...(form()?.querySelectorAll('button[name="verdict"]') ?? [])];
}

function whyField() {
  const fields = [...form().querySelectorAll('input[type="text"], textarea')].filter((each) => each.id !== "field-code");
  return fields.find((each) => WHY.test(each.name)) ?? null;
}

// What Enter on the button, or Ctrl+Enter in a field, is going to send.
function arm(verdict) {
  for (const each of buttons()) each.toggleAttribute("data-sf-armed", each.value === verdict);
}

function armed() {
  return buttons().find((each) => "sfArmed" in each.dataset);
}

function go(event, verdict, first) {
  const button = buttons().find((each) => each.value === verdict);
  if (!button || event.repeat) return Boolean(button);
  arm(verdict);
  (first?.() ?? button).focus();
  return true;
}

addKey("a", "To Approve; Enter sends it", (event) => go(event, "approve"), GROUP);
addKey("r", "To Reject, or where the form asks why; Ctrl+Enter sends it", (event) => go(event, "reject", whyField), GROUP);
addKey(
  "c",
  "Comment",
  () => {
    const field = document.getElementById("comment-text");
    field?.focus();
    return Boolean(field);
  },
  GROUP,
);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat || event.defaultPrevented) return;
  const own = event.target.closest?.("form");
  if (own && own.id !== "decide") {
    if (own.matches("[data-enhance]")) own.requestSubmit();
    return;
  }
  const decide = form();
  if (!decide || document.querySelector("dialog[open]")) return;
  const [plain, ...others] = decide.querySelectorAll('button[type="submit"]:not([disabled])');
  const chosen = armed() ?? (others.length ? null : plain);
  event.preventDefault();
  if (chosen) decide.requestSubmit(chosen);
  else go(event, "approve");
});

// Who goes on to something else has not decided yet.
document.addEventListener("focusout", (event) => {
  if (event.target.form?.id === "decide" && event.relatedTarget?.form?.id !== "decide") arm(null);
});
document.addEventListener("focusin", (event) => {
  if (event.target.name === "verdict" && !("sfArmed" in event.target.dataset)) arm(null);
});
