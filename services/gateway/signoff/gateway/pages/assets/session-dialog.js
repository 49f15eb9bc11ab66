// The dialog in which somebody signs in again: it has the sign-in page's own forms. Who signs in with a provider
// does so in another tab, whose last page, /signed-in, tells this one.
import { CHANNEL } from "./session.js";
import { keepAgain } from "./storage.js";

const SIGN_IN = "/sign-in?next=/signed-in";
const LIMIT = 20_000;
const PREFIX = "again-"; // the page may have fields with the same ids
const FIRST = "/settings/password?next=/signed-in"; // the one page that comes before all others
const AWAY = "The server does not answer. Nothing is lost: try again in a moment.";
const channel = new BroadcastChannel(CHANNEL);

/** Ask the person to sign in, as signInAgain of session.js does. */
export async function ask() {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Sign in again");
  const shown = document.createElement("div");
  shown.className = "stack";
  dialog.append(shown);
  document.body.append(dialog);
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const check = () => goOn(dialog);
  channel.addEventListener("message", check);
  dialog.showModal();
  await load(dialog);
  await closed;
  channel.removeEventListener("message", check);
  dialog.remove();
  const isDone = dialog.returnValue === "done";
  if (isDone) keepAgain();
  return isDone;
}

async function load(dialog) {
  const answer = await got(SIGN_IN);
  if (answer?.type === "opaqueredirect") await goOn(dialog); // somebody signed in in another tab
  else if (!fill(dialog, answer?.text)) fail(dialog);
}

/** Close the dialog if the page's own visitor is signed in by now. */
async function goOn(dialog) {
  const answer = await got(location.href);
  const visitor = answer && parsed(answer.text).body.dataset.visitor;
  if (visitor && visitor === document.body.dataset.visitor) dialog.close("done");
  else if (visitor) location.reload();
  else if (answer?.type === "opaqueredirect" && (await got(SIGN_IN))?.type === "opaqueredirect") renew(dialog);
  else if (!answer || answer.status >= 500 || answer.status === 429) fail(dialog);
  else if (fill(dialog, (await got(SIGN_IN))?.text)) tell(dialog, "You are not signed in yet.");
  else fail(dialog);
}

async function got(address, options = { headers: { "Signoff-Live": "1" }, redirect: "manual" }) {
  try {
    const answer = await fetch(address, { ...options, signal: AbortSignal.timeout(LIMIT) });
    return { type: answer.type, status: answer.status, text: await answer.text() };
  } catch {
    return null; // told by whoever asked
  }
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

// What the dialog shows ---------------------------------------------------------------------------------------

function fill(dialog, html) {
  const card = parsed(html ?? "").querySelector(".sign-in");
  if (!card) return false;
  const told = document.createElement("p");
  told.textContent = "Your session has ended. Nothing that you typed is lost: sign in, and go on.";
  card.querySelector("h1").after(told);
  for (const link of card.querySelectorAll("a")) link.target = "_blank";
  for (const each of card.querySelectorAll("*")) renamed(each);
  card.append(choices([["I have signed in in another tab", () => goOn(dialog)], ["Not now", () => dialog.close()]]));
  dialog.firstElementChild.replaceChildren(...card.childNodes);
  for (const form of dialog.querySelectorAll("form")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(dialog, form);
    });
  }
  dialog.querySelector(".error, [data-problems], input:not([type=hidden])")?.focus();
  return true;
}

// Signed in, but with a password that somebody else knows: that is changed first, in another tab.
function renew(dialog) {
  const told = document.createElement("p");
  told.textContent = "You are signed in, but have to choose a password of your own first. Nothing that you typed is lost.";
  const link = document.createElement("a");
  [link.className, link.href, link.target, link.textContent] = ["button primary", FIRST, "_blank", "Choose a password"];
  const go = choices([["I have chosen one", () => goOn(dialog)], ["Not now", () => dialog.close()]]);
  go.prepend(link);
  dialog.firstElementChild.replaceChildren(told, go);
  link.focus();
}

function renamed(element) {
  for (const name of ["id", "for", "aria-describedby", "aria-labelledby"]) {
    const ids = element.getAttribute(name);
    if (ids) element.setAttribute(name, ids.replace(/\S+/g, (id) => PREFIX + id));
  }
}

function fail(dialog) {
  if (!dialog.querySelector("form")) {
    dialog.firstElementChild.replaceChildren(choices([["Try again", () => load(dialog)], ["Not now", () => dialog.close()]]));
    dialog.querySelector("button").focus();
  }
  tell(dialog, AWAY);
}

function tell(dialog, words) {
  dialog.querySelector("[data-told]")?.remove();
  const told = document.createElement("p");
  told.className = "message problem";
  told.dataset.told = "";
  told.setAttribute("role", "alert");
  told.textContent = words;
  dialog.firstElementChild.prepend(told);
}

function choices(all) {
  const tools = document.createElement("p");
  tools.className = "actions";
  for (const [words, act] of all) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet";
    button.textContent = words;
    button.addEventListener("click", act);
    tools.append(button);
  }
  return tools;
}

async function send(dialog, form) {
  if ("sfBusy" in form.dataset) return;
  form.dataset.sfBusy = "";
  const body = new URLSearchParams(new FormData(form));
  const answer = await got(form.action, { method: "POST", body, headers: { "Signoff-Form": "1" } });
  delete form.dataset.sfBusy;
  if (answer?.status === 204) await goOn(dialog);
  else if (!fill(dialog, answer?.text)) fail(dialog);
}
