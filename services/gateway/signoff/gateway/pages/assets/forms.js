// <form data-enhance> is sent in the background: its page stays, errors stand at their fields, and when the
// session has ended the person signs in on the spot and the form is sent after all. Without this module the
// same form is sent as any form is.
import { refresh } from "./live.js";
import { morph } from "./morph.js";
import { signInAgain } from "./session.js";
import { toast } from "./toasts.js";

const LIMIT = 60_000;
const NO_ANSWER = new Set([502, 504]); // a proxy's words: the server may have done it
const ONCE = 'input[type="hidden"][name="key"]';
const UNSENT = "You are offline: this was not sent. What you typed is still here.";
const UNKNOWN = "No answer came: nobody can say whether this was taken.";
const UNREAD = "This was done. The page shows it as soon as the server answers again.";

/**
 * Send a form as a click on `submitter` would, and show what comes of it. Gives whether it was taken.
 *
 * Tells "sf:sent" on the form when it was, "sf:refused" when it cannot be any more (detail: where its page is
 * now); preventing that keeps the page.
 */
export async function send(form, submitter = null) {
  if (form.dataset.sfBusy !== undefined) return false;
  setBusy(form, submitter, true);
  try {
    let answer = await answered(form, submitter);
    if (answer?.status === 401) answer = (await signInAgain()) ? await answered(form, submitter) : null;
    return answer ? await show(form, answer) : false;
  } finally {
    setBusy(form, submitter, false);
  }
}

async function answered(form, submitter) {
  const wasOffline = !navigator.onLine;
  const answer = await post(form, submitter).catch(() => null);
  if (answer && !NO_ANSWER.has(answer.status)) {
    delete form.dataset.sfKey;
    return answer;
  }
  toast("problem", !answer && wasOffline ? UNSENT : `${UNKNOWN} ${whatToDo(form)}`);
  return null;
}

function whatToDo(form) {
  return form.dataset.sfKey ? "Send it again: it is not done twice." : "Look before you send it again.";
}

async function post(form, submitter) {
  const data = new FormData(form, submitter);
  if (form.querySelector(ONCE)) {
    // Kept until an answer comes, even if the page is read anew meanwhile: what was taken is not done again.
    form.dataset.sfKey ??= data.get("key");
    data.set("key", form.dataset.sfKey);
  }
  const answer = await fetch(
    submitter?.hasAttribute("formaction") ? submitter.formAction : form.getAttribute("action") || location.href,
    {
      method: "POST",
      body: form.enctype === "multipart/form-data" ? data : new URLSearchParams(data),
      headers: { "Signoff-Form": "1" },
      signal: AbortSignal.timeout(LIMIT),
    },
  );
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

async function show(form, { status, headers, text }) {
  if (status === 204) {
    const isTaken = !headers.has("Signoff-Refused");
    const target = new URL(headers.get("Location") ?? location.href, location.href);
    const told = new CustomEvent(isTaken ? "sf:sent" : "sf:refused", { bubbles: true, cancelable: true, detail: target });
    if (form.dispatchEvent(told)) await go(target, isTaken);
    return isTaken;
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  const same = form.id ? page.getElementById(form.id) : null;
  if (same) {
    morph(form, same);
    const told = form.querySelector('[aria-invalid="true"], [data-problems], [data-result]') ?? form;
    told.focus();
  } else {
    const told = page.querySelector("[data-refusal-text], [data-problems]")?.textContent.trim();
    toast("problem", told || "The server could not do this. Try again in a moment.");
  }
  return false;
}

// To the page that the server names: where it is this one, only what has changed.
async function go(target, isTaken) {
  const isHere = target.pathname === location.pathname && document.querySelector("[data-live][id]");
  if (!isHere) {
    location.assign(target);
    return;
  }
  if (target.href !== location.href) history.replaceState(null, "", target);
  const outcome = await refresh(target.href, { messages: true });
  if (outcome === "gone") location.assign(target);
  if (outcome === "busy" && isTaken) toast("note", UNREAD);
}

function setBusy(form, submitter, busy) {
  if (busy) form.dataset.sfBusy = "";
  else delete form.dataset.sfBusy;
  submitter?.setAttribute("aria-busy", String(busy));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !("enhance" in form.dataset)) return;
  event.preventDefault();
  send(form, event.submitter);
});

// A form that was refused by a page of its own (without fetch): the first wrong field is where to go on.
document.querySelector('main [aria-invalid="true"], main [data-problems]')?.focus();
