// <sf-json>: buttons for the JSON that macros/values.html renders: copy it, wrap its lines, fold and unfold.
import { copy } from "./copy.js";
import { iconButton, make } from "./dom.js";

class Json extends HTMLElement {
  connectedCallback() {
    if (this.querySelector(":scope > .json-tools")) return;
    const source = this.querySelector(':scope > script[type="application/json"]');
    const tools = make(
      "div",
      { className: "json-tools", data: { added: "" } },
      ...(source ? [this.#button("copy", "Copy the JSON", () => copy(this.#text()))] : []),
      this.#wrapping(),
      this.#button("fold", "Fold all", () => this.#openAll(false)),
      this.#button("unfold", "Unfold all", () => this.#openAll(true)),
    );
    this.prepend(tools);
  }

  // Looked for when it is asked for: the value may have been morphed since. It is copied as it is written
  // (parsing would round large numbers), but for the characters that a script element cannot hold.
  #text() {
    const source = this.querySelector(':scope > script[type="application/json"]');
    const held = { u003c: "<", u003e: ">", u0026: "&" };
    return source.textContent.replace(/\\(u003c|u003e|u0026|[^])/g, (all, name) => held[name] ?? all);
  }

  #openAll(open) {
    for (const each of this.querySelectorAll(".json-tree details:not(.rest)")) each.open = open;
  }

  #wrapping() {
    const button = this.#button("wrap", "Wrap lines", () => {
      const wraps = !this.toggleAttribute("data-sf-unwrapped");
      button.setAttribute("aria-pressed", String(wraps));
    });
    button.setAttribute("aria-pressed", "true");
    return button;
  }

  #button(name, words, act) {
    const made = iconButton(name, words, act, "quiet");
    if (this.dataset.name) made.ariaLabel = `${words}: ${this.dataset.name}`;
    return made;
  }
}
customElements.define("sf-json", Json);
