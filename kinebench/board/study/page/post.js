// Sends answers to the server that the page is from, in order, until it has them all.
"use strict";

const post = (() => {
  const FIRST_MS = 2000, LAST_MS = 60000, AT_ONCE = 300;
  let told = null, hear = () => {}, wait = FIRST_MS, timer = null, busy = false;
  const collects = document.querySelector('meta[name="collects"]').content === "yes";

  function begin(head, listener) {
    told = head;
    hear = listener;
    if (!collects) return;
    addEventListener("online", () => now());
    now();
  }

  async function now() {
    if (!collects || busy) return;
    clearTimeout(timer);
    const { answers, sent } = memory.read();
    if (sent >= answers.length) return hear("");
    const batch = answers.slice(sent, sent + AT_ONCE);
    busy = true;
    const trouble = await send(batch).catch(() => "The server does not answer.");
    busy = false;
    if (!trouble) {
      wait = FIRST_MS;
      return now();
    }
    hear(`${trouble} Your answers are kept here, and sent again in a while.`);
    timer = setTimeout(now, wait);
    wait = Math.min(2 * wait, LAST_MS);
  }

  // Empty if the server has the batch now, else what is wrong.
  async function send(batch) {
    const start = memory.read().sent;
    const response = await fetch("answers", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...told, answers: batch }),
      signal: AbortSignal.timeout(20000),
    });
    const said = await response.json();
    if (response.ok || response.status === 409) {
      memory.sent(start + batch.length, said.refused?.length ?? 0);
      return "";
    }
    return `The server says: ${said.error}.`;
  }

  return { collects, begin, now };
})();
