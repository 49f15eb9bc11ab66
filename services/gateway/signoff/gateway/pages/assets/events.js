// The events of an execution: each is unfolded where it stands, and #event-17 leads to the page that has it.
import { button, make } from "./dom.js";
import { readPage, WHY } from "./reading.js";
import { signInAgain } from "./session.js";
import { toast } from "./toasts.js";

async function unfold(line, opener) {
  if (opener.ariaBusy === "true") return;
  const isOpen = opener.ariaExpanded === "true";
  const known = line.querySelector(":scope > .event-detail");
  if (known) known.hidden = isOpen;
  else if (!(await add(line, opener))) return;
  opener.ariaExpanded = String(!isOpen);
}

async function add(line, opener) {
  opener.ariaBusy = "true";
  const { state, page } = await read(line.querySelector(".event-number").href);
  opener.ariaBusy = "false";
  const found = page.getElementById("event-json");
  if (found) {
    const content = document.importNode(found, true).childNodes;
    line.append(make("div", { className: "event-detail", data: { added: "" } }, ...content));
  } else toast("problem", WHY[state] ?? "The event cannot be shown here.");
  return Boolean(found);
}

async function read(url) {
  const first = await readPage(url);
  return first.state === "out" && (await signInAgain()) ? readPage(url) : first;
}

function equip() {
  for (const line of document.querySelectorAll(".events > li")) {
    if (line.querySelector(":scope > button[data-added]")) continue;
    const opener = button("JSON", () => unfold(line, opener), "quiet");
    opener.dataset.added = "";
    opener.ariaLabel = `JSON of event ${line.id.slice("event-".length)}`;
    opener.ariaExpanded = "false";
    line.append(opener);
  }
}

function follow() {
  const named = /^#event-(\d{1,9})$/.exec(location.hash);
  if (!named) return;
  const line = document.getElementById(`event-${named[1]}`);
  if (line) {
    line.scrollIntoView({ block: "center" });
    line.focus({ preventScroll: true });
    const opener = line.querySelector(":scope > button[aria-expanded=false]");
    if (opener) unfold(line, opener);
  } else if (new URLSearchParams(location.search).get("event") !== named[1]) {
    location.replace(`?event=${named[1]}${location.hash}`);
  }
}

equip();
follow();
addEventListener("hashchange", follow);
document.addEventListener("sf:morphed", equip);
