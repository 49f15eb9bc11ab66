// The choice of colours in the menu; theme.js applies it on the next page.
import { choice, choose } from "./storage.js";

const inputs = [...document.querySelectorAll('.theme-choice input[name="theme"]')];

function show() {
  const theme = choice("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const each of inputs) each.checked = each.value === (theme ?? "auto");
}

for (const each of inputs) {
  each.addEventListener("change", () => {
    choose("theme", each.value === "auto" ? null : each.value);
    show();
  });
}
document.addEventListener("visibilitychange", () => document.hidden || show()); // another tab chose
show();
