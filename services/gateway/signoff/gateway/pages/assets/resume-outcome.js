// <sf-outcome>: what the decision would cause. It is asked for once the page is there and nothing else is to be
// done, and again when something was filled in: one question at a time, and none twice.
import { make } from "./dom.js";
import { readPage } from "./reading.js";

const SETTLE = 400;
const LONGEST = 16_384; // bytes of the form's fields
const OWN = new Set(["seen", "key", "code", "verdict", "secretFields"]);

class Outcome extends HTMLElement {
  #link = null;
  #asked = null;
  #asking = false;
  #planned = null;

  connectedCallback() {
    document.addEventListener("change", this);
    if (this.#link) return;
    this.#link = this.firstElementChild;
    const later = window.requestIdleCallback ?? ((act) => setTimeout(act, 200));
    later(() => this.#ask());
  }

  disconnectedCallback() {
    document.removeEventListener("change", this);
  }

  handleEvent(event) {
    if (event.target.form?.id !== "decide") return;
    clearTimeout(this.#planned);
    this.#planned = setTimeout(() => this.#ask(), SETTLE);
  }

  async #ask() {
    const fields = filledIn();
    if (this.#asking || fields === this.#asked || !this.isConnected) return;
    if (fields === null) {
      this.#show(null);
      return;
    }
    this.#asking = true;
    this.#asked = fields;
    if (this.firstElementChild === this.#link) this.replaceChildren(bars());
    this.setAttribute("aria-busy", "true");
    const found = await answered(this.dataset.action, fields);
    this.removeAttribute("aria-busy");
    this.#asking = false;
    this.#show(found);
    if (found) this.#ask(); // what was filled in meanwhile
  }

  // Never what follows other input than the form has: rather the link, by which it can be asked for by hand.
  #show(found) {
    const before = this.querySelector("#outcome")?.textContent;
    if (found) this.replaceChildren(document.importNode(found, true));
    else {
      this.#asked = null;
      this.replaceChildren(this.#link);
    }
    if (before && before !== found?.textContent) tell(found ? "What it will cause has changed." : "What it will cause is not known.");
  }
}

// The fields as they would be sent; null where they are too many.
function filledIn() {
  const form = document.getElementById("decide");
  const given = form ? [...new FormData(form)].filter(([name, value]) => !OWN.has(name) && typeof value === "string") : [];
  const fields = new URLSearchParams(given).toString();
  return fields.length > LONGEST ? null : fields;
}

async function answered(action, fields) {
  const options = fields ? { method: "POST", body: new URLSearchParams(fields) } : {};
  const { state, page } = await readPage(action, options);
  return state === "page" ? page.getElementById("outcome") : null;
}

function tell(words) {
  document.getElementById("told").textContent = words;
}

function bars() {
  return make("div", { className: "skeleton", ariaHidden: "true" }, make("span"), make("span"), make("span"));
}

customElements.define("sf-outcome", Outcome);
