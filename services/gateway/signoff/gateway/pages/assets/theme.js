// Runs before anything is drawn: the theme that was chosen here, and that scripts work.
(() => {
  const root = document.documentElement;
  root.dataset.scripts = "";
  const chosen = /(?:^|; )signoff_theme=(light|dark)/.exec(document.cookie);
  if (chosen) root.dataset.theme = chosen[1];
})();
