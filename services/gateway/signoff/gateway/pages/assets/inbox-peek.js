// Beside the list, on wide screens: what the row in focus shows, fetched when the person stays on it.
import { button, make } from "./dom.js";
import { rowsOf, say } from "./inbox-arrivals.js";
import { boxOf, meet } from "./inbox-met.js";
import { markRead } from "./inbox-unread.js";
import { morph } from "./morph.js";
import { readPage, WHY } from "./reading.js";
import { signInAgain } from "./session.js";

const STAY = 150; // ms
const pane = document.getElementById("inbox-peek");
let wanted = null; // the row's key
let waiting = null;
let request = null;

/** Show a row in the pane. */
export function peek(row, { now = false } = {}) {
  if (!pane || row.classList.contains("inbox-gone")) return;
  const shown = pane.querySelector("#peek");
  wanted = row.dataset.key;
  clearTimeout(waiting);
  if (shown?.dataset.key === wanted && Number(shown.dataset.event) >= Number(row.dataset.event)) return;
  waiting = setTimeout(() => load(wanted), now ? 0 : STAY);
}

async function load(key) {
  request?.abort();
  const mine = new AbortController();
  request = mine;
  pane.setAttribute("aria-busy", "true");
  const { state, page } = await readPage(`/inbox/${key}${location.search}`, { signal: mine.signal });
  if (request !== mine) return;
  pane.removeAttribute("aria-busy");
  if (wanted !== key) return;
  const newer = page.getElementById("peek");
  if (newer) show(key, newer);
  else tell(WHY[state] ?? "This cannot be shown here. Open it to see more.", state === "out");
}

function show(key, newer) {
  const shown = pane.querySelector("#peek");
  if (shown?.dataset.key === key) change(shown, newer);
  else {
    pane.replaceChildren(document.importNode(newer, true));
    pane.scrollTop = 0;
    pane.dispatchEvent(new CustomEvent("sf:morphed", { bubbles: true }));
    meetShown();
  }
  markRead([key, newer.dataset.event]);
}

// What was beside the list becomes another thing under the eyes of its reader, who has to say that they saw it.
function change(shown, newer) {
  if (shown.dataset.digest !== newer.dataset.digest) {
    shown.dataset.sfChanged = "";
    say("What is shown beside the list was changed: look again");
  }
  morph(shown, newer);
}

function meetShown() {
  const shown = pane.querySelector("#peek");
  delete shown.dataset.sfChanged;
  const row = rowsOf(document).find((each) => each.dataset.key === shown.dataset.key);
  if (!row || !boxOf(row)) return;
  if (Number(shown.dataset.event) > Number(row.dataset.event)) boxOf(row).value = shown.dataset.value; // the list follows
  meet(row, shown.dataset.value);
}

pane?.addEventListener("click", ({ target }) => {
  if (!target.closest(".inbox-looked")) return;
  const link = pane.querySelector("h2 a");
  meetShown();
  link.focus();
});

function tell(words, isOut) {
  const again = button("Sign in", async () => (await signInAgain()) && load(wanted));
  pane.replaceChildren(make("p", { className: "soft" }, words), ...(isOut ? [again] : []));
}
