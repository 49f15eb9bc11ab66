// The dialog in which somebody signs in again: it has the sign-in page's own forms. Who signs in with a provider
// does so in another tab, whose last page, /signed-in, tells this one.
import { button, make } from "./dom.js";
import { mustRenew, readPage } from "./reading.js";
import { keepAgain } from "./storage.js";

const SIGN_IN = "/sign-in?next=/signed-in";
const PREFIX = "again-"; // the page may have fields with the same ids
const FIRST = "/settings/password?next=/signed-in"; // the one page that comes before all others
const AWAY = "The server does not answer. Nothing is lost: try again in a moment.";

/** Ask the person to sign in, as signInAgain of session.js does; name: of the channel that tells of other tabs. */
export async function ask(name) {
  const dialog = make("dialog", { ariaLabel: "Sign in again" }, make("div", { className: "stack" }));
  document.body.append(dialog);
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const channel = new BroadcastChannel(name);
  channel.addEventListener("message", () => goOn(dialog));
  dialog.showModal();
  await goOn(dialog);
  await closed;
  channel.close();
  dialog.remove();
  const isDone = dialog.returnValue === "done";
  if (isDone) keepAgain();
  return isDone;
}

/** Close the dialog if the page's own visitor is signed in by now, else show how they are; words: tell them, too. */
async function goOn(dialog, words = "") {
  const { state, page } = await readPage(location.href);
  const { visitor } = page.body.dataset;
  if (visitor && visitor === document.body.dataset.visitor) dialog.close("done");
  else if (visitor) location.reload();
  else if (state === "busy" || state === "away") fail(dialog);
  else if (await mustRenew()) renew(dialog);
  else if (!fill(dialog, (await readPage(SIGN_IN)).page)) fail(dialog);
  else if (words) tell(dialog, words);
}

// What the dialog shows ---------------------------------------------------------------------------------------

function fill(dialog, page) {
  const card = page.querySelector(".sign-in");
  if (!card) return false;
  const told = "Your session has ended. Nothing that you typed is lost: sign in, and go on.";
  card.querySelector("h1").after(make("p", {}, told));
  for (const link of card.querySelectorAll("a")) link.target = "_blank";
  for (const each of card.querySelectorAll("*")) renamed(each);
  card.append(choices(dialog, "I have signed in in another tab", () => goOn(dialog, "You are not signed in yet.")));
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
  const told = "You are signed in, but have to choose a password of your own first. Nothing that you typed is lost.";
  const link = make("a", { className: "button primary", href: FIRST, target: "_blank" }, "Choose a password");
  const go = choices(dialog, "I have chosen one", () => goOn(dialog));
  go.prepend(link);
  dialog.firstElementChild.replaceChildren(make("p", {}, told), go);
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
    dialog.firstElementChild.replaceChildren(choices(dialog, "Try again", () => goOn(dialog)));
    dialog.querySelector("button").focus();
  }
  tell(dialog, AWAY);
}

function tell(dialog, words) {
  dialog.querySelector("[data-told]")?.remove();
  const told = make("p", { className: "message problem", role: "alert", data: { told: "" } }, words);
  dialog.firstElementChild.prepend(told);
}

function choices(dialog, words, act) {
  const no = button("Not now", () => dialog.close(), "quiet");
  return make("p", { className: "actions" }, button(words, act, "quiet"), no);
}

async function send(dialog, form) {
  if ("sfBusy" in form.dataset) return;
  form.dataset.sfBusy = "";
  const body = new URLSearchParams(new FormData(form));
  const { state, page } = await readPage(form.action, { method: "POST", body, headers: { "Signoff-Form": "1" } });
  delete form.dataset.sfBusy;
  if (fill(dialog, page)) return; // with what was wrong
  if (state === "page") await goOn(dialog);
  else fail(dialog);
}
