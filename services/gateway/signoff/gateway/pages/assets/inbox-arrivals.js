// Rows of the inbox stay where they are while the person reads: what comes between them waits behind a button
// ("3 new"), what is gone is struck out in its place, and what comes after the last row is added there.
import { refresh } from "./live.js";

let isAsked = false; // the page that is shown next: the person waits for all that is new

export const rowsOf = (root) => [...root.querySelectorAll("tr[data-key]")];
const held = () => document.getElementById("inbox-held");

/** Read the page again, and show all that is new in its place. */
export function showAll() {
  isAsked = true;
  return refresh(location.href);
}

/** Tell it to who cannot see it. */
export function say(words) {
  document.getElementById("inbox-told").textContent = words;
}

document.addEventListener("sf:newer", ({ target, detail: newer }) => {
  if (target.id !== "inbox-list") return;
  const isOther = newer.dataset.view !== target.dataset.view;
  const before = target.querySelector("tbody");
  const after = newer.querySelector("tbody");
  const known = new Set(rowsOf(target).map((row) => row.dataset.key));
  const arrived = isOther ? [] : rowsOf(newer).filter((row) => !known.has(row.dataset.key));
  for (const row of arrived) row.dataset.sfFresh = "";
  // Nobody is about to click where nobody looks, or where there is nothing.
  if (isAsked || isOther || document.hidden || !before || !after) tell(0, 0);
  else settle(before, after, arrived);
  isAsked = false;
});

function settle(before, after, arrived) {
  const coming = new Map(rowsOf(after).map((row) => [row.dataset.key, row]));
  const order = [...coming.keys()];
  const shown = rowsOf(before);
  const last = Math.max(...shown.map((row) => order.indexOf(row.dataset.key)));
  const waiting = arrived.filter((row) => order.indexOf(row.dataset.key) < last);
  const behind = arrived.filter((row) => !waiting.includes(row));
  const kept = shown.map((row) => coming.get(row.dataset.key) ?? struckOut(row));
  after.replaceChildren(...kept, ...behind);
  tell(waiting.length, kept.filter((row) => row.classList.contains("inbox-gone")).length);
}

function struckOut(row) {
  const copy = row.cloneNode(true);
  if (copy.classList.contains("inbox-gone")) return copy;
  copy.classList.add("inbox-gone");
  for (const box of copy.querySelectorAll("input")) box.disabled = true;
  copy.querySelector(".inbox-what > p").append(" · no longer here");
  return copy;
}

function tell(arrived, gone) {
  const button = held();
  if (!button) return;
  const words = [arrived && `${arrived} new`, gone && `${gone} gone`].filter(Boolean).join(", ");
  button.hidden = !words;
  button.textContent = words ? `${words}: show` : "";
  say(words);
}

document.addEventListener("click", async (event) => {
  if (!event.target.closest("#inbox-held")) return;
  await showAll();
  (document.querySelector("tr[data-sf-fresh] .inbox-what a") ?? document.querySelector(".inbox-what a"))?.focus();
});
