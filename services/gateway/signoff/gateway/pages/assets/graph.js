// <sf-graph>: moves and zooms what macros/graph.html has drawn, by pointer, wheel, fingers, keys and buttons.
// One transform of the drawing does it: nothing is laid out again. How it stands survives a morph.
import { iconButton, make } from "./dom.js";

const STEP = 60; // pixels for an arrow key
const FACTOR = 1.25; // for a click on + or −
const LARGEST = 2;
const READABLE = 0.6; // a graph that fits at this scale is shown as a whole,
const LEGIBLE = 0.85; // another begins at this one
const MARGIN = 24;
const NARROW = matchMedia("(max-width: 44rem)"); // a phone begins with the whole
const SETTLED = 300; // ms without a move until it is painted anew, sharply
const CLICK = 4; // pixels that a click may move

class Graph extends HTMLElement {
  #view = null;
  #drawing = null;
  #size = { width: 0, height: 0 }; // of the drawing
  #room = { width: 0, height: 0 }; // of the view
  #at = null; // { x, y, scale }
  #isWhole = false; // all of it is shown, and so it stays when the view changes
  #pointers = new Map();
  #dragged = 0;
  #planned = 0;
  #settling = 0;
  #observer = new ResizeObserver(([entry]) => this.#resized(entry.contentRect));

  connectedCallback() {
    if (this.#view) return this.#observer.observe(this.#view);
    this.#view = this.querySelector(".graph-view");
    if (!this.#view) return; // too large to be drawn: there is the list
    this.#takeOver();
    this.#addTools();
    this.#listen();
    document.addEventListener("sf:morphed", ({ target }) => {
      if (this.isConnected && (target.contains(this) || this.contains(target))) this.#takeOver();
    });
    this.#observer.observe(this.#view);
  }

  disconnectedCallback() {
    this.#observer.disconnect();
  }

  /** Show all of it. */
  fit() {
    const scale = Math.min(1, this.#fitting());
    this.#at = {
      scale,
      x: (this.#room.width - this.#size.width * scale) / 2,
      y: (this.#room.height - this.#size.height * scale) / 2,
    };
    this.#isWhole = true;
    this.#plan();
  }

  /** Make it larger by a factor, around a point of the view: its middle, if none is given. */
  zoom(factor, x = this.#room.width / 2, y = this.#room.height / 2) {
    const smallest = Math.min(0.25, this.#fitting());
    const scale = Math.min(LARGEST, Math.max(smallest, this.#at.scale * factor));
    const grown = scale / this.#at.scale;
    this.#at = { scale, x: x - (x - this.#at.x) * grown, y: y - (y - this.#at.y) * grown };
    this.#isWhole = false;
    this.#plan();
  }

  /** Move it; gives whether there was room to. */
  move(x, y) {
    const before = { ...this.#at };
    this.#at.x += x;
    this.#at.y += y;
    this.#clamp();
    this.#isWhole &&= before.x === this.#at.x && before.y === this.#at.y;
    this.#plan();
    return before.x !== this.#at.x || before.y !== this.#at.y;
  }

  // What the server draws knows nothing of scales: after a morph they are set anew, before anything is painted.
  #takeOver() {
    this.#drawing = this.#view.querySelector(".graph-drawing");
    const { width, height } = this.#drawing.viewBox.baseVal;
    this.#size = { width, height };
    this.#view.dataset.sfMoves = "";
    this.#setHeight(this.#room.width || this.#view.clientWidth);
    if (this.#at) this.#apply();
  }

  // As high as it is at the scale that its width allows.
  #setHeight(width) {
    const scale = Math.min(1, Math.max(NARROW.matches ? 0 : READABLE, (width - MARGIN) / this.#size.width));
    this.#view.style.setProperty("--graph-height", `${Math.ceil(this.#size.height * scale) + MARGIN}px`);
  }

  #fitting() {
    const { width, height } = this.#room;
    return Math.min((width - MARGIN) / this.#size.width, (height - MARGIN) / this.#size.height);
  }

  #resized({ width, height }) {
    if (!width || !height) return;
    this.#room = { width, height };
    if (!this.#at) return this.#begin();
    if (this.#isWhole) this.fit();
    this.#clamp();
    this.#apply();
  }

  // A graph that is too wide begins where something is going on, or at its beginning.
  #begin() {
    const scale = Math.min(1, Math.max(LEGIBLE, this.#fitting()));
    const block =
      this.querySelector('.gb[data-tone="active"], .gb[data-tone="waiting"]') ??
      this.querySelector(".gb.trigger") ??
      this.querySelector(".gb");
    const { x, y, width, height } = placeOf(block);
    this.#at = {
      scale,
      x: this.#room.width / 2 - (x + width / 2) * scale,
      y: this.#room.height / 2 - (y + height / 2) * scale,
    };
    if (NARROW.matches || this.#fitting() >= READABLE) this.fit();
    this.#clamp();
    this.#apply();
  }

  // A side that fits stays in sight, one that does not stays filled.
  #clamp() {
    for (const [axis, side] of [["x", "width"], ["y", "height"]]) {
      const left = this.#room[side] - this.#size[side] * this.#at.scale;
      this.#at[axis] = Math.min(Math.max(this.#at[axis], Math.min(0, left)), Math.max(0, left));
    }
  }

  #plan() {
    this.#planned ||= requestAnimationFrame(() => {
      this.#planned = 0;
      this.#clamp();
      this.#view.dataset.sfMoving = "";
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => delete this.#view.dataset.sfMoving, SETTLED);
      this.#apply();
    });
  }

  #apply() {
    const { x, y, scale } = this.#at;
    this.#drawing.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  }

  #addTools() {
    const tools = make("div", { className: "graph-tools", data: { added: "" } });
    for (const [name, words, act] of [
      ["minus", "Zoom out", () => this.zoom(1 / FACTOR)],
      ["plus", "Zoom in", () => this.zoom(FACTOR)],
      ["fit", "Show all of it", () => this.fit()],
    ]) {
      tools.append(iconButton(name, words, act));
    }
    this.#view.before(tools);
  }

  #listen() {
    const view = this.#view;
    view.addEventListener("pointerdown", (event) => this.#grab(event));
    view.addEventListener("pointermove", (event) => this.#drag(event));
    for (const type of ["pointerup", "pointercancel"]) view.addEventListener(type, (event) => this.#release(event));
    // The end of a drag is no click; what a key or a screen reader presses (detail: 0) always is.
    view.addEventListener("click", (event) => event.detail && this.#dragged > CLICK && event.preventDefault(), { capture: true });
    view.addEventListener("dragstart", (event) => event.preventDefault());
    view.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    view.addEventListener("keydown", (event) => this.#key(event));
    view.addEventListener("focusin", (event) => this.#show(event.target.closest(".gb")));
    // A browser scrolls to what has the focus; here the drawing is moved.
    view.addEventListener("scroll", () => view.scrollTo(0, 0));
  }

  #grab(event) {
    if (event.button !== 0) return;
    if (!this.#pointers.size) this.#dragged = 0;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  #drag(event) {
    const last = this.#pointers.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    this.#dragged += Math.abs(now.x - last.x) + Math.abs(now.y - last.y);
    this.#pointers.set(event.pointerId, now);
    if (this.#pointers.size === 2) return this.#pinch(event.pointerId, last, now);
    if (this.#pointers.size > 1 || this.#dragged <= CLICK) return;
    if (!this.#view.hasPointerCapture(event.pointerId)) this.#view.setPointerCapture(event.pointerId);
    this.#view.dataset.sfHeld = "";
    this.move(now.x - last.x, now.y - last.y);
  }

  #pinch(id, last, now) {
    const other = [...this.#pointers].find(([each]) => each !== id)[1];
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    const corner = this.#view.getBoundingClientRect();
    const middle = { x: (now.x + other.x) / 2 - corner.left, y: (now.y + other.y) / 2 - corner.top };
    this.move((now.x - last.x) / 2, (now.y - last.y) / 2);
    this.zoom(apart(now) / apart(last), middle.x, middle.y);
  }

  #release(event) {
    this.#pointers.delete(event.pointerId);
    if (!this.#pointers.size) delete this.#view.dataset.sfHeld;
  }

  // As any box that scrolls: at its end the page goes on. With Ctrl (and for pinches on a touchpad) it zooms.
  #wheel(event) {
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (event.ctrlKey || event.metaKey) {
      this.zoom(Math.exp((-event.deltaY * unit) / 300), ...this.#within(event));
    } else if (!(event.shiftKey ? this.move(-event.deltaY * unit, 0) : this.move(-event.deltaX * unit, -event.deltaY * unit))) {
      return;
    }
    event.preventDefault();
  }

  #within(event) {
    const corner = this.#view.getBoundingClientRect();
    return [event.clientX - corner.left, event.clientY - corner.top];
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      ArrowLeft: () => this.move(STEP, 0),
      ArrowRight: () => this.move(-STEP, 0),
      ArrowUp: () => this.move(0, STEP),
      ArrowDown: () => this.move(0, -STEP),
      "+": () => this.zoom(FACTOR),
      "=": () => this.zoom(FACTOR),
      "-": () => this.zoom(1 / FACTOR),
      0: () => this.fit(),
    }[event.key];
    if (act && act() !== false) event.preventDefault(); // without room, an arrow key scrolls the page
  }

  #show(block) {
    if (!block || this.#pointers.size) return;
    const { x, y, width, height } = placeOf(block);
    const { scale } = this.#at;
    this.move(
      outside(this.#at.x + x * scale, width * scale, this.#room.width),
      outside(this.#at.y + y * scale, height * scale, this.#room.height),
    );
  }
}
customElements.define("sf-graph", Graph);

// Read from attributes: asking the browser would make it lay the page out.
function placeOf(block) {
  const { e: x, f: y } = block.transform.baseVal.consolidate().matrix;
  const { width, height } = block.querySelector("rect");
  return { x, y, width: width.baseVal.value, height: height.baseVal.value };
}

// How far something has to move to be in sight.
function outside(at, length, room) {
  if (at < MARGIN) return MARGIN - at;
  return Math.min(0, Math.max(room - MARGIN - at - length, MARGIN - at));
}
