// An execution as of any event, without loading its page anew: the slider, and links that show another block.
// Without this module the same links and forms load whole pages.
import { addKey } from "./keys.js";
import { refresh } from "./live.js";
import { toast } from "./toasts.js";

const SETTLE = 60; // ms in which the slider may move on

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
function hold(isHeld) {
  const ask = document.getElementById("ask-fork");
  ask?.querySelector("form").toggleAttribute("data-keep", isHeld && ask.open);
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
