// The page: what is on it, and what every control does.

import * as formula from "./formula.js";
import { draw } from "./ink.js";
import * as results from "./results.js";
import { ask } from "./server.js";

const at = (id) => document.getElementById(id);
const [layer, ink] = [at("layer"), at("ink")].map((canvas) => canvas.getContext("2d", { willReadFrequently: true }));
const page = {
  facts: null, photo: null, frame: null, view: null,
  objects: [], selected: null, tool: "pick", flow: true, grid: false,
  cursor: null, drawn: null, undo: [], redo: [], busy: 0,
};

// ---- words -------------------------------------------------------------------------------------------------------
function say(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
}

async function working(text, act) {
  page.busy += 1;
  document.body.classList.add("busy");
  if (text) say(text);
  try {
    return await act();
  } catch (error) {
    say(error.message, true);
    return null;
  } finally {
    page.busy -= 1;
    document.body.classList.toggle("busy", page.busy > 0);
  }
}

// ---- what is there -----------------------------------------------------------------------------------------------
const size = () => page.facts.canvas[0] * page.facts.canvas[1];
const eye = () => formula.camera(page.view, page.facts.canvas);
const ordered = () => [...page.objects.filter((each) => each.arrow), ...page.objects.filter((each) => !each.arrow)];
const moves = (each) => each.arrow && formula.motion(each.arrow, eye(), page.facts, each.speed);

function remember() {
  page.undo.push({ objects: page.objects.map((each) => ({ ...each })), selected: page.objects.indexOf(page.selected) });
  if (page.undo.length > 60) page.undo.shift();
  page.redo = [];
}

function travel(from, to) {
  const there = from.pop();
  if (!there) return;
  to.push({ objects: page.objects.map((each) => ({ ...each })), selected: page.objects.indexOf(page.selected) });
  page.objects = there.objects;
  page.selected = page.objects[there.selected] ?? null;
  refresh();
}

function objectAt([x, y]) {
  const index = Math.floor(y) * page.facts.canvas[0] + Math.floor(x);
  return ordered().find((each) => each.mask[index]) ?? null;
}

function add(mask) {
  remember();
  page.selected = { mask, arrow: null, speed: null, name: "" };
  page.objects.push(page.selected);
}

function remove(object) {
  remember();
  page.objects = page.objects.filter((each) => each !== object);
  if (page.selected === object) page.selected = page.objects.at(-1) ?? null;
  refresh();
}

function wish() {
  return {
    photo: page.photo.photo, key: page.photo.key, camera: page.view,
    prompt: at("prompt").value, ground: at("ground").value,
    objects: ordered().map((each) => ({
      mask: formula.packed(each.mask), arrow: each.arrow, speed_mps: each.speed, name: each.name,
    })),
  };
}

// ---- what is seen ------------------------------------------------------------------------------------------------
let waiting = false;
function refresh() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; paintLayer(); paintInk(); listObjects(); controls(); });
}

function paintLayer() {
  if (!page.frame) return;
  const pixels = new ImageData(new Uint8ClampedArray(page.frame.data), ...page.facts.canvas);
  const listed = ordered(), colours = listed.map(colour);
  if (page.flow && colours.some((each) => each)) {
    formula.paint(pixels.data, formula.owners(listed.map((each) => each.mask), size()), colours);
  }
  layer.putImageData(pixels, 0, 0);
}

function colour(object) {
  const found = moves(object);
  return found && formula.picture(found.velocity, page.facts.v_max_mps);
}

function paintInk() {
  const brush = page.tool === "pick" ? 0 : Number(at("brush").value);
  for (const each of page.objects) each.label = each.arrow ? (moves(each) ? `${moves(each).speed.toFixed(2)} m/s` : "no ground there") : "";
  draw(ink, { ...page, canvas: page.facts.canvas, eye: eye(), brush });
}

function listObjects() {
  const list = at("objects");
  at("none").hidden = page.objects.length > 0;
  if (list.contains(document.activeElement) && list.children.length === page.objects.length) return tell(list);
  list.replaceChildren(...page.objects.map(row));
  tell(list);
}

function row(object, number) {
  const item = document.createElement("li");
  item.innerHTML = '<div class="line"><span class="swatch"></span><input class="name" maxlength="40"><button>Delete</button></div>' +
    '<div class="line"><span class="told"></span><input class="speed" type="number" min="0.01" max="20" step="0.1" placeholder="m/s" title="First speed; empty: by the length of the arrow"></div>';
  const [name, speed] = [item.querySelector(".name"), item.querySelector(".speed")];
  name.placeholder = `object ${number + 1}: red cup`;
  name.setAttribute("aria-label", `Name of object ${number + 1}`);
  speed.setAttribute("aria-label", `Speed of object ${number + 1} in metres a second`);
  item.querySelector("button").setAttribute("aria-label", `Delete object ${number + 1}`);
  name.value = object.name;
  speed.value = object.speed ?? "";
  name.oninput = () => { page.objects[number].name = name.value; };
  speed.oninput = () => { page.objects[number].speed = speed.value > 0 ? Number(speed.value) : null; refresh(); };
  item.onpointerdown = () => { page.selected = page.objects[number]; refresh(); };
  item.querySelector("button").onclick = () => remove(page.objects[number]);
  return item;
}

function tell(list) {
  [...list.children].forEach((item, number) => {
    const object = page.objects[number], found = moves(object);
    item.setAttribute("aria-current", object === page.selected);
    item.querySelector(".swatch").style.background = found ? `rgb(${colour(object).map(formula.brighter).join()})` : "none";
    item.querySelector(".speed").hidden = !object.arrow;
    item.querySelector(".told").textContent = !object.arrow ? "stands still; drag from it" :
      found ? `${found.speed.toFixed(2)} m/s, ${found.length.toFixed(2)} m` : "its arrow meets no ground";
  });
}

function controls() {
  for (const [id, unit] of [["pitch", "\u00b0"], ["height", " m"], ["field", "\u00b0"]]) {
    const value = { pitch: page.view.pitch_deg, height: page.view.height_m, field: page.view.field_of_view_deg }[id];
    at(id).value = id === "height" ? Math.log10(value) : value;
    at(id).nextElementSibling.textContent = `${id === "height" ? value.toPrecision(3) : value}${unit}`;
  }
  at("undo").disabled = !page.undo.length;
  at("redo").disabled = !page.redo.length;
  at("run").disabled = at("export").disabled = !page.objects.some((each) => each.arrow);
  at("flow").setAttribute("aria-pressed", page.flow);
  at("grid").setAttribute("aria-pressed", page.grid);
  for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === page.tool);
}

// ---- the photo ---------------------------------------------------------------------------------------------------
async function load(file) {
  if (!file) return;
  await working(`reading ${file.name}`, async () => {
    const photo = await ask("photo?name=" + encodeURIComponent(file.name), file);
    const image = new Image();
    image.src = "data:image/png;base64," + photo.frame;
    await image.decode();
    layer.drawImage(image, 0, 0);
    page.frame = layer.getImageData(0, 0, ...page.facts.canvas);
    delete photo.frame;
    Object.assign(page, { photo, objects: [], selected: null, undo: [], redo: [] });
    at("stage").classList.remove("empty");
    refresh();
    say(`${file.name}, ${photo.width} x ${photo.height}. Click an object.`);
  });
  at("file").value = "";
}

async function pick(point) {
  const found = await working("looking for the object", () => ask("mask", { photo: page.photo.photo, point }));
  if (!found) return;
  add(formula.unpacked(found.mask));
  say("Drag from the object to where it shall go. Paint and Erase correct its mask.");
  refresh();
}

// ---- pointing ----------------------------------------------------------------------------------------------------
let held = null;

function place(event) {
  const box = ink.canvas.getBoundingClientRect(), [width, height] = page.facts.canvas;
  const point = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  return inside(point);
}

function inside([x, y]) {
  const [left, top, right, bottom] = page.photo.shown;
  const tenth = (value) => Math.round(value * 10) / 10;
  return [tenth(Math.min(Math.max(x, left), right - 0.1)), tenth(Math.min(Math.max(y, top), bottom - 0.1))];
}

function down(point) {
  page.cursor = page.tool === "pick" ? null : point;
  if (page.tool === "pick") {
    held = { from: point, object: objectAt(point) };
    if (held.object) page.selected = held.object;
  } else {
    if (!page.selected) {
      if (page.tool === "erase") return say("Select an object first.", true);
      add(new Uint8Array(size()));
    } else remember();
    page.selected.mask = new Uint8Array(page.selected.mask);
    held = { from: point };
    stroke(point, point);
  }
  refresh();
}

function move(point) {
  page.cursor = page.tool === "pick" && !held?.keyboard ? null : point;
  if (held && page.tool !== "pick") stroke(held.from, (held.from = point));
  else if (held?.object) page.drawn = Math.hypot(point[0] - held.from[0], point[1] - held.from[1]) > 5 ? [...held.from, ...point] : null;
  else return paintInk();
  if (page.tool === "pick") paintInk(); else refresh();
}

async function up(point) {
  const { from, object, keyboard } = held ?? {};
  held = null;
  if (page.tool !== "pick" || !from) return refresh();
  const drawn = page.drawn;
  page.drawn = null;
  if (object && drawn) {
    remember();
    object.arrow = drawn;
    if (!moves(object)) say("There is no ground under that arrow: draw it below the horizon, or tilt the camera.", true);
    else say("Download the condition, or run a method on it.");
  } else if (!object && !keyboard && Math.hypot(point[0] - from[0], point[1] - from[1]) > 12) {
    say("An arrow begins on an object: click one first.", true);
  } else if (!object) return pick(from);
  refresh();
}

function stroke([x0, y0], [x1, y1]) {
  const [width, height] = page.facts.canvas, reach = Number(at("brush").value), on = page.tool === "paint" ? 1 : 0;
  const [left, top, right, bottom] = page.photo.shown, mask = page.selected.mask;
  const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / 2));
  for (let i = 0; i <= steps; i++) {
    const x = x0 + ((x1 - x0) * i) / steps, y = y0 + ((y1 - y0) * i) / steps;
    for (let row = Math.max(top, Math.floor(y - reach)); row < Math.min(bottom, y + reach + 1); row++) {
      for (let column = Math.max(left, Math.floor(x - reach)); column < Math.min(right, x + reach + 1); column++) {
        if ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 <= reach ** 2) mask[row * width + column] = on;
      }
    }
  }
  page.selected.edges = null;
}

ink.canvas.addEventListener("pointerdown", (event) => {
  if (!page.photo || page.busy || event.button) return;
  ink.canvas.setPointerCapture(event.pointerId);
  down(place(event));
});
ink.canvas.addEventListener("pointermove", (event) => page.photo && move(place(event)));
ink.canvas.addEventListener("pointerup", (event) => page.photo && held && up(place(event)));
ink.canvas.addEventListener("pointercancel", () => { held = page.drawn = null; refresh(); });
ink.canvas.addEventListener("pointerleave", () => { if (page.photo && !held) { page.cursor = null; paintInk(); } });

// ---- keys --------------------------------------------------------------------------------------------------------
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = {
  1: () => choose("pick"), 2: () => choose("paint"), 3: () => choose("erase"),
  v: () => { page.flow = !page.flow; }, g: () => { page.grid = !page.grid; },
  "[": () => { at("brush").stepDown(2); }, "]": () => { at("brush").stepUp(2); },
  Delete: () => page.selected && remove(page.selected), " ": () => results.any() && results.toggle(),
};

function choose(tool) {
  page.tool = tool;
  held = page.drawn = null;
}

function stageKey(event) {
  const by = STEPS[event.key];
  if (by) {
    const far = event.shiftKey ? 1 : 8, [x, y] = page.cursor ?? page.facts.canvas.map((side) => side / 2);
    const point = inside([x + by[0] * far, y + by[1] * far]);
    move(point);
    page.cursor = point;
    paintInk();
  } else if (event.key === "Enter" && page.cursor && !page.busy) {
    const point = page.cursor;
    if (held) up(point);
    else {
      down(point);
      if (held && (page.tool !== "pick" || !held.object)) { held.keyboard = true; up(point); } else if (held) held.keyboard = true;
      page.cursor = point;
    }
  } else if (event.key === "Escape") { held = page.drawn = null; refresh(); } else return false;
  return true;
}

addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "range";
  if (typing || !page.facts) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    if (event.shiftKey) travel(page.redo, page.undo); else travel(page.undo, page.redo);
  } else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.target === ink.canvas && page.photo && stageKey(event)) { /* done */ }
  else if (STEPS[event.key] && event.target === document.body && results.any()) results.step(STEPS[event.key][0]);
  else if (KEYS[event.key] && !(event.key === " " && event.target.tagName === "BUTTON")) { KEYS[event.key](); refresh(); }
  else return;
  event.preventDefault();
});

// ---- controls ----------------------------------------------------------------------------------------------------
function wire() {
  at("file").onchange = (event) => load(event.target.files[0]);
  for (const button of document.querySelectorAll("[data-tool]")) button.onclick = () => { choose(button.dataset.tool); refresh(); };
  at("undo").onclick = () => travel(page.undo, page.redo);
  at("redo").onclick = () => travel(page.redo, page.undo);
  at("flow").onclick = () => { page.flow = !page.flow; refresh(); };
  at("grid").onclick = () => { page.grid = !page.grid; refresh(); };
  const camera = (key, read) => (event) => { page.view = { ...page.view, [key]: read(Number(event.target.value)) }; page.grid = true; refresh(); };
  at("pitch").oninput = camera("pitch_deg", (value) => value);
  at("height").oninput = camera("height_m", (value) => Number((10 ** value).toPrecision(3)));
  at("field").oninput = camera("field_of_view_deg", (value) => value);
  at("usual").onclick = () => { page.view = { ...page.facts.camera }; refresh(); };
  at("write").onclick = () => working("", async () => {
    if (!page.photo) throw new Error("Drop a photo first.");
    at("prompt").value = (await ask("condition", { ...wish(), prompt: "" })).prompt;
    say(page.objects.every((each) => each.name.trim()) ? "The prompt is written." : "Name every object, and more can be written.");
  });
  at("export").onclick = () => working("", async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await ask("export", wish(), "blob"));
    link.download = page.photo.key + ".zip";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say(`${link.download} holds the condition, and the photo as a Real World set takes it.`);
  });
  at("run").onclick = () => working("", async () => {
    const method = at("method").value, seed = Number(at("seed").value);
    const { job } = await ask("run", { ...wish(), method, seed });
    say(`${method} is running.`);
    results.add(job, `${method}, seed ${seed}`).then((told) => say(`${method}: ${told.message || told.state}`, told.state === "failed"));
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    addEventListener(name, (event) => {
      event.preventDefault();
      at("stage").classList.toggle("over", name === "dragover");
      if (name === "drop") load(event.dataTransfer.files[0]);
    });
  }
}

function listMethods() {
  for (const [title, fits] of [["ready", (each) => !each.missing.length], ["not ready here", (each) => each.missing.length]]) {
    const group = document.createElement("optgroup");
    group.label = title;
    for (const each of page.facts.methods.filter(fits)) {
      const option = new Option(each.title + (each.missing.length ? `: ${each.missing.join(", ")}` : ""), each.name);
      option.disabled = each.missing.length > 0;
      group.append(option);
    }
    if (group.children.length) at("method").append(group);
  }
}

await working("", async () => {
  page.facts = await ask("start");
  page.view = { ...page.facts.camera };
  results.setup(page.facts);
  listMethods();
  wire();
  controls();
  window.studio = page; // for the console, and for tests
});
