// Keeps <time data-time="relative"> fresh, and tells in titles the moment in the reader's own time zone.
// The words are those of pages/moments.py, which renders them first.
const DAY = 86400;
const UNITS = [
  ["minute", 60, 60], // how many are told at most: the next one is told instead
  ["hour", 3600, 24],
  ["day", DAY, 30],
  ["month", DAY * 30, 12],
];
const NOW = 45;
const EVERY = 15_000;
const parts = {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
};
const full = new Intl.DateTimeFormat(undefined, { ...parts, year: "numeric" });
const clock = new Intl.DateTimeFormat(undefined, { ...parts, fractionalSecondDigits: 3 });
const TOLD = {
  relative: (date) => relative(date),
  full: (date) => full.format(date),
  both: (date) => `${full.format(date)} · ${relative(date)}`,
  clock: (date) => clock.format(date),
};

/** About how long so many seconds are, in the largest unit of which there is one, such as "2 days". */
export function lasting(seconds) {
  if (seconds < NOW) return `${Math.round(seconds)} s`;
  for (const [name, length, most] of UNITS) {
    const many = Math.round(seconds / length);
    if (many < most) return counted(many, name);
  }
  return counted(Math.max(1, Math.round(seconds / (DAY * 365))), "year");
}

function counted(many, name) {
  return `${many} ${name}${many === 1 ? "" : "s"}`;
}

/** How long ago or ahead a Date is, such as "3 hours ago". */
export function relative(date, now = Date.now()) {
  const away = (date.getTime() - now) / 1000;
  if (Math.abs(away) < NOW) return away <= 0 ? "just now" : "in a moment";
  const told = lasting(Math.abs(away));
  return away > 0 ? `in ${told}` : `${told} ago`;
}

function freshen(root = document) {
  for (const element of root.querySelectorAll("time[data-time]")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const told = TOLD[element.dataset.time](date);
    if (element.textContent !== told) element.textContent = told;
    const title = full.format(date);
    if (element.title !== title) element.title = title;
  }
}

freshen();
setInterval(() => document.hidden || freshen(), EVERY);
document.addEventListener("visibilitychange", () => document.hidden || freshen());
document.addEventListener("sf:morphed", (event) => freshen(event.target.parentElement ?? document));
