// Marks what happened since this person last looked at this decision; the browser remembers up to where that was.
import { make } from "./dom.js";
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
    each.querySelector(".did").prepend(make("span", { className: "visually-hidden", data: { added: "" } }, "New: "));
  }
}

function tell(found, at) {
  const head = make("p", {}, `Since you last looked, ${relative(new Date(at))}:`);
  const links = found.slice(0, SHOWN).map((each) => {
    const words = each.querySelector(".did").textContent.trim();
    return make("li", {}, make("a", { href: `#${each.id}` }, words));
  });
  const told = make("div", {}, head, make("ul", {}, ...links));
  const note = make("div", { className: "message note", id: "since", data: { added: "" } }, told);
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
