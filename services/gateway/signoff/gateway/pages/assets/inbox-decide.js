// Answers pause points from the list: asks once, sends ten at a time, and shows what became of each.
import { rowsOf, showAll } from "./inbox-arrivals.js";
import { markOwn } from "./inbox-unread.js";
import { signInAgain } from "./session.js";
import { toast } from "./toasts.js";

const AT_ONCE = 10;
const LIMIT = 60_000;
const VERBS = { approve: "Approve", reject: "Reject", claim: "Claim", release: "Release" };
const DONE = { approve: "Approved", reject: "Rejected", claim: "Claimed", release: "Released" };
const byId = (name) => document.getElementById(`inbox-${name}`);

let job = null; // what the dialog is about

/**
 * Answer points; approving and rejecting asks first.
 *
 * points: [{key, value, title}]: value names the point, and what the person saw of it. action: where it is sent.
 */
export function decide(points, verb, action) {
  if (!points.length || job?.busy) return;
  const stays = verb === "claim" || verb === "release";
  const next = stays ? points[0].key : nextOf(points);
  const filledIn = points.filter((each) => toldOf(each.key, ".inbox-filled").length);
  job = { points, verb, action, next, filledIn, key: newKey(), sent: 0, refused: [], busy: false };
  if (stays) run();
  else ask();
}

// Not crypto.randomUUID: browsers have that on https and localhost alone.
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function ask() {
  const { points, verb } = job;
  const what = points.length === 1 ? `“${points[0].title}”` : `${points.length} decisions`;
  byId("ask").textContent = `${VERBS[verb]} ${what}?`;
  byId("asked").replaceChildren(...points.map(item));
  byId("why").value = "";
  byId("why").readOnly = false;
  for (const name of ["why-field", "yes"]) byId(name).hidden = false;
  for (const name of ["progress", "results"]) byId(name).hidden = true;
  byId("yes").textContent = VERBS[verb];
  byId("yes").className = `button ${verb === "reject" ? "danger" : "primary"}`;
  byId("no").textContent = "Cancel";
  byId("results").replaceChildren();
  byId("dialog").showModal();
  byId("why").focus();
}

// What is decided, in a few words, and all that is sent beside yes or no.
function item({ key, title }) {
  const told = document.createElement("li");
  told.dir = "auto";
  if (job.points.length > 1) told.textContent = title;
  told.append(...toldOf(key, ".inbox-shown, .inbox-filled").map((each) => each.cloneNode(true)));
  return told;
}

// Of its row; else of what is beside the list.
const toldOf = (key, parts) => [...(document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.querySelectorAll(parts) ?? [])];

async function run() {
  const mine = job;
  mine.busy = true;
  mine.stopped = false;
  const reason = byId("dialog").open ? byId("why").value.trim() : "";
  progress(mine);
  let fault = "";
  try {
    while (mine.sent < mine.points.length && !mine.stopped) {
      const some = mine.points.slice(mine.sent, mine.sent + AT_ONCE);
      const results = await post(mine, some, reason);
      for (const each of results) {
        if ("done" in each.dataset) markOwn(each.dataset.key);
        else mine.refused.push(document.importNode(each, true));
      }
      mine.sent += some.length;
      progress(mine);
    }
  } catch (error) {
    fault = error.message || "The server could not be reached.";
  }
  mine.busy = false;
  if (fault) again(mine, fault);
  else await finish(mine);
}

async function post({ action, verb, key, filledIn }, points, reason) {
  const body = new URLSearchParams({ verb, reason, key, inPlace: "1" });
  for (const each of points) {
    body.append("point", each.value);
    if (filledIn.includes(each)) body.append("filledIn", each.key);
  }
  for (;;) {
    const signal = AbortSignal.timeout(LIMIT);
    const answer = await fetch(action, { method: "POST", body, headers: { "Signoff-Form": "1" }, signal }).catch(() => {
      throw new Error("The server could not be reached.");
    });
    if (answer.status === 401) {
      if (await signInAgain()) continue;
      throw new Error("You are signed out.");
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) throw new Error(page.querySelector("[data-refusal-text]")?.textContent.trim());
    return [...page.querySelectorAll(".inbox-results > li")];
  }
}

function progress({ points, sent }) {
  if (!byId("dialog").open || points.length <= AT_ONCE) return;
  byId("progress").hidden = false;
  const bar = byId("progress").querySelector("progress");
  bar.max = points.length;
  bar.value = sent;
  byId("progress").querySelector("p").textContent = `${sent} of ${points.length}`;
  byId("no").textContent = "Stop";
  byId("yes").hidden = true;
}

// Something is in the way: the same goes on from where it stopped, and nothing is done twice.
function again(mine, fault) {
  const words = [fault, mine.sent && `${mine.sent} of ${mine.points.length} were sent.`, "Nothing is done twice: try again."]
    .filter(Boolean)
    .join(" ");
  if (!byId("dialog").open) {
    toast("problem", words);
    return;
  }
  byId("progress").hidden = false;
  byId("progress").querySelector("p").textContent = words;
  byId("why").readOnly = true; // the same decisions, if they have been taken after all
  byId("yes").hidden = false;
  byId("yes").textContent = "Try again";
  byId("no").textContent = "Close";
}

async function finish(mine) {
  const { verb, points, sent, refused } = mine;
  const taken = sent - refused.length;
  const what = points.length === 1 ? points[0].title : `${taken} decisions`;
  if (refused.length) results(mine, taken);
  else {
    byId("dialog").close();
    toast("done", mine.stopped ? `Stopped: ${DONE[verb].toLowerCase()} ${taken} of ${points.length}` : `${DONE[verb]}: ${what}`);
  }
  const answered = new Set(points.slice(0, sent).map((each) => each.key));
  for (const row of rowsOf(document)) {
    const box = answered.has(row.dataset.key) && row.querySelector('[name="point"]');
    if (box) box.checked = false;
  }
  await showAll(); // however it ends: a list that cannot be read now is read later, by itself
  document.dispatchEvent(new CustomEvent("inbox:decided", { detail: mine.next }));
}

function results({ verb, refused }, taken) {
  const words = `${taken ? `${taken} ${DONE[verb].toLowerCase()}, ` : ""}${refused.length} not ${DONE[verb].toLowerCase()}`;
  byId("ask").textContent = words;
  byId("asked").replaceChildren();
  byId("results").replaceChildren(...refused);
  byId("results").hidden = false;
  for (const name of ["why-field", "yes", "progress"]) byId(name).hidden = true;
  byId("no").textContent = "Close";
  if (!byId("dialog").open) byId("dialog").showModal();
  byId("no").focus();
}

// The row to go on with: the first after those that are answered.
function nextOf(points) {
  const keys = new Set(points.map((each) => each.key));
  const rows = rowsOf(document);
  const isAnswered = (row) => keys.has(row.dataset.key);
  const at = rows.findLastIndex(isAnswered);
  const next = rows.slice(at + 1).find((row) => !isAnswered(row)) ?? rows.findLast((row) => !isAnswered(row));
  return next?.dataset.key;
}

byId("confirm")?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!job.busy) run();
});
byId("no")?.addEventListener("click", () => {
  if (job?.busy) job.stopped = true;
  else byId("dialog").close();
});
byId("dialog")?.addEventListener("cancel", (event) => {
  if (!job?.busy) return;
  event.preventDefault();
  job.stopped = true;
});
byId("why")?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("confirm").requestSubmit();
});
