// Short messages in a corner: said to screen readers, and gone after a while unless they tell of a problem.
import { icon, iconButton, make } from "./dom.js";

const LASTS = 6_000;
const MOST = 4;
const ICONS = { done: "check", note: "info", problem: "alert" };

/** Show a message: kind is "done", "note" or "problem". */
export function toast(kind, text) {
  const place = placed();
  const close = iconButton("cross", "Close this message", () => shown.remove(), "quiet");
  const shown = make("div", { className: `message ${kind}` }, icon(ICONS[kind]), make("p", { dir: "auto" }, text), close);
  if (place.closest("dialog")) shown.setAttribute("role", "alert"); // the region has only just come there
  place.append(shown);
  while (place.children.length > MOST) place.firstElementChild.remove();
  if (kind !== "problem") setTimeout(() => shown.remove(), LASTS);
}

// Beside an open dialog nothing can be pressed, and screen readers tell nothing: they stand in the topmost one,
// and come back when it is closed.
function placed() {
  const toasts = document.getElementById("toasts");
  const dialog = [...document.querySelectorAll("dialog:modal")].at(-1);
  if (!dialog || dialog.contains(toasts)) return toasts;
  dialog.append(toasts);
  dialog.addEventListener("close", () => document.body.append(toasts), { once: true });
  return toasts;
}
