// What is drawn over the photo: outlines, arrows, the ground's grid, the brush.

import * as formula from "./formula.js";

const DRIVEN = "#ffc400", OTHER = "#ffffff", EDGE = "rgba(15,15,20,.85)";

// How many of the canvas's pixels a line counts as one: on a phone all is drawn larger.
let unit = 1;

export function draw(context, scene) {
  const [width, height] = scene.canvas, zoom = context.canvas.width / width;
  unit = Math.min(Math.max(width / (context.canvas.getBoundingClientRect().width || width), 1), 2);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  context.setTransform(zoom, 0, 0, zoom, 0, 0);
  context.lineJoin = context.lineCap = "round";
  if (scene.grid) grid(context, scene);
  for (const each of scene.objects) outline(context, each, width, height, each === scene.selected);
  for (const each of scene.objects) if (each.arrow) arrow(context, each.arrow, each.label, height);
  if (scene.box) box(context, scene.box);
  if (scene.flow && scene.objects.some((each) => each.arrow)) legend(context, scene);
  if (scene.cursor) cursor(context, scene.cursor, scene.brush);
}

function outline(context, object, width, height, selected) {
  object.edges ??= edges(object.mask, width, height);
  for (const [colour, wide] of [[EDGE, selected ? 5 : 3.4], [object.arrow ? DRIVEN : OTHER, selected ? 2.6 : 1.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = wide * unit;
    context.stroke(object.edges);
  }
}

function edges(mask, width, height) {
  const path = new Path2D();
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x];
  for (let y = 0; y <= height; y++) {
    let from = -1;
    for (let x = 0; x <= width; x++) {
      const on = x < width && !at(x, y) !== !at(x, y - 1);
      if (on && from < 0) from = x;
      if (!on && from >= 0) { path.moveTo(from, y); path.lineTo(x, y); from = -1; }
    }
  }
  for (let x = 0; x <= width; x++) {
    let from = -1;
    for (let y = 0; y <= height; y++) {
      const on = y < height && !at(x, y) !== !at(x - 1, y);
      if (on && from < 0) from = y;
      if (!on && from >= 0) { path.moveTo(x, from); path.lineTo(x, y); from = -1; }
    }
  }
  return path;
}

function arrow(context, [x0, y0, x1, y1], label, height) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 1) return;
  const dx = (x1 - x0) / length, dy = (y1 - y0) / length, head = Math.min(13 * unit, length), half = head / 2;
  for (const [colour, extra] of [[EDGE, 2], [DRIVEN, 0]]) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = (3.4 + 2 * extra) * unit;
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1 - dx * head * 0.8, y1 - dy * head * 0.8);
    context.stroke();
    context.beginPath();
    context.arc(x0, y0, (4 + extra) * unit, 0, 7);
    context.fill();
    context.lineWidth = 2 * extra * unit || 0.5;
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x1 - dx * head - dy * half, y1 - dy * head + dx * half);
    context.lineTo(x1 - dx * head + dy * half, y1 - dy * head - dx * half);
    context.closePath();
    context.fill();
    context.stroke();
  }
  if (!label) return;
  context.font = `600 ${15 * unit}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.lineWidth = 4 * unit;
  const y = Math.min(Math.max(dy > 0 ? y0 - 12 * unit : y0 + 22 * unit, 16 * unit), height - 6);
  context.strokeStyle = EDGE;
  context.strokeText(label, x0, y);
  context.fillText(label, x0, y);
}

function box(context, [x0, y0, x1, y1]) {
  for (const [colour, wide] of [[EDGE, 3.4], ["#fff", 1.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.setLineDash(wide < 2 ? [6, 5] : []);
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
  context.setLineDash([]);
}

const LEGEND_PX = 44;
let disc = null;

// What the colours of the velocity mask say: hue is direction, brightness is speed.
function legend(context, scene) {
  const [width, height] = scene.canvas, most = scene.facts.v_max_mps, side = 2 * LEGEND_PX;
  if (!disc) {
    disc = new OffscreenCanvas(side, side);
    const pen = disc.getContext("2d"), pixels = pen.createImageData(side, side);
    for (let i = 0; i < side * side; i++) {
      const x = ((i % side) + 0.5) / LEGEND_PX - 1, y = 1 - (Math.floor(i / side) + 0.5) / LEGEND_PX;
      if (Math.hypot(x, y) > 1) continue;
      pixels.data.set([...formula.picture([x * most, y * most], most).map(formula.brighter), 255], 4 * i);
    }
    pen.putImageData(pixels, 0, 0);
  }
  const x = width - LEGEND_PX - 10, y = height - LEGEND_PX - 10;
  context.drawImage(disc, x, y, LEGEND_PX, LEGEND_PX);
  context.font = `${13 * unit}px system-ui, sans-serif`;
  context.textAlign = "right";
  context.lineWidth = 3;
  context.strokeStyle = EDGE;
  context.fillStyle = "#fff";
  for (const write of ["strokeText", "fillText"]) context[write](`rim: ${most} m/s or more`, x - 8, height - 10);
}

function cursor(context, [x, y], brush) {
  for (const [colour, wide] of [[EDGE, 3], ["#fff", 1.2]]) {
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.beginPath();
    if (brush) context.arc(x, y, brush, 0, 7);
    else { context.moveTo(x - 9, y); context.lineTo(x + 9, y); context.moveTo(x, y - 9); context.lineTo(x, y + 9); }
    context.stroke();
  }
}

// Lines on the ground, as far apart as a round number of metres that suits the height.
function grid(context, scene) {
  const eye = scene.eye, [width, height] = scene.canvas;
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].find((each) => each >= eye.up / 4) ?? 200;
  const bottom = formula.groundPlace(eye, [width / 2, height], 0);
  const near = bottom ? Math.floor(bottom[1] / step) * step : 0;
  const line = (a, b) => {
    const from = formula.project(eye, a, 0), to = formula.project(eye, b, 0);
    if (from && to) { context.moveTo(...from); context.lineTo(...to); }
  };
  const rowAt = (i) => formula.project(eye, [0, near + i * step], 0)?.[1] ?? Infinity;
  let last = 1; // further away the lines would run together
  while (last < 60 && rowAt(last) - rowAt(last + 1) > 4) last++;
  for (const [colour, wide] of [["rgba(0,0,0,.45)", 2.2], ["rgba(255,255,255,.75)", 1]]) {
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.beginPath();
    for (let i = -40; i <= 40; i++) line([i * step, Math.max(near, 0.2 * step)], [i * step, near + last * step]);
    for (let i = 0; i <= last; i++) line([-40 * step, near + i * step], [40 * step, near + i * step]);
    const y = formula.horizon(eye);
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
  }
  context.font = `${13 * unit}px system-ui, sans-serif`;
  context.textAlign = "left";
  context.lineWidth = 3;
  context.strokeStyle = EDGE;
  context.fillStyle = "#fff";
  for (const write of ["strokeText", "fillText"]) context[write](`grid: ${step} m`, 10, height - 10);
}
