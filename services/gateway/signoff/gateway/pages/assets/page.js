// What every page starts: each module looks after its own elements.
import "./copy.js";
import "./forms.js";
import "./keys.js";
import "./live.js";
import "./theme-choice.js";
import "./times.js";

// What not every page needs is loaded where it is, also when it comes later.
const WHERE = {
  "form[data-draft]": () => import("./drafts.js"),
  "sf-json": () => import("./sf-json.js"),
};
function equip() {
  for (const [selector, load] of Object.entries(WHERE)) {
    if (document.querySelector(selector)) load().catch(() => {}); // tried again when the page has changed
  }
}
equip();
document.addEventListener("sf:morphed", equip);

// Of a strip that is wider than the view, what is current is in sight.
for (const current of document.querySelectorAll(":is(.site-nav, .settings-nav, .tabs) [aria-current]")) {
  const [strip, { left }] = [current.closest("nav"), current.getBoundingClientRect()];
  strip.scrollLeft += left - strip.getBoundingClientRect().left - strip.clientWidth / 3;
}

// What unfolds over the page, menus and questions, closes by Escape and by a click elsewhere, and gives the focus
// back. A question begins at its first field, or with what it asks.
const OVER = "details:is(.menu, .ask)[open]";

function fold(over, isLeft) {
  over.open = false;
  if (isLeft) over.querySelector("summary").focus({ preventScroll: true });
}
document.addEventListener("click", (event) => {
  const path = event.composedPath(); // what was pressed may be gone by now
  for (const over of document.querySelectorAll(OVER)) {
    if (path.some((each) => each === over || each.matches?.("dialog, #toasts"))) continue;
    fold(over, document.activeElement.matches("body, #main"));
  }
});
document.addEventListener("keydown", ({ key }) => {
  const over = document.querySelector(OVER);
  if (key === "Escape" && over && !document.querySelector("dialog[open]")) fold(over, over.contains(document.activeElement));
});
const begin = ({ target }) => {
  if (!target.matches(".ask[open]")) return;
  (target.querySelector("input:not([type=hidden]), select, textarea") ?? target.querySelector("form")).focus();
};
document.addEventListener("toggle", begin, { capture: true }); // it does not bubble
