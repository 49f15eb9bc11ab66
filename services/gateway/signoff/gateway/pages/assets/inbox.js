// The inbox: filters that apply at once, keys, and choosing rows. What it shows is rendered by the server.
import { rowsOf, showAll } from "./inbox-arrivals.js";
import { decide } from "./inbox-decide.js";
import { boxOf, compareAll, isChanged, meet, valueOf } from "./inbox-met.js";
import "./inbox-unread.js";
import { addKey } from "./keys.js";
import { toast } from "./toasts.js";

const TYPED = 250; // ms after the last letter
const isWide = matchMedia("(min-width: 75rem)"); // there is room for the pane beside the list
const list = () => document.getElementById("inbox-list");
const form = () => document.getElementById("inbox-form");
const boxes = () => [...document.querySelectorAll('.inbox-select [name="point"]:not(:disabled)')];
const linkOf = (row) => row?.querySelector(".inbox-what > a");

if ("Notification" in window) import("./inbox-notify.js").catch(() => {}); // without it, nothing is told of

// The row that the person is at -------------------------------------------------------------------------------

let current = null; // its key

const rowAt = (key) => rowsOf(document).find((row) => row.dataset.key === key);

function goTo(row) {
  if (!row) return;
  linkOf(row).focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function mark() {
  for (const row of rowsOf(document)) row.toggleAttribute("data-sf-current", row.dataset.key === current);
}

function step(by) {
  const rows = rowsOf(document);
  const at = rows.findIndex((row) => row.dataset.key === current);
  goTo(at < 0 ? rows.at(by > 0 ? 0 : -1) : rows[Math.min(Math.max(at + by, 0), rows.length - 1)]);
}

async function peek(row, how) {
  if (isWide.matches) (await import("./inbox-peek.js").catch(() => null))?.peek(row, how);
}

document.addEventListener("focusin", ({ target }) => {
  const row = target.closest?.("tr[data-key]");
  if (!row) return;
  current = row.dataset.key;
  mark();
  peek(row);
});
document.addEventListener("click", ({ target }) => {
  const row = target.closest("tr[data-key]");
  if (row && !target.closest("a, input, label, button")) goTo(row);
});
document.addEventListener("inbox:decided", ({ detail: key }) => {
  const next = rowAt(key);
  if (document.querySelector("dialog[open]")) current = key ?? null;
  else if (next) goTo(next);
  else document.getElementById("main").focus();
});

// Choosing ----------------------------------------------------------------------------------------------------

function showChosen() {
  const bar = form();
  if (!bar) return;
  const all = boxes();
  const chosen = all.filter((each) => each.checked);
  bar.toggleAttribute("data-sf-chosen", chosen.length > 0);
  const master = document.getElementById("inbox-all");
  if (!master) return;
  master.checked = chosen.length > 0 && chosen.length === all.length;
  master.indeterminate = chosen.length > 0 && chosen.length < all.length;
  document.getElementById("inbox-chosen").textContent = chosen.length ? `${chosen.length} selected` : "Select all";
}

function choose(row) {
  const box = row && boxOf(row);
  if (!box || box.disabled) return;
  box.checked = !box.checked;
  chose(box);
}

// Who ticks a row that is marked as changed knows that it was.
function chose(box) {
  if (box.checked) meet(box.closest("tr"));
  showChosen();
}

document.addEventListener("change", ({ target }) => {
  if (target.name === "point") chose(target);
  if (target.id !== "inbox-all") return;
  for (const each of boxes()) each.checked = target.checked && !isChanged(each.closest("tr"));
  showChosen();
});

// Deciding ----------------------------------------------------------------------------------------------------

const pointOf = (row) => ({ key: row.dataset.key, value: valueOf(row), title: linkOf(row).textContent });

// What is chosen; else the row that the person is at.
function meant() {
  const chosen = boxes().filter((each) => each.checked);
  const rows = chosen.length ? chosen.map((each) => each.closest("tr")) : [rowAt(current)];
  return rows.filter((row) => row && boxOf(row) && !boxOf(row).disabled);
}

// The decision beside the list: its row, if there is one, says what was met of it.
function peeked(sent) {
  const { key } = sent.closest("#peek").dataset;
  const row = rowAt(key);
  return row && boxOf(row) ? pointOf(row) : { key, value: sent.elements.point.value, title: sent.dataset.title };
}

function answer(verb) {
  decide(meant().map(pointOf), verb, form()?.action);
}

document.addEventListener("submit", (event) => {
  const sent = event.target.closest("form[data-decide]");
  if (!sent) return;
  event.preventDefault();
  const verb = event.submitter?.value;
  if (sent === form()) answer(verb);
  else decide([peeked(sent)], verb, sent.action);
});

// Filtering ---------------------------------------------------------------------------------------------------

const filters = document.getElementById("inbox-filters");
let typing = null;
let reading = false;

async function filter() {
  clearTimeout(typing);
  const query = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
  for (const [name, value] of [["scope", "open"], ["sort", "-priority"]]) {
    if (query.get(name) === value) query.delete(name);
  }
  history.replaceState(null, "", `${filters.getAttribute("action")}${query.size ? `?${query}` : ""}`);
  if (reading) return; // it reads again, by itself
  reading = true;
  let read = "";
  try {
    while (read !== location.href) {
      read = location.href;
      const outcome = await showAll();
      if (outcome === "gone") toast("problem", "This cannot be shown. Reload the page.");
    }
  } finally {
    reading = false;
  }
}

filters?.addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});
filters?.addEventListener("change", ({ target }) => target.type === "search" || filter());
filters?.addEventListener("input", ({ target }) => {
  if (target.type !== "search") return;
  clearTimeout(typing);
  typing = setTimeout(filter, TYPED);
});

// Keys --------------------------------------------------------------------------------------------------------

document.addEventListener("sf:morphed", ({ target }) => {
  if (target !== list()) return;
  compareAll();
  mark();
  showChosen();
  const row = rowAt(current);
  if (row && document.querySelector("#peek")?.dataset.key === current) peek(row, { now: true });
});
addKey("j", "Next decision", () => step(1), "Inbox");
addKey("k", "Previous decision", () => step(-1), "Inbox");
addKey("Enter", "Open it", () => linkOf(rowAt(current))?.click(), "Inbox");
addKey("x", "Select it", () => choose(rowAt(current)), "Inbox");
addKey("a", "Approve it, or those selected", () => answer("approve"), "Inbox");
addKey("r", "Reject it, or those selected", () => answer("reject"), "Inbox");
addKey("c", "Claim it, or release it", () => answer(rowAt(current) && "mine" in rowAt(current).dataset ? "release" : "claim"), "Inbox");
showChosen();
