// Beside the list, on wide screens: what the row in focus shows, fetched when the person stays on it.
import { rowsOf, say } from "./inbox-arrivals.js";
import { boxOf, meet } from "./inbox-met.js";
import { markRead } from "./inbox-unread.js";
import { morph } from "./morph.js";

const STAY = 150; // ms
const LIMIT = 10_000;
const pane = document.getElementById("inbox-peek");
const isWide = matchMedia("(min-width: 75rem)");
let wanted = null; // the row's key
let waiting = null;
let request = null;

/** Show a row in the pane. */
export function peek(row, { now = false } = {}) {
  if (!pane || !isWide.matches || row.classList.contains("inbox-gone")) return;
  const shown = pane.querySelector("#peek");
  wanted = row.dataset.key;
  clearTimeout(waiting);
  if (shown?.dataset.key === wanted && Number(shown.dataset.event) >= Number(row.dataset.event)) return;
  waiting = setTimeout(() => load(wanted), now ? 0 : STAY);
}

async function load(key) {
  request?.abort();
  request = new AbortController();
  const headers = { "Signoff-Live": "1", "X-Workspace-Id": document.body.dataset.workspace };
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(LIMIT)]);
  pane.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`/inbox/${key}`, { headers, redirect: "manual", signal });
    if (answer.ok && wanted === key) show(key, new DOMParser().parseFromString(await answer.text(), "text/html"));
    else if (wanted === key) tell("This cannot be shown here. Open it to see more.");
  } catch (error) {
    if (error.name !== "AbortError") tell("The server could not be reached.");
  } finally {
    pane.removeAttribute("aria-busy");
  }
}

function show(key, page) {
  const newer = page.getElementById("peek");
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

function tell(words) {
  const told = document.createElement("p");
  told.className = "soft";
  told.textContent = words;
  pane.replaceChildren(told);
}
