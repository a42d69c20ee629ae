// What this browser keeps of one participant: the answers in order, and how many of them the server has.
"use strict";

const memory = (() => {
  let name = null, held = null, full = false; // full: what is held is newer than what is stored

  function read() {
    if (full && !write()) return held;
    try {
      const there = JSON.parse(localStorage.getItem(name));
      if (Array.isArray(there?.answers)) held = there;
    } catch { /* a browser that keeps nothing: the page alone remembers */ }
    return held;
  }

  function write() {
    try {
      localStorage.setItem(name, JSON.stringify(held));
      full = false;
    } catch {
      full = true;
    }
    return !full;
  }

  // The id that stands for whoever uses this browser, the same after a reload.
  function stranger(study) {
    const drawn = [...crypto.getRandomValues(new Uint8Array(10))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    try {
      const there = localStorage.getItem(`kinebench-study ${study}`);
      localStorage.setItem(`kinebench-study ${study}`, there ?? drawn);
      return there ?? drawn;
    } catch {
      return drawn;
    }
  }

  function open(study, participant) {
    name = `kinebench-study ${study} ${participant}`;
    held = { answers: [], sent: 0, refused: 0 };
    return read();
  }

  // Answers of one trial, unless another window gave them meanwhile.
  function add(trial, answers) {
    read();
    if (!held.answers.some((each) => each.trial === trial)) held.answers.push(...answers);
    return write();
  }

  // The server has so many now; of them, it refused some since it had others.
  function sent(count, refused) {
    read();
    held.sent = Math.max(held.sent, count);
    held.refused += refused;
    write();
  }

  return { stranger, open, add, sent, read };
})();
