// What the header tells of the connection: nothing while all is well.
import { signInAgain } from "./session.js";
import { toast } from "./toasts.js";

const WORDS = {
  live: "",
  away: "Reconnecting…",
  offline: "Offline",
  over: "Not updated any more",
  out: "Signed out",
};
const TOLD_AFTER = 1_500; // ms without a connection that nobody has to know of

let state = "live";
let telling = null;

/** Whether the server has nothing more to tell this visitor of this page. */
export function isOver() {
  return state === "out" || state === "over";
}

/** Tell how it is: "live", "away", "over" (the page is gone), or "out" (the session has ended). */
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
  if (state === "out") shown.append(" ", signInButton());
}

function signInButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = "Sign in";
  button.addEventListener("click", async () => {
    if (!(await signInAgain())) return;
    tell("live");
    toast("done", "You are signed in again");
    document.dispatchEvent(new CustomEvent("sf:missed"));
  });
  return button;
}

class Connection extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "status");
  }
}
customElements.define("sf-connection", Connection);
