// Runs and their clips, side by side on one scrubber.

import { ask } from "./server.js";

const at = (id) => document.getElementById(id);
const results = [];
let fps = 24, frames = 49, playing = false, shown = 0, began = 0;

export function setup(facts) {
  ({ fps, frames } = facts);
  at("scrub").max = frames - 1;
  at("scrub").addEventListener("input", () => { stop(); show(Number(at("scrub").value)); });
  at("play").addEventListener("click", toggle);
}

// Runs that are shown: what a page that is loaded again has to know of them.
export function kept() {
  return results.map(({ job, title }) => ({ job, title }));
}

export async function add(job, title) {
  const card = document.createElement("article");
  card.className = "result";
  card.innerHTML = '<div class="wait pulse"></div><div class="foot"><span></span><button></button></div>';
  card.querySelector("span").textContent = title;
  const button = card.querySelector("button"), wait = card.querySelector(".wait");
  const self = { job, title, card, video: null };
  results.push(self);
  at("cards").append(card);
  at("results").hidden = false;
  button.textContent = "Cancel";
  button.onclick = async () => {
    if (button.textContent === "Cancel") await ask("cancel/" + job, {}).catch(() => {});
    else remove(self);
  };
  const told = await ended(job, (now) => { wait.textContent = `${now.state}, ${Math.round(now.seconds)} s`; });
  button.textContent = "Remove";
  wait.classList.remove("pulse");
  if (told.state !== "done") {
    wait.classList.toggle("wrong", told.state === "failed");
    wait.textContent = told.message;
    return told;
  }
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, preload: "auto" });
  video.setAttribute("aria-label", title);
  video.src = URL.createObjectURL(await ask("video/" + job, undefined, "blob"));
  wait.replaceWith(video);
  card.querySelector("span").textContent = `${title}, ${Math.round(told.seconds)} s`;
  self.video = video;
  video.addEventListener("click", toggle);
  show(shown);
  return told;
}

async function ended(job, note) {
  for (;;) {
    const told = await ask("job/" + job).catch((error) => ({ state: "failed", message: error.message }));
    if (told.state !== "waiting" && told.state !== "running") return told;
    note(told);
    await new Promise((done) => setTimeout(done, 400));
  }
}

function remove(self) {
  results.splice(results.indexOf(self), 1);
  if (self.video) URL.revokeObjectURL(self.video.src);
  self.card.remove();
  at("results").hidden = results.length === 0;
}

export function show(frame) {
  shown = Math.min(Math.max(frame, 0), frames - 1);
  at("scrub").value = shown;
  at("frame").textContent = `frame ${shown}, ${(shown / fps).toFixed(2)} s`;
  for (const { video } of results) if (video) video.currentTime = (shown + 0.5) / fps;
}

export function step(by) {
  stop();
  show(shown + by);
}

export function any() {
  return results.length > 0;
}

export function toggle() {
  if (playing) return stop();
  playing = true;
  at("play").textContent = "\u275a\u275a";
  at("play").ariaLabel = "Pause";
  began = performance.now() - (shown < frames - 1 ? shown : 0) * 1000 / fps;
  requestAnimationFrame(follow);
}

function stop() {
  playing = false;
  at("play").textContent = "\u25b6";
  at("play").ariaLabel = "Play";
}

// One clock for all: whatever a clip's own length, all show the same moment.
function follow(now) {
  if (!playing) return;
  const frame = Math.floor(((now - began) * fps) / 1000) % frames;
  if (frame !== shown && results.every(({ video }) => !video || !video.seeking)) show(frame);
  requestAnimationFrame(follow);
}
