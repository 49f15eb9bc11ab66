// The dialog that shows all shortcuts, loaded when somebody asks for it.
import { button, make } from "./dom.js";
import { choice, choose } from "./storage.js";

/** Show the shortcuts of a page (keys → words, group); `name` is the choice that turns them off. */
export function show(shortcuts, name) {
  const title = make("h2", { id: "keys-title" }, "Keyboard shortcuts");
  const close = button("Close", () => dialog.close());
  const dialog = make("dialog", {}, title, ...groups(shortcuts), toggle(name), close);
  dialog.setAttribute("aria-labelledby", "keys-title");
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}

function groups(shortcuts) {
  const byGroup = new Map();
  for (const [keys, { words, group }] of shortcuts) {
    if (!byGroup.has(group)) byGroup.set(group, []);
    const shown = keys.split(" ").flatMap((key) => [make("kbd", {}, key), " "]);
    byGroup.get(group).push(make("dt", {}, ...shown), make("dd", {}, words));
  }
  return [...byGroup].flatMap(([group, told]) => [make("h3", {}, group), make("dl", { className: "facts" }, ...told)]);
}

function toggle(name) {
  const box = make("input", { type: "checkbox", checked: choice(name) !== "off" });
  box.addEventListener("change", () => choose(name, box.checked ? null : "off"));
  return make("label", { className: "actions" }, box, "Use shortcuts");
}
