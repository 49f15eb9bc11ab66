// Questions before what cannot be taken back: <a data-confirm> leads to a page that asks; here the same question
// is asked in a dialog. Its form is sent as any data-enhance form is. And: secrets are selected by a click.
import { make } from "./dom.js";
import { readPage } from "./reading.js";

let asking = false;

async function ask(link) {
  asking = true;
  const { page } = await readPage(link.href);
  asking = false;
  const question = page.getElementById("question");
  if (question) open(link, question);
  else location.assign(link.href); // whatever stands there instead, such as the sign-in
}

function open(link, question) {
  const dialog = make("dialog", {}, question);
  dialog.setAttribute("aria-labelledby", "question-title");
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (link.isConnected) link.focus();
  });
  for (const answered of ["sf:sent", "sf:refused"]) dialog.addEventListener(answered, () => dialog.close());
  dialog.showModal();
  dialog.querySelector("[data-cancel]").focus(); // not the button that destroys
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const cancel = event.target.closest("dialog [data-cancel]");
  if (cancel) {
    event.preventDefault();
    cancel.closest("dialog").close();
    return;
  }
  const link = event.target.closest("a[data-confirm]");
  if (!link) return;
  event.preventDefault();
  if (!asking) ask(link);
});

document.querySelector(".secret input")?.addEventListener("focus", (event) => event.target.select());
