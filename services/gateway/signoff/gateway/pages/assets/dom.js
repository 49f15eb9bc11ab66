// The small pieces of a page that modules make.
const sprite = new URL("./icons.svg", import.meta.url).pathname;

/** An element with properties, data-attributes and content: texts and nodes. */
export function make(tag, { data, ...properties } = {}, ...content) {
  const made = Object.assign(document.createElement(tag), properties);
  Object.assign(made.dataset, data);
  made.append(...content);
  return made;
}

/** An icon of the sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** A button: what it shows, what it does when it is pressed, and its look: further classes. */
export function button(shown, act, look = "") {
  const made = make("button", { type: "button", className: `button ${look}`.trim() }, ...[shown].flat());
  made.addEventListener("click", act);
  return made;
}

/** The same with an icon alone; words say what it does. */
export function iconButton(name, words, act, look = "") {
  const made = button(icon(name), act, `${look} icon-only`.trim());
  return Object.assign(made, { title: words, ariaLabel: words });
}
