// Keeps a page as it would be if it were loaded now. Elements with an id and data-live="pause:* execution:*"
// (types of events; "*" is any) are made anew when such an event comes; data-live-execution and
// data-live-workflow name the only ones (by spaces) that concern them. That another is forked from such an
// execution does, too. The page itself is asked for again, and the elements are morphed: there is no second way
// to render anything. Who has no feed asks now and then.
import { isOver, tell } from "./connection.js";
import { adjust, delay, isFed } from "./feed.js";
import { morph } from "./morph.js";
import { mustRenew, readPage } from "./reading.js";

export { keepOpen } from "./feed.js";

const SETTLE = 120; // ms in which more events are waited for
const AT_LEAST = 1_000; // ms between the beginnings of two readings
const POLL = 10_000; // ms
const LONGEST_PAUSE = 60_000;

let readAt = -AT_LEAST;
let planned = null;
let again = null; // ms after which to read again, once the present reading has ended
let current = null; // aborts the present reading
let failures = 0;
let wantsMessages = false;

/** Read the page again soon; many such wishes are one. */
export function readSoon(wait = SETTLE) {
  if (current) again ??= wait;
  else planned ??= setTimeout(read, Math.max(wait, readAt + AT_LEAST - performance.now()));
}

function read() {
  planned = null;
  if (current) again ??= SETTLE; // never in the way of what a person waits for
  else if (!isOver()) {
    readAt = performance.now();
    refresh(location.href);
  }
}

/**
 * Ask for a page, and morph this one's live elements into its. The later of two wishes wins.
 *
 * options.messages: also show the message that was left for the page.
 *
 * Resolves to "fresh"; "stale": overtaken by a later reading, or the page has another address by now; "gone":
 * there is no such page, or not for this visitor; "busy": the server cannot answer now, and is asked again.
 */
export async function refresh(url, { messages = false } = {}) {
  wantsMessages ||= messages;
  current?.abort();
  const mine = new AbortController();
  current = mine;
  let outcome = "stale";
  try {
    outcome = await ask(url, mine);
  } finally {
    if (current === mine) {
      current = null;
      if (outcome === "stale") again ??= SETTLE;
      if (again !== null) readSoon(again);
      again = null;
    }
  }
  return outcome;
}

async function ask(url, mine) {
  const { state, page, wait } = await readPage(url, { signal: mine.signal, messages: wantsMessages });
  if (current !== mine || !isHere(url)) return "stale";
  if (state === "out") return gone((await mustRenew()) ? "renew" : "out");
  if (state === "over") return gone("over"); // what was shown last stays
  if (state !== "page") return busy(wait);
  show(page);
  return "fresh";
}

function isHere(url) {
  const plain = (address) => new URL(address, location.href).href.replace(/#.*/, "");
  return plain(url) === plain(location.href);
}

function busy(seconds) {
  failures += 1;
  again = Math.max(delay(failures), Math.min(seconds * 1000, LONGEST_PAUSE));
  if (!isFed()) tell("away");
  return "busy";
}

function gone(state) {
  tell(state);
  adjust();
  return "gone";
}

function show(newer) {
  if (newer.body.dataset.visitor !== document.body.dataset.visitor) {
    location.reload();
    return;
  }
  for (const element of liveElements(wantsMessages ? ", #messages" : "")) {
    const other = newer.getElementById(element.id);
    if (!other) {
      element.remove();
      continue;
    }
    // A module may change what is to come, such as the inbox, which keeps its rows in their places.
    element.dispatchEvent(new CustomEvent("sf:newer", { bubbles: true, detail: other }));
    morph(element, other);
  }
  document.title = newer.title;
  wantsMessages = false;
  failures = 0;
  if (isOver() || !isFed()) tell("live");
  adjust();
}

function liveElements(also) {
  const all = [...document.querySelectorAll(`[data-live][id]${also}`)];
  return all.filter((each) => !each.parentElement.closest("[data-live][id]"));
}

// What concerns the page --------------------------------------------------------------------------------------

function concerns(event, { dataset }) {
  const isNamed = (names, id) => names === undefined || names.split(/\s+/).includes(id);
  return (
    (dataset.live || "*").split(/\s+/).some((type) => matches(type, event.type)) &&
    [event.executionId, sourceOf(event)].some((id) => isNamed(dataset.liveExecution, id)) &&
    isNamed(dataset.liveWorkflow, event.workflowId)
  );
}

function sourceOf({ type, data }) {
  return type === "execution:forked" ? data.source.executionId : null;
}

function matches(pattern, type) {
  return pattern === "*" || pattern === type || (pattern.endsWith(":*") && type.startsWith(pattern.slice(0, -1)));
}

function poll() {
  if (document.hidden || isFed() || isOver() || !document.body.dataset.visitor) return;
  if (document.querySelector("[data-live]")) readSoon(0);
}

document.addEventListener("sf:event", ({ detail }) => {
  if ([...document.querySelectorAll("[data-live]")].some((each) => concerns(detail, each))) readSoon();
});
document.addEventListener("sf:missed", () => readSoon(0));
document.addEventListener("visibilitychange", poll);
setInterval(poll, POLL);
adjust();
