// Tells of new decisions while the tab is hidden, for whoever asked for it: how many, or the title of the one.
import { rowsOf } from "./inbox-arrivals.js";
import { keepOpen } from "./live.js";
import { read, write } from "./storage.js";
import { toast } from "./toasts.js";

const NAME = `inbox-notify:${document.body.dataset.visitor}`;
const button = document.getElementById("inbox-notify");
const known = new Set(rowsOf(document).map((row) => row.dataset.key));

const isOn = () => Boolean(read(NAME)) && Notification.permission === "granted";

function show() {
  button.hidden = false;
  button.setAttribute("aria-pressed", String(isOn()));
  keepOpen(isOn());
}

async function toggle() {
  if (isOn()) write(NAME, null);
  else if ((await Notification.requestPermission()) === "granted") write(NAME, "yes");
  else toast("note", "The browser does not let this page notify you. Allow it in the site's settings.");
  show();
}

function tell(rows) {
  const titles = rows.map((row) => row.querySelector(".inbox-what > a").textContent);
  const words = titles.length === 1 ? titles[0] : `${titles.length} new decisions`;
  try {
    const told = new Notification(words, { body: "Waits for your decision", tag: "signoff-inbox" });
    told.addEventListener("click", () => {
      focus();
      told.close();
    });
  } catch {
    write(NAME, null); // a browser that lets only installed apps do it
    show();
  }
}

if (button) {
  button.addEventListener("click", toggle);
  addEventListener("storage", show); // another tab was told
  document.addEventListener("sf:newer", ({ target, detail }) => {
    if (target.id !== "inbox-list") return;
    const arrived = rowsOf(detail).filter(
      (row) => !known.has(row.dataset.key) && !row.querySelector("input:disabled"),
    );
    for (const row of rowsOf(detail)) known.add(row.dataset.key);
    if (arrived.length && document.hidden && isOn()) tell(arrived);
  });
  show();
}
