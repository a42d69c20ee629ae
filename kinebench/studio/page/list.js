// The objects beside the photo: their names, speeds and colours.

import * as formula from "./formula.js";

const list = document.getElementById("objects"), none = document.getElementById("none");
let listed = [];

// `desk` has the page and what can be done there: { page, moves, colour, remove, refresh }.
export function show(desk) {
  const { objects } = desk.page;
  none.hidden = objects.length > 0;
  if (objects.length !== listed.length || objects.some((each, number) => each !== listed[number])) {
    listed = [...objects];
    list.replaceChildren(...listed.map((object, number) => row(object, number + 1, desk)));
  }
  listed.forEach((object, number) => tell(list.children[number], object, desk));
}

function row(object, number, { page, remove, refresh }) {
  const item = document.createElement("li");
  item.innerHTML = '<div class="line"><span class="swatch"></span><input class="name" maxlength="40"><button>Delete</button></div>' +
    '<div class="line"><span class="told"></span><label class="fast">set <input class="speed" type="number" min="0.01" max="20" step="any" placeholder="auto" title="First speed; empty: by the length of the arrow"> m/s</label></div>';
  const [name, speed, button] = [".name", ".speed", "button"].map((each) => item.querySelector(each));
  name.placeholder = `object ${number}: red cup`;
  name.setAttribute("aria-label", `Name of object ${number}`);
  speed.setAttribute("aria-label", `Speed of object ${number} in metres a second`);
  button.setAttribute("aria-label", `Delete object ${number}`);
  name.value = object.name;
  speed.value = object.speed ?? "";
  name.oninput = () => { object.name = name.value; };
  speed.oninput = () => { object.speed = speed.value === "" ? null : Number(speed.value); refresh(); };
  for (const name of ["pointerdown", "focusin"]) item.addEventListener(name, () => { page.selected = object; refresh(); });
  button.onclick = () => remove(object);
  return item;
}

function tell(item, object, { page, moves, colour }) {
  const found = moves(object);
  item.setAttribute("aria-current", object === page.selected);
  item.querySelector(".swatch").style.background = found ? `rgb(${colour(object).map(formula.brighter).join()})` : "none";
  item.querySelector(".fast").hidden = !object.arrow;
  item.querySelector(".told").textContent = !object.arrow ? "stands still; drag from it" :
    found ? `${found.speed.toFixed(2)} m/s, ${found.length.toFixed(2)} m` : "its arrow meets no ground";
}
