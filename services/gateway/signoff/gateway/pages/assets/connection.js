// What the header tells of the connection: nothing while all is well.
import { button } from "./dom.js";
import { signInAgain } from "./session.js";
import { toast } from "./toasts.js";

const WORDS = {
  live: "",
  away: "Reconnecting…",
  offline: "Offline",
  over: "Not updated any more",
  out: "Signed out",
  renew: "Your password has to be changed",
};
const GO_ON = { out: "Sign in", renew: "Change it" };
const TOLD_AFTER = 1_500; // ms without a connection that nobody has to know of

let state = "live";
let telling = null;

/** Whether the server has nothing more to tell this visitor of this page. */
export function isOver() {
  return state === "out" || state === "renew" || state === "over";
}

/**
 * Tell how it is: "live", "away", "over" (the page is gone), "out" (the session has ended), or "renew" (nothing
 * goes on before the person has changed their password).
 */
export function tell(now) {
  const next = now === "away" && !navigator.onLine ? "offline" : now;
  if (next === state || (isOver() && now === "away")) return; // each attempt fails anew: the first one counts
  state = next;
  clearTimeout(telling);
  telling = setTimeout(show, state === "away" ? TOLD_AFTER : 0);
}

function show() {
  const shown = document.querySelector("sf-connection");
  if (!shown) return;
  shown.hidden = state === "live";
  shown.dataset.state = state;
  shown.textContent = WORDS[state];
  if (state in GO_ON) shown.append(" ", button(GO_ON[state], goOn));
}

async function goOn() {
  if (!(await signInAgain())) return;
  tell("live");
  toast("done", "You are signed in again");
  document.dispatchEvent(new CustomEvent("sf:missed"));
}
