// What the person met of each row: its content as they were shown it first, looked at it beside the list, or ticked
// it. A decision names that content, whatever the row has become under their eyes: the server refuses it then.
import { rowsOf, say } from "./inbox-arrivals.js";

export const boxOf = (row) => row.querySelector('[name="point"]');
export const valueOf = (row) => row.dataset.sfMet ?? boxOf(row)?.value;
export const isChanged = (row) => "sfChanged" in row.dataset;

/** They know this content of a row: what it has now, or another one. */
export function meet(row, value = boxOf(row)?.value) {
  if (!value) return;
  row.dataset.sfMet = value;
  compare(row);
  tell();
}

/** Whether rows have other content than what the person met: those are marked, and not selected any more. */
export function compareAll() {
  const changed = [];
  for (const row of rowsOf(document)) {
    if (boxOf(row)) row.dataset.sfMet ??= boxOf(row).value;
    if (compare(row)) changed.push(row);
  }
  if (!changed.length) return;
  const titles = changed.map((row) => `“${row.querySelector(".inbox-what > a").textContent}”`);
  say(`Changed, look again: ${titles.slice(0, 3).join(", ")}${titles.length > 3 ? ", …" : ""}`);
  tell();
}

function tell() {
  document.dispatchEvent(new CustomEvent("inbox:met"));
}

// Gives whether the row's content is newly another one than what they met.
function compare(row) {
  const box = boxOf(row);
  const differs = Boolean(box) && box.value !== row.dataset.sfMet;
  const isNews = differs && row.dataset.sfChanged !== box.value;
  if (differs) row.dataset.sfChanged = box.value;
  else delete row.dataset.sfChanged;
  if (isNews) box.checked = false;
  return isNews;
}

compareAll();
