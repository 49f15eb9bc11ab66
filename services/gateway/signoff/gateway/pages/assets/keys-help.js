// The dialog that shows all shortcuts, loaded when somebody asks for it.
import { choice, choose } from "./storage.js";

/** Show the shortcuts of a page (keys → words, group); `name` is the choice that turns them off. */
export function show(shortcuts, name) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = document.createElement("h2");
  title.id = "keys-title";
  title.textContent = "Keyboard shortcuts";
  dialog.append(title, ...groups(shortcuts), toggle(name), closing(dialog));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}

function groups(shortcuts) {
  const byGroup = new Map();
  for (const [keys, { words, group }] of shortcuts) {
    if (!byGroup.has(group)) byGroup.set(group, []);
    byGroup.get(group).push([keys, words]);
  }
  return [...byGroup].flatMap(([group, entries]) => {
    const heading = document.createElement("h3");
    heading.textContent = group;
    const list = document.createElement("dl");
    list.className = "facts";
    for (const [keys, words] of entries) {
      const term = document.createElement("dt");
      for (const key of keys.split(" ")) {
        const shown = document.createElement("kbd");
        shown.textContent = key;
        term.append(shown, " ");
      }
      const told = document.createElement("dd");
      told.textContent = words;
      list.append(term, told);
    }
    return [heading, list];
  });
}

function toggle(name) {
  const label = document.createElement("label");
  label.className = "actions";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = choice(name) !== "off";
  box.addEventListener("change", () => choose(name, box.checked ? null : "off"));
  label.append(box, "Use shortcuts");
  return label;
}

function closing(dialog) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = "Close";
  button.addEventListener("click", () => dialog.close());
  return button;
}
