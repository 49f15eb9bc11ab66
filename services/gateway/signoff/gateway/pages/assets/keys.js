// Keyboard shortcuts: pages register theirs, and "?" shows them all. Who uses speech input can turn them off
// (WCAG 2.1.4).
import { choice } from "./storage.js";
import { toast } from "./toasts.js";

const OFF = "keys"; // the choice that turns them off
const PAUSE = 1_000; // ms between the keys of a sequence
const shortcuts = new Map();
let begun = "";
let forgetting = null;

/**
 * Register a shortcut.
 *
 * keys: as KeyboardEvent.key tells them, by spaces for a sequence: "j", "Enter", "g i".
 * words: what it does, for the help.
 * act: is called with the event; returning false leaves the key to the browser.
 * group: the heading in the help.
 */
export function addKey(keys, words, act, group = "On this page") {
  shortcuts.set(keys, { words, act, group });
}

const TEXTLESS = "[type=checkbox], [type=radio], [type=range], [type=button], [type=submit], [type=color]";

function isTyping(target) {
  return Boolean(target.closest?.(`input:not(${TEXTLESS}), textarea, select, [contenteditable]`));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]") || choice(OFF) === "off") return;
  const isOnControl = event.target.closest?.("a, button, summary, [role=slider]");
  if (isOnControl && (event.key === "Enter" || event.key === " ")) return;
  const keys = begun ? `${begun} ${event.key}` : event.key;
  clearTimeout(forgetting);
  begun = "";
  const found = shortcuts.get(keys) ?? shortcuts.get(event.key);
  if (found) {
    if (found.act(event) !== false) event.preventDefault();
    return;
  }
  if ([...shortcuts.keys()].some((each) => each.startsWith(`${keys} `))) {
    begun = keys;
    forgetting = setTimeout(() => {
      begun = "";
    }, PAUSE);
  }
});

function showHelp() {
  import("./keys-help.js").then(
    ({ show }) => show(shortcuts, OFF),
    () => toast("problem", "The shortcuts cannot be shown: the server does not answer."),
  );
}

for (const button of document.querySelectorAll("[data-keys-help]")) button.addEventListener("click", showHelp);
addKey("?", "Show the shortcuts", showHelp, "Everywhere");
for (const [key, path] of [["i", "/inbox"], ["e", "/executions"], ["w", "/workflows"], ["s", "/settings"]]) {
  const link = [...document.querySelectorAll(".site-nav a")].find((each) => each.pathname === path);
  if (link) addKey(`g ${key}`, `Go to ${link.textContent}`, () => location.assign(link.href), "Everywhere");
}
addKey(
  "/",
  "Search",
  () => {
    const search = document.querySelector('main input[type="search"]');
    search?.focus();
    return Boolean(search);
  },
  "Everywhere",
);
