// Marks what happened since this person last looked at this decision; the browser remembers up to where that was.
import { names, read, write } from "./storage.js";
import { relative } from "./times.js";

const SHOWN = 5;
const LASTS = 90 * 24 * 3600 * 1000;

function place() {
  const root = document.getElementById("resume");
  return root ? `looked:${document.body.dataset.visitor}:${root.dataset.point}` : null;
}

function before(name) {
  try {
    return JSON.parse(read(name));
  } catch {
    return null; // not ours
  }
}

function entries() {
  return [...document.querySelectorAll("#timeline [data-event]")];
}

function newest() {
  return Math.max(0, ...entries().map((each) => Number(each.dataset.event)));
}

function mark(found) {
  for (const each of found) {
    if ("sfNew" in each.dataset) continue;
    each.dataset.sfNew = "";
    const word = document.createElement("span");
    word.className = "visually-hidden";
    word.dataset.added = "";
    word.textContent = "New: ";
    each.querySelector(".did").prepend(word);
  }
}

function tell(found, at) {
  const note = document.createElement("div");
  note.className = "message note";
  note.id = "since";
  note.dataset.added = "";
  const told = document.createElement("div");
  const head = document.createElement("p");
  head.textContent = `Since you last looked, ${relative(new Date(at))}:`;
  const list = document.createElement("ul");
  for (const each of found.slice(0, SHOWN)) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `#${each.id}`;
    link.textContent = each.querySelector(".did").textContent.trim();
    item.append(link);
    list.append(item);
  }
  told.append(head, list);
  note.append(told);
  document.getElementById("standing")?.after(note);
}

for (const each of names("looked:")) {
  if (!(Date.now() - before(each)?.at < LASTS)) write(each, null);
}
const name = place();
if (name) {
  const last = before(name);
  if (last) {
    const found = entries().filter((each) => Number(each.dataset.event) > last.event);
    if (found.length) {
      tell(found, last.at);
      mark(found);
    }
  }
  let known = newest();
  const remember = () => {
    if (document.hidden) return;
    write(name, JSON.stringify({ event: newest(), at: Date.now() }));
  };
  remember();
  document.addEventListener("visibilitychange", remember);
  addEventListener("pagehide", remember);
  document.addEventListener("sf:morphed", () => {
    mark(entries().filter((each) => Number(each.dataset.event) > known));
    known = Math.max(known, newest());
    remember();
  });
}
