// Counts the last hour to a deadline down by the second; times.js tells what is further away.
const HOUR = 3600;

function told(seconds) {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `in ${two(seconds / 60)}:${two(seconds % 60)}`;
}

function count() {
  for (const time of document.querySelectorAll("[data-countdown]")) {
    const left = (Date.parse(time.dateTime) - Date.now()) / 1000;
    if (!(left < HOUR)) continue;
    delete time.dataset.time;
    const words = left > 0 ? told(left) : "now";
    if (time.textContent !== words) time.textContent = words;
  }
}

count();
setInterval(() => document.hidden || count(), 1000);
document.addEventListener("sf:morphed", count);
