// The page of a decision: its form is the server's, and so is all that is shown. This makes it quicker to use.
import { readSoon, refresh } from "./live.js";
import { toast } from "./toasts.js";
import "./resume-keys.js";
import "./resume-looked.js";
import "./resume-outcome.js";
import "./resume-times.js";
import "./resume-typed.js";

const TOLD = {
  fresh: ["done", "Up to date"],
  gone: ["problem", "This page cannot be read any more. What you see is from before."],
  busy: ["problem", "The server does not answer now, and is asked again. What you see is from before."],
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-refresh]");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  read(link);
});

async function read(link) {
  if (link.getAttribute("aria-busy") === "true") return;
  link.setAttribute("aria-busy", "true");
  try {
    const told = TOLD[await refresh(location.href)]; // one that was overtaken is told of by the later one
    if (told) toast(...told);
  } finally {
    document.querySelector("[data-refresh]")?.setAttribute("aria-busy", "false");
  }
}

// A refused decision shows what changed within its form; the rest of the page follows.
document.addEventListener("sf:morphed", (event) => {
  if (event.target.id === "decide") readSoon();
});
