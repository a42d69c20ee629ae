// What follows from a participant's id, as kinebench/board/study/order.py computes it.
"use strict";

const order = (() => {
  function draw(text) {
    let found = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) found = Math.imul(found ^ text.charCodeAt(i), 0x01000193);
    found = Math.imul(found ^ (found >>> 16), 0x85ebca6b);
    found = Math.imul(found ^ (found >>> 13), 0xc2b2ae35);
    return (found ^ (found >>> 16)) >>> 0;
  }

  function group(study, participant, groups) {
    return draw(`${study} group ${participant}`) % groups;
  }

  function ordered(study, participant, trials) {
    const drawn = new Map(trials.map((trial) => [trial, draw(`${study} order ${participant} ${trial.name}`)]));
    return [...trials].sort((a, b) => drawn.get(a) - drawn.get(b) || (a.name < b.name ? -1 : 1));
  }

  function swapped(study, participant, trial) {
    return (draw(`${study} side ${participant} ${trial}`) & 1) === 1;
  }

  return { group, ordered, swapped };
})();
