"use strict";
// Dark or light before anything is drawn; and the one name that all scripts of the site share.
const board = {};
{
  const NAME = "kinebench-theme", ORDER = ["", "dark", "light"], root = document.documentElement;
  let theme = "";
  try { theme = localStorage.getItem(NAME) ?? ""; } catch { /* a browser that keeps nothing */ }

  const show = () => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  show();
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const tell = () => {
      const words = { "": "as the system", dark: "dark", light: "light" }[theme];
      button.textContent = { "": "\u25d0", dark: "\u25cf", light: "\u25cb" }[theme];
      button.title = button.ariaLabel = `Colours: ${words}. Change them`;
    };
    button.addEventListener("click", () => {
      theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
      try { localStorage.setItem(NAME, theme); } catch { /* it holds for this page */ }
      show();
      tell();
    });
    tell();
  });
}
