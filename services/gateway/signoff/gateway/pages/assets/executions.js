// An execution as of any event, without loading its page anew: the slider, and links that show another block.
// Events are unfolded where they stand. Without this module the same links and forms load whole pages.
import { addKey } from "./keys.js";
import { refresh } from "./live.js";
import { toast } from "./toasts.js";

const SETTLE = 60; // ms in which the slider may move on
const READ_LIMIT = 20_000;

// One reading at a time, so that a slider that is dragged shows what it passes; of several wishes meanwhile the
// last one counts. The page has the address of what is read.
let wanted = null; // { address, enter }: how the address is taken
let isReading = false;

const replace = (address) => history.replaceState(null, "", address);
const push = (address) => history.pushState(null, "", address);
const keep = () => {};

async function show(address, enter) {
  wanted = { address: String(address), enter };
  if (isReading) return;
  isReading = true;
  try {
    while (wanted) {
      const next = wanted;
      wanted = null;
      next.enter(next.address);
      hold(false);
      tell(await refresh(next.address), next.address);
      hold(true);
    }
  } finally {
    isReading = false;
  }
}

// What an open question about a fork says stays while events come: only who goes to another event moves it.
function hold(wanted) {
  const ask = document.getElementById("ask-fork");
  ask?.querySelector("form").toggleAttribute("data-keep", wanted && ask.open);
}

function tell(outcome, address) {
  if (outcome === "gone") location.assign(address); // its page says why
  if (outcome === "busy") toast("note", "The server does not answer. This page is shown as soon as it does.");
}

/** <sf-time>: a slider over the events of an execution. */
class Time extends HTMLElement {
  #waiting = null;
  #listening = null;

  connectedCallback() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    this.addEventListener("input", ({ target }) => target.type === "range" && this.#moved(target), { signal });
    this.addEventListener("submit", (event) => event.preventDefault(), { signal });
    document.addEventListener("sf:morphed", () => this.#settle(), { signal });
  }

  disconnectedCallback() {
    this.#listening.abort();
  }

  #moved(range) {
    range.setAttribute("aria-valuetext", `Event ${range.value} of ${range.max}`);
    const address = new URL(location.href);
    address.searchParams.set("asOf", range.value);
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => {
      this.#waiting = null;
      show(address, replace);
    }, SETTLE);
  }

  // What the person chose stays; else the slider stands where the page does.
  #settle() {
    const range = this.querySelector("input[type=range]");
    if (range && this.#waiting === null && wanted === null) range.value = range.getAttribute("value");
  }
}
customElements.define("sf-time", Time);

function isPlain(event) {
  return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

const page = document.getElementById("execution");
if (page) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("#execution :is(a[data-stay], #earlier, #later, #to-now, a.gb, .graph-list a)");
    const address = link?.getAttribute("href");
    if (!address || event.defaultPrevented || !isPlain(event)) return;
    const target = new URL(address, location.href);
    if (target.pathname !== location.pathname) return;
    event.preventDefault();
    show(target, push);
  });
  const asked = ({ target }) => {
    if (target.id !== "ask-fork") return;
    hold(true);
    if (!target.open) refresh(location.href);
  };
  document.addEventListener("toggle", asked, true); // it does not bubble
  addEventListener("popstate", () => show(location.href, keep));
  addKey("[", "One event earlier", () => document.querySelector("a#earlier")?.click(), "Time");
  addKey("]", "One event later", () => document.querySelector("a#later")?.click(), "Time");
  addKey("n", "Back to now", () => document.querySelector("#to-now")?.click(), "Time");
}

// Events ------------------------------------------------------------------------------------------------------

async function unfold(line, button) {
  if (button.getAttribute("aria-busy") === "true") return;
  const isOpen = button.getAttribute("aria-expanded") === "true";
  const known = line.querySelector(":scope > .event-detail");
  if (known) known.hidden = isOpen;
  else if (!(await add(line, button))) return;
  button.setAttribute("aria-expanded", String(!isOpen));
}

async function add(line, button) {
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(line.querySelector(".event-number").href, {
      headers: { "Signoff-Live": "1" },
      signal: AbortSignal.timeout(READ_LIMIT),
    });
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("event-json");
    if (!found) throw new Error(`no event: ${answer.status}`);
    const detail = document.createElement("div");
    detail.className = "event-detail";
    detail.dataset.added = "";
    detail.append(...document.importNode(found, true).childNodes);
    line.append(detail);
    return true;
  } catch {
    toast("problem", "The event could not be read. Try again in a moment.");
    return false;
  } finally {
    button.setAttribute("aria-busy", "false");
  }
}

function equip() {
  for (const line of document.querySelectorAll(".events > li")) {
    if (line.querySelector(":scope > button[data-added]")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet";
    button.dataset.added = "";
    button.textContent = "JSON";
    button.setAttribute("aria-label", `JSON of event ${line.id.slice("event-".length)}`);
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => unfold(line, button));
    line.append(button);
  }
}

// #event-17 is on the page that has it.
function follow() {
  const named = /^#event-(\d{1,9})$/.exec(location.hash);
  if (!named) return;
  const line = document.getElementById(`event-${named[1]}`);
  if (line) {
    line.scrollIntoView({ block: "center" });
    line.focus({ preventScroll: true });
    const button = line.querySelector(":scope > button[aria-expanded=false]");
    if (button) unfold(line, button);
  } else if (new URLSearchParams(location.search).get("event") !== named[1]) {
    location.replace(`?event=${named[1]}${location.hash}`);
  }
}

if (document.getElementById("events")) {
  equip();
  follow();
  addEventListener("hashchange", follow);
  document.addEventListener("sf:morphed", equip);
}
