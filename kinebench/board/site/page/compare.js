"use strict";
// Players locked to one frame: what was asked, what happens, what two rows made of it, and where one differs.
(async () => {
  const { h, at } = board;
  const facts = await board.load("board"), columns = facts.film_columns;
  const heads = facts.standings.filter((one) => one.metrics !== null);
  const still = { playing: false, from: 0, began: 0 };
  let state = {}, standing = null, clips = null, rows = {}, data = {}, marks = [], turn = 0, asked = 0, later = 0;

  const player = (name, words, layers) => board.player(name, words, columns, layers);
  const players = {
    condition: player("condition", "Condition: first frame with arrows"),
    truth: player("truth", "Ground truth"),
    a: player("a", "Video of A"),
    b: player("b", "Video of B"),
    difference: player("difference", "Difference against the ground truth", 2),
  };
  const against = h("select", { "aria-label": "Whose difference" }, h("option", { value: "a" }, "A, truth"), h("option", { value: "b" }, "B, truth"));
  const gain = h("input", { type: "range", min: 1, max: 8, step: 1, "aria-label": "Amplified so many times" });
  const times = h("output");
  const scores = h("div.card.table", {});

  const clip = () => Math.max(clips.clips.indexOf(state.sample), 0);
  const last = () => standing.frames - 1;
  const frame = () => Math.min(Math.max(Number.parseInt(state.frame ?? 0, 10) || 0, 0), last());

  function save(soon = false) {
    clearTimeout(later);
    const write = () => board.write({ ...state, frame: frame() || "", speed: state.speed === "1" ? "" : state.speed });
    if (soon) later = setTimeout(write, 250);
    else write();
  }

  function draw() {
    const now = frame();
    for (const each of Object.values(players)) each.at(now);
    at("scrub").value = now;
    const words = `frame ${now + 1} of ${standing.frames}, ${(now / standing.fps).toFixed(2)} s`;
    at("time").textContent = words;
    at("scrub").setAttribute("aria-valuetext", words);
  }

  function go(to) {
    state.frame = Math.min(Math.max(to, 0), last());
    Object.assign(still, { from: state.frame, began: performance.now() });
    draw();
    save(true);
  }

  function tick(now) {
    if (!still.playing) return;
    const passed = Math.floor(((now - still.began) / 1000) * standing.fps * Number(state.speed));
    const next = (still.from + Math.max(passed, 0)) % standing.frames;
    if (next !== state.frame) { state.frame = next; draw(); }
    requestAnimationFrame(tick);
  }

  function play(on) {
    if (still.playing === on) return;
    Object.assign(still, { playing: on, from: frame(), began: performance.now() });
    at("play").textContent = on ? "\u275a\u275a" : "\u25b6";
    at("play").ariaLabel = on ? "Pause" : "Play";
    if (on) requestAnimationFrame(tick);
    else save();
  }

  // Films of the clip in every player at once, when all are decoded.
  async function films() {
    const mine = ++turn, place = clip(), whole = (name, count) => (name ? { name, count, shown: null } : { why: "no film here: the site was built without it" });
    const made = (side) => (rows[side] ? board.filmOf(data[side], seedOf(rows[side]), place, standing.frames) : { why: `choose a row for ${side.toUpperCase()}` });
    const found = { condition: whole(clips.conditions[place], 1), truth: whole(clips.truths[place], standing.frames), a: made("a"), b: made("b") };
    const pictures = {};
    at("players").setAttribute("aria-busy", "true");
    await Promise.all(Object.entries(found).map(async ([name, film]) => {
      pictures[name] = film.name && await board.picture(film.name).catch(() => null);
    }));
    if (mine !== turn) return;
    for (const [name, film] of Object.entries(found)) players[name].show(film.name ? [film] : [], [pictures[name]], film.why);
    const side = found[state.against], truth = { ...found.truth, moments: side.shown };  // a difference is of one moment
    players.difference.show(side.name && truth.name ? [truth, side] : [], [pictures.truth, pictures[state.against]], side.why ?? truth.why);
    at("players").removeAttribute("aria-busy");
    captions();
    draw();
  }

  function seedOf(row) {
    return row.seeds.includes(Number(state.seed)) ? Number(state.seed) : row.seeds[0];
  }

  function captions() {
    const named = (side) => rows[side]
      ? [h(`b.letter.${side}`, {}, side.toUpperCase()), " ", h("a", { href: board.methodPage(rows[side].id) }, board.foreign(rows[side].title)), h("small", {}, `seed ${seedOf(rows[side])}`), board.badges(rows[side])]
      : [h(`b.letter.${side}`, {}, side.toUpperCase())];
    board.put(players.condition.head, "Condition", h("small", {}, "first frame, what is driven and where to"));
    board.put(players.truth.head, "Ground truth");
    for (const side of ["a", "b"]) board.put(players[side].head, ...named(side).flat());
  }

  function sample() {
    const place = clip();
    at("sample").value = clips.clips[place];
    state.sample = clips.clips[place];
    const shown = standing.columns.filter((column) => column.headline);
    board.put(scores, board.scores(state.sample, shown, rows, data, place));
    for (const plot of marks) plot.mark(place);
  }

  function plots() {
    const width = Math.floor(Math.min(at("scatter").clientWidth, 1400));
    const wide = width > 900 ? Math.floor((width - 24) / 2) : width;
    const one = (column) => {
      const plot = board.scatter(column, data.a?.samples[column.name], data.b?.samples[column.name], clips.clips.length, wide, (to) => step(to - clip()));
      marks.push(plot);
      return plot.element;
    };
    const of = standing.columns.filter((column) => column.scope === "clip" && (data.a ?? data.b)?.samples[column.name]);
    marks = [];
    board.put(at("scatter"), ...of.filter((column) => column.headline).map(one));
    const others = of.filter((column) => !column.headline);
    at("more").hidden = !others.length;
    board.put(at("others"), ...(at("more").open ? others.map(one) : []));
    board.put(at("legend"), ...standing.hidden ? [board.HIDDEN] : [h("span.dot.a"), " A, ", h("span.dot.b"), " B, mean over seeds; a line between them has the colour of the better. Press a plot to look at that clip."]);
    for (const plot of marks) plot.mark(clip());
  }

  function controls() {
    const entry = (row) => [row.id, `${row.title} (${row.id})${row.withdrawn ? ", withdrawn" : ""}`];
    const listed = board.order(standing.rows, (row) => row.title.toLowerCase(), false).map(entry);
    board.options(at("standing"), heads.map((one) => [one.id, board.named(one)]), standing.id);
    board.options(at("a"), listed, state.a);
    board.options(at("b"), [["", "none"], ...listed], state.b ?? "");
    board.options(at("sample"), clips.clips.map((key, place) => [key, `${place + 1}: ${key}`]), state.sample);
    const seeds = [...new Set([rows.a, rows.b].filter(Boolean).flatMap((row) => row.seeds))].sort((x, y) => x - y);
    if (!seeds.includes(Number(state.seed)) || state.seed === undefined) state.seed = seeds[0];
    board.options(at("seed"), seeds.map((seed) => [seed, String(seed)]), state.seed);
    at("scrub").max = last();
    at("speed").value = state.speed;
    gain.value = state.gain;
    against.value = state.against;
    amplify();
  }

  function amplify() {
    players.difference.stack.style.setProperty("--gain", gain.value);
    times.textContent = `\u00d7 ${gain.value}`;
  }

  async function show() {
    const mine = ++asked;  // of two that overlap, the later one is shown
    play(false);
    state = { ...board.read() };
    const head = heads.find((one) => one.id === state.standing) ?? heads[0];
    state.standing = head.id;
    const [table, keys] = await Promise.all([board.load(`${head.id}/table`), board.load(`${head.id}/clips`)]);
    const find = (id) => table.rows.find((row) => row.id === id);
    const chosen = { a: find(state.a) ?? table.rows.find((row) => row.id !== state.b) ?? table.rows[0], b: find(state.b) };
    if (!state.b && !state.a && table.rows.length > 1) chosen.b = table.rows[1];
    const load = async (row) => row && board.load(`${head.id}/rows/${row.id}`);
    const [a, b] = await Promise.all([load(chosen.a), load(chosen.b)]);
    if (mine !== asked) return;
    [standing, clips, rows, data] = [board.prepare(table), keys, chosen, { a, b }];
    [state.a, state.b] = [rows.a?.id, rows.b?.id];
    if (![...at("speed").options].some((option) => option.value === state.speed)) state.speed = "1";
    state.against = state.against === "b" && rows.b ? "b" : "a";
    state.gain = Math.min(Math.max(Number.parseInt(state.gain, 10) || 3, 1), 8);
    state.frame = frame();
    at("stage").hidden = false;
    controls();
    sample();
    plots();
    await films();
    save();
  }

  function step(by) {
    const to = clip() + by;
    if (to < 0 || to >= clips.clips.length) return;
    state.sample = clips.clips[to];
    sample();
    films().then(() => save(), board.fail);
  }

  function again(change) {
    Object.assign(state, change);
    board.write(state);
    show().catch(board.fail);
  }

  const KEYS = {
    " ": () => play(!still.playing),
    ArrowLeft: () => { play(false); go(frame() - 1); },
    ArrowRight: () => { play(false); go(frame() + 1); },
    Home: () => { play(false); go(0); },
    End: () => { play(false); go(last()); },
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
    p: () => step(-1),
    n: () => step(1),
  };

  function pressed(event) {
    const taken = event.target.closest("select, input:not(#scrub), a, button, summary");
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key] || !standing) return;
    if (taken?.matches("select, input") || (taken && event.key === " ")) return;
    event.preventDefault();
    KEYS[event.key]();
  }

  function listen() {
    at("standing").addEventListener("change", () => again({ standing: at("standing").value, sample: "", seed: undefined }));
    for (const side of ["a", "b"]) at(side).addEventListener("change", () => again({ [side]: at(side).value }));
    at("seed").addEventListener("change", () => again({ seed: at("seed").value }));
    at("sample").addEventListener("change", () => step(at("sample").selectedIndex - clip()));
    at("earlier").addEventListener("click", () => step(-1));
    at("later").addEventListener("click", () => step(1));
    at("play").addEventListener("click", () => play(!still.playing));
    at("scrub").addEventListener("input", () => { play(false); go(Number(at("scrub").value)); });
    at("speed").addEventListener("change", () => { state.speed = at("speed").value; go(frame()); });
    against.addEventListener("change", () => { state.against = against.value; films().then(() => save(), board.fail); });
    gain.addEventListener("input", () => { state.gain = Number(gain.value); amplify(); save(true); });
    at("more").addEventListener("toggle", plots);
    document.addEventListener("keydown", pressed);
    let width = innerWidth;
    addEventListener("resize", () => { if (innerWidth !== width && standing) { width = innerWidth; plots(); draw(); } });
    board.moved(() => show().catch(board.fail));
  }

  if (!heads.length) throw new Error("There is no measured row to look at yet.");
  board.put(players.difference.head, "Difference", against, h("label.gain", {}, gain, times));
  at("players").append(...["condition", "truth", "a", "b", "difference"].map((name) => players[name].element), scores);
  listen();
  await show();
  document.documentElement.dataset.ready = "yes";
})().catch(board.fail);
