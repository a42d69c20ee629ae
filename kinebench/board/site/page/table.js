"use strict";
// The table of a standing: made once, then sorted and filtered by moving and hiding its rows.
{
  const { h } = board;
  const PLAIN = [
    { name: "title", label: "Method", of: (row) => row.title.toLowerCase() },
    { name: "seeds", label: "Seeds", of: (row) => row.seeds.length },
    { name: "backbone", label: "Backbone", of: (row) => row.backbone?.toLowerCase() ?? null },
    { name: "parameters", label: "Parameters", of: (row) => row.parameters },
    { name: "prompt", label: "Prompt", of: (row) => row.prompt },
  ];

  board.sorts = (standing) => [...PLAIN.map((each) => each.name), ...standing.columns.map((column) => column.name)];

  // How a column is sorted when its head is pressed first: the best first.
  board.descends = (standing, name) => standing.columns.some((column) => column.name === name && column.better === "higher");

  board.sortValue = (standing, name) => {
    const plain = PLAIN.find((each) => each.name === name);
    const place = standing.columns.findIndex((column) => column.name === name);
    return plain ? plain.of : (row) => row.read[place].value ?? null;
  };

  function head(column, sorted) {
    const button = h("button", { type: "button", "data-sort": column.name }, ...column.words, h("span.mark", { "aria-hidden": "true" }));
    if (column.tip) button.dataset.tip = column.tip;
    return h(column.metric ? "th.n" : `th.${column.name}`, { scope: "col", "aria-sort": sorted }, button);
  }

  function metricHead(column) {
    const [only, arrow] = [column.better === "lower" ? "lower" : "higher", board.ARROWS[column.better]];
    const tip = `${column.name}, version ${column.version}: ${column.what}. ${column.unit ? `In ${column.unit}. ` : ""}${only} is better.` +
      { clip: " Mean over clips.", group: " Mean over groups of counterfactual clips.", set: " A distance of all clips to all." }[column.scope];
    const words = [h("span.metric", {}, column.label), h("small", {}, `${arrow} `, h("span", {}, `${only}${column.unit ? `, ${column.unit}` : ""}`))];
    return head({ name: column.name, words, tip, metric: true });
  }

  function line(standing, row, shown, prompts) {
    const pick = h("input", { type: "checkbox", "data-pick": row.id, "aria-label": `Choose ${board.label(row)} for comparison` });
    const name = h("a", { href: board.methodPage(row.id) }, board.foreign(row.title));
    const made = h("tr", { "data-row": row.id },
      h("th.first", { scope: "row" }, h("div.who.lazy", {}, pick, h("div", {}, name, h("small", {}, row.id), h("div.badges", {}, board.badges(row))))),
      h("td.seeds", { "data-tip": `seeds ${row.seeds.join(", ")}`}, String(row.seeds.length)),
      h("td", {}, row.backbone ? board.foreign(row.backbone) : board.NOTHING),
      h("td", {}, board.many(row.parameters)),
      h("td", Object.hasOwn(prompts, row.prompt) ? { "data-tip": prompts[row.prompt] } : {}, row.prompt ? board.foreign(row.prompt) : board.NOTHING),
      shown.map((place) => board.cell(row.read[place], standing.scales[place])));
    if (row.withdrawn) made.className = "gone";
    return made;
  }

  // Draws the table anew; `names` are the metrics to show.
  board.draw = (table, standing, names, prompts) => {
    const shown = standing.columns.map((_, place) => place).filter((place) => names.has(standing.columns[place].name));
    const heads = [
      ...PLAIN.map((each) => head({ name: each.name, words: [each.label] })),
      ...shown.map((place) => metricHead(standing.columns[place])),
    ];
    heads[0].classList.add("first");
    for (const row of standing.rows) row.element = line(standing, row, shown, prompts);
    const body = h("tbody", {}, standing.rows.map((row) => row.element));
    const caption = h("caption.sr", {}, board.named(standing));
    table.style.setProperty("--metrics", shown.length);
    board.put(table, caption, h("thead", {}, h("tr", {}, heads)), body);
  };

  // Puts rows in order; those not `kept` are hidden. Returns the rows shown.
  board.arrange = (table, standing, sort, descending, kept) => {
    const ordered = board.order(standing.rows, board.sortValue(standing, sort), descending);
    for (const row of ordered) row.element.hidden = !kept(row);
    table.tBodies[0].append(...ordered.map((row) => row.element));
    for (const button of table.tHead.querySelectorAll("button")) {
      const on = button.dataset.sort === sort;
      button.parentNode.setAttribute("aria-sort", on ? (descending ? "descending" : "ascending") : "none");
      button.lastChild.textContent = on ? (descending ? "\u25bc" : "\u25b2") : "";
    }
    return ordered.filter((row) => !row.element.hidden);
  };
}
