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

// An open menu closes by Escape, and by a click elsewhere.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!except || !menu.contains(except)) menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (!open) return;
  const back = open.contains(document.activeElement);
  closeMenus();
  if (back) open.querySelector("summary").focus();
});
