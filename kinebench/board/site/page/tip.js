"use strict";
// A word on what is under the pointer or has the focus: elements with data-tip.
{
  const box = board.h("div", { class: "tip", role: "tooltip", id: "tip", hidden: true });
  const owner = (event) => event.target.closest?.("[data-tip]");
  let shown = null;

  function show(event) {
    const found = owner(event);
    if (!found || found === shown) return;
    hide();
    shown = found;
    box.textContent = found.dataset.tip;
    box.hidden = false;
    if (!found.querySelector(".sr")) found.setAttribute("aria-describedby", box.id);  // else its own words say it
    const at = found.getBoundingClientRect(), own = box.getBoundingClientRect();
    const left = Math.min(Math.max(at.left + at.width / 2 - own.width / 2, 8), document.documentElement.clientWidth - own.width - 8);
    const below = at.bottom + 8 + own.height < innerHeight;
    box.style.left = `${left}px`;
    box.style.top = `${below ? at.bottom + 6 : at.top - own.height - 6}px`;
  }

  function hide() {
    if (!shown) return;
    shown.removeAttribute("aria-describedby");
    shown = null;
    box.hidden = true;
  }

  document.body.append(box);
  document.addEventListener("pointerover", (event) => (owner(event) ? show(event) : hide()));
  document.addEventListener("focusin", (event) => (owner(event) ? show(event) : hide()));
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("scroll", hide, { capture: true, passive: true });
}
