// The page: what is on it, and what every control does.

import * as formula from "./formula.js";
import { draw } from "./ink.js";
import * as list from "./list.js";
import * as memory from "./memory.js";
import * as results from "./results.js";
import { ask } from "./server.js";

const at = (id) => document.getElementById(id);
const [layer, ink] = [at("layer"), at("ink")].map((canvas) => canvas.getContext("2d", { willReadFrequently: true }));
const page = {
  facts: null, photo: null, frame: null, view: null,
  objects: [], selected: null, tool: "pick", flow: true, grid: false,
  cursor: null, box: null, undo: [], redo: [], busy: 0,
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
const desk = { page, moves, colour, remove, refresh };
let waiting = false;
function refresh() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; paintLayer(); paintInk(); list.show(desk); controls(); });
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

function controls() {
  for (const [id, unit] of [["pitch", "\u00b0"], ["height", " m"], ["field", "\u00b0"]]) {
    const value = { pitch: page.view.pitch_deg, height: page.view.height_m, field: page.view.field_of_view_deg }[id];
    at(id).value = id === "height" ? Math.log10(value) : value;
    at(id).nextElementSibling.textContent = `${id === "height" ? value.toPrecision(3) : value}${unit}`;
  }
  at("undo").disabled = !page.undo.length;
  at("redo").disabled = !page.redo.length;
  at("export").disabled = !page.objects.some((each) => each.arrow);
  const lacks = page.facts.methods.find((each) => each.name === at("method").value)?.remedies ?? [];
  at("run").disabled = at("export").disabled || lacks.length > 0;
  at("lack").hidden = !lacks.length;
  if (at("lack").dataset.of !== at("method").value) {
    at("lack").dataset.of = at("method").value;
    at("lacks").replaceChildren(...lacks.map((each) => Object.assign(document.createElement("li"), { textContent: each })));
  }
  at("flow").setAttribute("aria-pressed", page.flow);
  at("grid").setAttribute("aria-pressed", page.grid);
  for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === page.tool);
}

// ---- the photo ---------------------------------------------------------------------------------------------------
async function load(file) {
  if (!file) return;
  await working(`reading ${file.name}`, async () => {
    const most = page.facts.photo_bytes; // a server that refuses what is still being sent is not heard
    if (file.size > most) throw new Error(`${file.name} has ${file.size >> 20} MB; at most ${most >> 20} are read: save it smaller.`);
    const photo = await ask("photo?name=" + encodeURIComponent(file.name), file);
    if (page.photo) at("prompt").value = at("ground").value = ""; // they told of another photo
    await take(photo);
    say(`${file.name}, ${photo.width} x ${photo.height}. Click an object.`);
  });
  at("file").value = "";
}

async function take(photo) {
  const image = new Image();
  image.src = "data:image/png;base64," + photo.frame;
  await image.decode();
  layer.drawImage(image, 0, 0);
  page.frame = layer.getImageData(0, 0, ...page.facts.canvas);
  delete photo.frame;
  held = page.box = page.cursor = null;
  Object.assign(page, { photo, objects: [], selected: null, undo: [], redo: [] });
  at("stage").classList.remove("empty");
  refresh();
}

// `where` is a point, or the box that the object fills.
async function pick(where) {
  const { photo } = page.photo;
  const found = await working("looking for the object", () => ask("mask", { photo, ...where }));
  if (!found || page.photo.photo !== photo) return;
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

const HEAD_PX = 12; // on the screen

function headAt([x, y]) {
  const reach = (HEAD_PX * page.facts.canvas[0]) / ink.canvas.getBoundingClientRect().width;
  const near = (each) => each.arrow && Math.hypot(each.arrow[2] - x, each.arrow[3] - y) <= reach;
  return page.objects.find(near) ?? null;
}

function down(point) {
  page.cursor = page.tool === "pick" ? null : point;
  if (page.tool === "pick") {
    const head = headAt(point), object = objectAt(point);
    held = { from: point, object, moved: head ?? object, tail: head ? head.arrow.slice(0, 2) : point, drawn: false };
    if (object) page.selected = object;
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
  else if (held && (held.drawn || far(held.from, point) > 5)) pull(point);
  else return paintInk();
  refresh();
}

const far = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);

// While the pointer is down: an arrow follows it, or a box.
function pull(point) {
  if (!held.moved) page.box = [...held.from, ...point];
  else {
    if (!held.drawn) remember();
    page.selected = held.moved;
    held.moved.arrow = [...held.tail, ...point];
  }
  held.drawn = true;
}

function letGo() {
  if (held?.drawn && held.moved) {
    travel(page.undo, page.redo);
    page.redo.pop();
  }
  held = page.box = null;
  refresh();
}

async function up(point) {
  const { from, object, moved, drawn } = held ?? {}, { box } = page;
  held = page.box = null;
  refresh();
  if (page.tool !== "pick" || !from) return;
  if (moved && drawn) {
    if (!moves(moved)) say("There is no ground under that arrow: draw it below the horizon, or tilt the camera.", true);
    else say("Download the condition, or run a method on it.");
  } else if (box) {
    if (Math.min(Math.abs(box[2] - box[0]), Math.abs(box[3] - box[1])) >= 8) return pick({ box });
    say("Drag a box around an object, or click it; an arrow begins on an object.", true);
  } else if (!object) return pick({ point: from });
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
ink.canvas.addEventListener("pointercancel", letGo);
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
  letGo();
  page.tool = tool;
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
      if (held) held.keyboard = true;
      if (held && (page.tool !== "pick" || !held.moved)) up(point);
      page.cursor = point;
    }
  } else if (event.key === "Escape") letGo(); else return false;
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
    say(`${titleOf(method)} is running.`);
    follow(job, `${titleOf(method)}, seed ${seed}, ${page.photo.key}`);
  });
  at("method").onchange = controls;
  addEventListener("pagehide", () => page.photo && memory.keep(page, words()));
  for (const name of ["dragover", "dragleave", "drop"]) {
    addEventListener(name, (event) => {
      event.preventDefault();
      at("stage").classList.toggle("over", name === "dragover");
      if (name === "drop") load(event.dataTransfer.files[0]);
    });
  }
}

const titleOf = (name) => page.facts.methods.find((each) => each.name === name)?.title ?? name;
const FIELDS = ["prompt", "ground", "method", "seed"];
const words = () => ({ fields: Object.fromEntries(FIELDS.map((id) => [id, at(id).value])), runs: results.kept() });

async function follow(job, title) {
  const told = await results.add(job, title);
  say(`${title}: ${told.message || told.state}`, told.state === "failed");
}

// As it was before the page was loaded again, if the studio is still the same.
async function again() {
  const there = memory.kept();
  const photo = there && (await ask("photo/" + there.photo).catch(() => null));
  if (!photo) return;
  await take(photo);
  Object.assign(page, { objects: there.objects, view: there.view, flow: there.flow, grid: there.grid });
  page.selected = page.objects[there.selected] ?? null;
  for (const id of FIELDS) at(id).value = there.words.fields[id];
  for (const { job, title } of there.words.runs) results.add(job, title);
  say("All is as it was.");
  refresh();
}

function listMethods() {
  for (const [title, fits] of [["ready", (each) => !each.missing.length], ["not ready here", (each) => each.missing.length]]) {
    const group = document.createElement("optgroup");
    group.label = title;
    for (const each of page.facts.methods.filter(fits)) {
      const option = new Option(each.title + (each.missing.length ? `: ${each.missing.join(", ")}` : ""), each.name);
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
  await again();
  controls();
  window.studio = page; // for the console, and for tests
});
