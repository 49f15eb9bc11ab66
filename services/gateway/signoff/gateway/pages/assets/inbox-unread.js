// What came or changed since the person last opened it. Which event of a point they saw last is kept in this
// browser (localStorage), for the person who is signed in; the server knows nothing of it.
import { rowsOf } from "./inbox-arrivals.js";
import { isChanged } from "./inbox-met.js";
import { read, write } from "./storage.js";

const NAME = `inbox-seen:${document.body.dataset.visitor}`;
const MOST = 2_000;
const own = new Set();

function load() {
  try {
    return new Map(JSON.parse(read(NAME)) ?? []);
  } catch {
    return new Map(); // not ours
  }
}

/** The person has seen a point as it was after an event. */
export function markRead(...points) {
  const seen = load();
  for (const [key, event] of points) {
    seen.delete(key); // the newest come last
    seen.set(key, Number(event));
  }
  write(NAME, JSON.stringify([...seen].slice(-MOST)));
  show();
}

/** What comes next of this point is the person's own doing. */
export function markOwn(key) {
  own.add(key);
}

function show() {
  const seen = load();
  const doneByThem = [];
  let unread = 0;
  for (const row of rowsOf(document)) {
    const last = seen.get(row.dataset.key);
    const event = Number(row.dataset.event);
    if (last !== undefined && last < event && own.delete(row.dataset.key)) doneByThem.push([row.dataset.key, event]);
    const isUnread = (last ?? 0) < event && !row.classList.contains("inbox-gone");
    row.toggleAttribute("data-sf-unread", isUnread);
    row.querySelector(".inbox-new").textContent = wordsOf(row, last);
    unread += Number(isUnread);
  }
  const button = document.getElementById("inbox-read");
  if (button) button.hidden = !unread;
  if (doneByThem.length) markRead(...doneByThem);
}

function wordsOf(row, last) {
  if (isChanged(row)) return "Changed, look again";
  return last === undefined ? "New" : "Changed";
}

document.getElementById("inbox-read")?.addEventListener("click", () => {
  markRead(...rowsOf(document).map((row) => [row.dataset.key, row.dataset.event]));
  document.querySelector(".inbox-what a")?.focus();
});
for (const type of ["click", "auxclick"]) {
  document.addEventListener(type, ({ target }) => {
    const row = target.closest(".inbox-what > a")?.closest("tr");
    if (row) markRead([row.dataset.key, row.dataset.event]);
  });
}
addEventListener("storage", show); // another tab
addEventListener("pageshow", show);
for (const type of ["sf:morphed", "inbox:met"]) document.addEventListener(type, show);
show();
