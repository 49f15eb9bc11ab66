// Signing in again without leaving the page. The dialog is loaded when a session has ended: seldom.
import { toast } from "./toasts.js";

const CHANNEL = "signoff-session"; // where the tab in which somebody signed in tells the others

let asking = null;

/**
 * Ask the person to sign in. Resolves to true when the one who opened this page is signed in again, to false
 * when they gave up; the page is loaded anew when somebody else signed in.
 */
export function signInAgain() {
  asking ??= import("./session-dialog.js")
    .then(
      ({ ask }) => ask(CHANNEL),
      () => {
        toast("problem", "Your session has ended, and the server does not answer. Try again in a moment.");
        return false;
      },
    )
    .finally(() => {
      asking = null;
    });
  return asking;
}

if (location.pathname === "/signed-in") new BroadcastChannel(CHANNEL).postMessage("signed in");
