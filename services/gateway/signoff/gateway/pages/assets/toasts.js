// Short messages in a corner: said to screen readers, and gone after a while unless they tell of a problem.
const LASTS = 6_000;
const MOST = 4;
const ICONS = { done: "check", note: "info", problem: "alert" };
const sprite = new URL("./icons.svg", import.meta.url).pathname;

/** An icon of the sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Show a message: kind is "done", "note" or "problem". */
export function toast(kind, text) {
  const place = placed();
  const shown = document.createElement("div");
  shown.className = `message ${kind}`;
  const words = document.createElement("p");
  words.dir = "auto";
  words.textContent = text;
  shown.append(icon(ICONS[kind]), words);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button quiet icon-only";
  close.setAttribute("aria-label", "Close this message");
  close.append(icon("cross"));
  close.addEventListener("click", () => shown.remove());
  shown.append(close);
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
