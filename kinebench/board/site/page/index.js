"use strict";
// The table that is asked for: what is chosen above it, and the address.
(async () => {
  const { h, at } = board;
  const facts = await board.load("board");
  const measured = facts.standings.filter((one) => one.metrics !== null), papers = facts.standings.filter((one) => one.metrics === null);
  let standing = null, state = {}, names = new Set(), turn = 0;

  const headline = () => standing.columns.filter((column) => column.headline).map((column) => column.name);
  const opening = () => headline()[0] ?? standing.columns[0]?.name ?? "title";
  const descending = () => state.order === "descending" || (!state.order && board.descends(standing, state.sort));
  const chosen = () => (state.chosen ? state.chosen.split(",") : []).filter((id) => standing.rows.some((row) => row.id === id));

  function save() {
    const usual = headline().join() === [...names].join();
    board.write({
      ...state,
      standing: standing.id === measured[0].id ? "" : standing.id,
      sort: state.sort === opening() && !state.order ? "" : state.sort,
      plot: state.plot === state.sort ? "" : state.plot,
      columns: usual ? "" : [...names].join() || "none",
    });
  }

  function kept(row) {
    const words = (state.text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    return (!row.withdrawn || state.withdrawn === "shown")
      && (row.kind !== "anchor" || state.anchors !== "hidden")
      && (!state.track || row.track === state.track)
      && (!state.backbone || row.backbone === state.backbone)
      && words.every((word) => row.searched.includes(word));
  }

  function arrange() {
    const rows = board.arrange(at("table"), standing, state.sort, descending(), kept);
    const column = standing.columns.find((each) => each.name === state.sort);
    const best = column && descending() === (column.better === "higher");
    const by = column ? `${column.label}, ${best ? "best" : "worst"} first` : `${state.sort}`;
    at("count").textContent = `${rows.length} of ${board.counted(standing.rows.length, "row")}, by ${by}`;
    at("axis").textContent = state.plot ? board.dots(at("plot"), standing, state.plot, rows, chosen()) : "";
    at("plotted").value = state.plot;
    save();
  }

  function pick() {
    const ids = chosen();
    for (const box of at("table").querySelectorAll("[data-pick]")) {
      box.checked = ids.includes(box.dataset.pick);
      box.closest("tr").classList.toggle("picked", box.checked);
    }
    const rows = ids.map((id) => standing.rows.find((row) => row.id === id));
    const [a, b] = ids;
    const link = h("a.button.strong", { href: `compare.html#${board.hash({ standing: standing.id, a, b })}` }, b ? "Side by side" : "Look at it");
    const drop = h("button", { type: "button", on: { click: () => { state.chosen = ""; pick(); arrange(); at("box").focus(); } } }, "Clear");
    board.put(at("chosen"), h("span.which", {}, rows.map((row, i) => [i ? " and " : "", board.foreign(row.title)])), link, drop);
    at("chosen").hidden = !ids.length;
  }

  function controls() {
    const tracks = [...new Set(standing.rows.map((row) => row.track))].sort();
    board.options(at("track"), [["", "all"], ...tracks.map((track) => [track, track])], state.track ?? "");
    const backbones = [...new Set(standing.rows.map((row) => row.backbone).filter(Boolean))].sort();
    board.options(at("backbone"), [["", "all"], ...backbones.map((name) => [name, name])], state.backbone ?? "");
    at("text").value = state.text ?? "";
    at("anchors").checked = state.anchors === "hidden";
    at("withdrawn").checked = state.withdrawn === "shown";
    board.options(at("plotted"), standing.columns.map((column) => [column.name, column.label]), state.plot);
    const box = (column) => h("label.check", {}, h("input", { type: "checkbox", value: column.name, checked: names.has(column.name) }), ` ${column.label}`);
    board.put(at("chooser").querySelector("fieldset"), h("legend.sr", {}, "Columns"), ...standing.columns.map(box));
    for (const kind of ["csv", "json"]) at(kind).href = `tables/${encodeURIComponent(standing.id)}.${kind}`;
    at("pairs").href = `tables/${encodeURIComponent(standing.id)}-pairs.csv`;
    at("notes").textContent = (standing.hidden ? `${board.HIDDEN} ` : "") + `${board.counted(standing.clips, "clip")} of ${board.counted(standing.frames, "frame")}. Numbers in a ring are groups: rows of one group cannot be told apart from its best row. ` +
      "A rank interval says which ranks are likely among the rows of the same track. Press a column's name to sort by it; the arrow in it says which direction is better.";
  }

  async function show() {
    state = board.read();
    const one = measured.find((each) => each.id === state.standing) ?? measured[0];
    const mine = ++turn, table = await board.load(`${one.id}/table`);
    if (mine !== turn) return;  // another was asked for meanwhile
    standing = board.prepare(Object.assign(table, { clips: one.clips }));
    const known = new Set(standing.columns.map((column) => column.name));
    const asked = state.columns ? state.columns.split(",") : headline();
    names = new Set(standing.columns.map((column) => column.name).filter((name) => asked.includes(name)));
    if (!board.sorts(standing).includes(state.sort)) { state.sort = opening(); delete state.order; }
    if (!known.has(state.plot)) state.plot = known.has(state.sort) ? state.sort : headline()[0] ?? [...known][0] ?? "";
    at("standing").value = standing.id;
    controls();
    board.draw(at("table"), standing, names, facts.prompts);
    pick();
    arrange();
    at("measured").hidden = false;
  }

  function sortBy(name) {
    const again = state.sort === name, usual = board.descends(standing, name);
    const now = again ? !descending() : usual;
    Object.assign(state, { sort: name, order: now === usual ? "" : now ? "descending" : "ascending" });
    if (standing.columns.some((column) => column.name === name)) state.plot = name;
    arrange();
  }

  function listen() {
    at("standing").addEventListener("change", () => {
      const { text, anchors, withdrawn, track } = state;
      board.write({ standing: at("standing").value, text, anchors, withdrawn, track });
      show().catch(board.fail);
    });
    at("table").addEventListener("click", (event) => {
      const button = event.target.closest("[data-sort]");
      if (button) sortBy(button.dataset.sort);
    });
    at("table").addEventListener("change", (event) => {
      const id = event.target.dataset.pick, ids = chosen().filter((each) => each !== id);
      state.chosen = (event.target.checked ? [...ids, id].slice(-2) : ids).join();
      pick();
      arrange();
    });
    at("chooser").addEventListener("change", () => {
      const boxes = [...at("chooser").querySelectorAll("input:checked")];
      names = new Set(boxes.map((box) => box.value));
      board.draw(at("table"), standing, names, facts.prompts);
      pick();
      arrange();
    });
    const heard = (id, event, change) => at(id).addEventListener(event, () => { change(at(id)); arrange(); });
    heard("text", "input", (field) => { state.text = field.value.trim(); });
    heard("track", "change", (field) => { state.track = field.value; });
    heard("backbone", "change", (field) => { state.backbone = field.value; });
    heard("anchors", "change", (field) => { state.anchors = field.checked ? "hidden" : ""; });
    heard("withdrawn", "change", (field) => { state.withdrawn = field.checked ? "shown" : ""; });
    heard("plotted", "change", (field) => { state.plot = field.value; });
    document.addEventListener("click", (event) => { if (!at("chooser").contains(event.target)) at("chooser").open = false; });
    at("chooser").addEventListener("keydown", (event) => {
      if (event.key === "Escape") { at("chooser").open = false; at("chooser").firstElementChild.focus(); }
    });
    board.moved(() => show().catch(board.fail));
  }

  if (measured.length) {
    board.options(at("standing"), measured.map((one) => [one.id, `${board.named(one)} (${board.counted(one.rows, "row")})`]), measured[0].id);
    listen();
    await show();
  } else at("empty").hidden = false;
  if (papers.length) {
    board.put(at("papers"), ...await board.reported(papers));
    at("reported").hidden = false;
  }
  document.documentElement.dataset.ready = "yes";
})().catch(board.fail);
