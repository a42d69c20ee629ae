// The study: welcome, trials in the participant's order, the end. There is no way back.
"use strict";

const at = (id) => document.getElementById(id);
const ANSWERS = [["left", "Left"], ["same", "No difference"], ["right", "Right"]];
const KIND = { kind: "kinebench study answers", schema_version: 1 };
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const study = { participant: null, trials: [], current: null, unlocked: false }; // also for the console, and for tests

function begin() {
  const given = new URLSearchParams(location.search).get("participant");
  if (given !== null && !/^[A-Za-z0-9_-]{1,64}$/.test(given)) {
    return wrong("The participant in this page's address is no id: it has letters, digits, - and _, at most 64. Ask whoever invited you for the right link.");
  }
  study.participant = given ?? memory.stranger(DESIGN.study);
  const group = order.group(DESIGN.study, study.participant, DESIGN.groups.length);
  study.trials = order.ordered(DESIGN.study, study.participant, DESIGN.groups[group]);
  memory.open(DESIGN.study, study.participant);
  post.begin({ ...KIND, study: DESIGN.study, participant: study.participant }, heard);
  pose();
  wire();
  if (next()) welcome();
  else end();
}

// The first trial that has no answer yet.
function next() {
  const answered = new Set(memory.read().answers.map((each) => each.trial));
  return study.trials.find((trial) => !answered.has(trial.name)) ?? null;
}

function only(id) {
  for (const each of ["welcome", "trial", "end", "wrong"]) at(each).hidden = each !== id;
  scrollTo(0, 0);
}

function wrong(text) {
  at("wrong").textContent = text;
  only("wrong");
}

function welcome() {
  const done = study.trials.indexOf(next());
  at("count").textContent = study.trials.length;
  at("participant").textContent = study.participant;
  at("where").textContent = post.collects
    ? "Answers are sent to whoever runs this study as you give them."
    : "Answers stay in this browser; at the end you download them and send them to whoever invited you.";
  at("back").hidden = !done;
  at("back").textContent = `Welcome back: you have answered ${done} of ${study.trials.length}.`;
  at("begin").textContent = done ? "Go on" : "I agree, begin";
  only("welcome");
}

// ---- a trial ------------------------------------------------------------------------------------------------------
function names(trial) {
  const [first, second] = trial.films;
  return order.swapped(DESIGN.study, study.participant, trial.name) ? [second, first] : [first, second];
}

async function present() {
  const trial = next();
  if (!trial) return end();
  const number = study.trials.indexOf(trial), sides = names(trial);
  Object.assign(study, { current: trial, unlocked: false });
  at("questions").reset();
  lock(true);
  at("place").textContent = `Pair ${number + 1} of ${study.trials.length}`;
  at("progress").max = study.trials.length;
  at("progress").value = number;
  at("play").disabled = true;
  at("state").textContent = "Loading the videos.";
  only("trial");
  at("place").focus();
  const following = study.trials[number + 1];
  const wanted = [trial.condition, ...sides], later = following ? [following.condition, ...names(following)] : [];
  player.keep([...wanted, ...later]);
  try {
    const [condition, ...images] = await Promise.all(wanted.map(player.load));
    if (study.current !== trial) return;
    const before = at("condition");
    condition.alt = before.alt;
    condition.id = before.id;
    if (before !== condition) before.replaceWith(condition);
    player.show(images);
  } catch {
    at("state").textContent = "A video could not be loaded.";
    at("play").textContent = "Try again";
    at("play").disabled = false;
    return;
  }
  for (const each of later) player.load(each).catch(() => {});
  at("play").textContent = "Play";
  at("play").disabled = false;
  at("state").textContent = "Play the videos; then the questions open.";
  study.ready = trial;
  if (!calm.matches) play();
}

function play() {
  if (at("play").disabled || player.playing) return;
  if (study.ready !== study.current) return void present();
  at("play").disabled = true;
  if (!study.unlocked) at("state").textContent = "The questions open when the videos have ended.";
  player.play(() => {
    at("play").textContent = "Play again";
    at("play").disabled = false;
    if (study.unlocked) return;
    study.unlocked = true;
    at("state").textContent = "Please answer the three questions.";
    lock(false);
  });
}

// ---- questions ----------------------------------------------------------------------------------------------------
function pose() {
  for (const { name, text } of DESIGN.questions) {
    const set = document.createElement("fieldset"), legend = document.createElement("legend");
    set.dataset.question = name;
    legend.textContent = text;
    const row = document.createElement("div");
    row.className = "answers";
    ANSWERS.forEach(([value, said], i) => {
      const label = document.createElement("label"), radio = document.createElement("input");
      const key = Object.assign(document.createElement("kbd"), { textContent: i + 1 });
      key.setAttribute("aria-hidden", "true");
      Object.assign(radio, { type: "radio", name, value });
      label.append(radio, said, key);
      row.append(label);
    });
    set.append(legend, row);
    at("questions").append(set);
  }
  const go = Object.assign(document.createElement("button"), { id: "next", className: "strong next", textContent: "Next", disabled: true });
  at("questions").append(go);
}

const sets = () => [...document.querySelectorAll("#questions fieldset")];
const chosen = (set) => set.querySelector(":checked")?.value;
const whole = () => study.unlocked && sets().every(chosen);

function lock(locked) {
  for (const set of sets()) set.disabled = locked;
  mark();
}

// Shows which question the digits answer: the one that has the focus, or else the first that is open.
function mark() {
  const open = study.unlocked ? asked() : null;
  for (const set of sets()) set.classList.toggle("now", set === open);
  at("next").disabled = !whole();
}

function asked() {
  return document.activeElement?.closest("fieldset") ?? sets().find((set) => !chosen(set)) ?? null;
}

function answer(number) {
  const set = asked();
  if (!set) return;
  const radio = set.querySelectorAll("input")[number];
  radio.checked = true;
  const open = sets().find((each) => !chosen(each));
  if (open) document.activeElement?.blur();
  mark();
  if (!open) at("next").focus();
}

function commit() {
  if (!whole()) return;
  const trial = study.current.name;
  const answers = sets().map((set) => ({ trial, question: set.dataset.question, answer: chosen(set) }));
  const kept = memory.add(trial, answers);
  if (!kept) at("trouble").textContent = "This browser keeps nothing: do not close or reload the page before the end.";
  post.now();
  present();
}

// ---- the end ------------------------------------------------------------------------------------------------------
function exported() {
  const told = { ...KIND, study: DESIGN.study, participant: study.participant, answers: memory.read().answers };
  return JSON.stringify(told, null, 1);
}

function end() {
  study.current = null;
  at("text").value = exported();
  at("keep").textContent = post.collects
    ? "You may close this page when everything is sent. If you like, keep a copy of your answers."
    : "One thing is left: download your answers, and send the file to whoever invited you.";
  at("download").classList.toggle("strong", !post.collects);
  only("end");
  at("thanks").focus();
  heard("");
}

// What became of sending.
function heard(trouble) {
  const { answers, sent, refused } = memory.read();
  at("trouble").textContent = trouble;
  if (!post.collects) return;
  const waiting = answers.length - sent;
  const told = waiting ? `${waiting} of your ${answers.length} answers are not sent yet.` : `All your ${answers.length} answers are sent.`;
  at("sent").textContent = refused ? `${told} ${refused} of them had been given before, otherwise; the first ones count.` : told;
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([exported()], { type: "application/json" }));
  link.download = `answers-${DESIGN.study}-${study.participant}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function copy() {
  let done = true;
  try {
    await navigator.clipboard.writeText(at("text").value);
  } catch { // only pages over https may use the clipboard
    at("text").select();
    done = document.execCommand("copy");
  }
  at("copied").textContent = done ? "Copied." : "This browser does not let the page copy: the text is selected, press Ctrl+C.";
}

// ---- controls -----------------------------------------------------------------------------------------------------
function wire() {
  at("begin").onclick = present;
  at("play").onclick = play;
  at("download").onclick = download;
  at("copy").onclick = copy;
  at("questions").addEventListener("change", mark);
  at("questions").addEventListener("focusin", mark);
  at("questions").addEventListener("focusout", () => requestAnimationFrame(mark));
  at("questions").addEventListener("submit", (event) => { event.preventDefault(); commit(); });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || at("trial").hidden) return;
    const button = event.target.closest?.("button"), key = event.key.toLowerCase();
    if (key === "r") play();
    else if (study.unlocked && ["1", "2", "3"].includes(key)) answer(Number(key) - 1);
    else if (key === "enter" && !button && whole()) commit();
    else return;
    event.preventDefault();
  });
}

begin();
