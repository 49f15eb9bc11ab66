// <button data-copy="text">: copies the text, and says so.
import { toast } from "./toasts.js";

/** Copy a text; says whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("done", "Copied");
  } catch {
    toast("problem", "The browser did not let this page copy. Select the text, and copy it yourself.");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copy);
});
