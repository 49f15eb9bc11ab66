// The connection by which the server tells what happens. Every event is told as "sf:event" on the document, and
// "sf:missed" when there may have been some that nobody told of.
//
// Over HTTP/1.1 browsers open six connections to a server, for all tabs together: of the tabs that are seen PLACES
// have a feed, of the hidden ones the one that notifies (keepOpen); the others read their pages now and then.
import { isOver, tell } from "./connection.js";

const PLACES = 3;
const RETRY = [1_000, 2_000, 4_000, 8_000, 15_000];

let source = null;
let address = null; // of the feed that is open, or being opened
// After this the feed tells everything: the page's own reading began there, or it was told last.
let cursor = document.body.dataset.cursor ?? null;
let failures = 0;
let retrying = null;
let place = null; // a promise of what gives this tab's place to another, or of null
let notifying = null; // ends that this tab is the one that notifies, or waits to be
let isNotifier = false;

/** ms to wait after so many failures: not the same for all tabs that a server has left at once. */
export function delay(failed) {
  return RETRY[Math.min(Math.max(failed, 1), RETRY.length) - 1] * (0.7 + 0.6 * Math.random());
}

/** Whether events come here, or soon will; else the page has to ask. */
export function isFed() {
  return Boolean(source ?? retrying);
}

/** Stay connected while hidden, for notifications: of all tabs that want it, one does. */
export function keepOpen(keep = true) {
  if (keep === Boolean(notifying)) return;
  notifying?.abort();
  notifying = keep ? new AbortController() : null;
  isNotifier = keep && !navigator.locks;
  if (keep) navigator.locks?.request("signoff-notifier", beNotifier.bind(null, notifying.signal));
  adjust();
}

function beNotifier(signal) {
  if (signal.aborted) return undefined; // not wanted any more when its turn came
  isNotifier = true;
  adjust();
  return new Promise((resolve) => signal.addEventListener("abort", resolve));
}

/** Open, close or change the connection, as the page is now. */
export async function adjust() {
  const wanted = addressNow();
  if (wanted === address && isFed()) return;
  close();
  address = wanted;
  if (!wanted) {
    leave();
    return;
  }
  const taking = isNotifier ? null : take();
  const isFree = isNotifier || (await taking);
  if (isFree && address === wanted && !isFed()) open(wanted);
  if (!isFree && place === taking) place = null; // asked again at the next reading
}

function addressNow() {
  const isWanted = "streams" in document.body.dataset && !isOver() && (!document.hidden || isNotifier);
  return isWanted ? addressOf([...document.querySelectorAll("[data-live]")]) : null;
}

function addressOf(watched) {
  if (!watched.length && !isNotifier) return null;
  const types = new Set(watched.flatMap((each) => (each.dataset.live || "*").split(/\s+/)));
  const query = new URLSearchParams();
  if (document.body.dataset.workspace) query.set("workspaceId", document.body.dataset.workspace);
  if (!types.has("*") && types.size) query.set("types", [...types].sort().join(","));
  const only = new Set(watched.flatMap((each) => (each.dataset.liveExecution ?? "").split(/\s+/)));
  if (only.size && !only.has("")) query.set("executionId", [...only].sort().join(","));
  return `/api/stream?${query}`;
}

function close() {
  clearTimeout(retrying);
  retrying = null;
  source?.close();
  source = null;
  address = null;
}

function open(wanted) {
  const opened = new EventSource(cursor ? `${wanted}&cursor=${encodeURIComponent(cursor)}` : wanted);
  source = opened;
  opened.addEventListener("open", () => {
    failures = 0;
    tell("live");
    if (cursor === null) document.dispatchEvent(new CustomEvent("sf:missed"));
  });
  opened.addEventListener("message", (message) => {
    cursor = message.lastEventId || cursor;
    document.dispatchEvent(new CustomEvent("sf:event", { detail: JSON.parse(message.data) }));
  });
  opened.addEventListener("error", () => {
    tell("away");
    if (opened.readyState !== EventSource.CLOSED) return; // the browser tries again itself
    source = null;
    cursor = null; // it may be what was refused
    failures += 1;
    retrying = setTimeout(() => {
      retrying = null;
      document.dispatchEvent(new CustomEvent("sf:missed")); // reading tells whether the session has ended
      adjust();
    }, delay(failures));
  });
}

// Places ------------------------------------------------------------------------------------------------------

function take() {
  place ??= freePlace();
  return place;
}

async function freePlace() {
  if (!navigator.locks) return () => {}; // not over https: each tab that is seen has its own
  for (let number = 1; number <= PLACES; number += 1) {
    const release = await new Promise((resolve) => {
      navigator.locks.request(`signoff-feed-${number}`, { ifAvailable: true }, (lock) =>
        lock ? new Promise((free) => resolve(free)) : resolve(null),
      );
    });
    if (release) return release;
  }
  return null;
}

async function leave() {
  const left = place;
  place = null;
  (await left)?.();
}

document.addEventListener("visibilitychange", adjust);
addEventListener("pagehide", close);
addEventListener("pageshow", adjust);
addEventListener("offline", () => tell("away"));
addEventListener("online", () => {
  close();
  if (!addressNow()) tell("live"); // nothing is opened that would tell
  adjust();
});
