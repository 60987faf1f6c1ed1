/* Light or dark, before anything is drawn. A classic script: it runs at once. Without a choice, as the system has it. */
"use strict";
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("quantum-theme");
  } catch {
    // (storage may be forbidden)
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
