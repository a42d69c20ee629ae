// Two films on one clock: what is drawn on one canvas is drawn on the other in the same step.
"use strict";

const player = (() => {
  const { size: [width, height], columns, frames, fps } = DESIGN;
  const pens = ["left", "right"].map((id) => {
    const canvas = document.getElementById(id);
    Object.assign(canvas, { width, height });
    return canvas.getContext("2d");
  });
  const films = new Map();
  const LONGEST_MS = 250; // between two steps: of a page that nobody sees the clock stands still
  let shown = [], frame = 0, clock = 0, before = null, playing = false, ended = () => {};

  // A picture by its name, decoded; it is asked for again if that failed.
  function load(name) {
    if (!films.has(name)) {
      const image = new Image();
      image.src = `films/${name}.webp`;
      const ready = image.decode().then(() => image);
      ready.catch(() => films.delete(name));
      films.set(name, ready);
    }
    return films.get(name);
  }

  // Forget all films but these.
  function keep(names) {
    for (const name of films.keys()) if (!names.includes(name)) films.delete(name);
  }

  function show(images) {
    stop();
    shown = images;
    draw(0);
  }

  function draw(number) {
    frame = number;
    const x = (number % columns) * width, y = Math.floor(number / columns) * height;
    shown.forEach((image, i) => pens[i].drawImage(image, x, y, width, height, 0, 0, width, height));
  }

  function play(then) {
    stop();
    draw(0);
    ended = then;
    playing = true;
    clock = 0;
    before = null;
    requestAnimationFrame(step);
  }

  function step(now) {
    if (!playing) return;
    clock += Math.min(now - (before ?? now), LONGEST_MS);
    before = now;
    const due = Math.floor((clock / 1000) * fps);
    if (due !== frame) draw(Math.min(due, frames - 1));
    if (due < frames) return void requestAnimationFrame(step);
    playing = false;
    ended();
  }

  function stop() {
    playing = false;
  }

  return { load, keep, show, play, get playing() { return playing; }, get frame() { return frame; } };
})();
