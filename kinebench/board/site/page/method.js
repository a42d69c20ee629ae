"use strict";
// A revision of a method: what it is, what it scores, beside whom it stands, and on which clips.
(async () => {
  const { h, at } = board;
  const id = document.documentElement.dataset.row, NEAR = 3;
  const [facts, card] = await Promise.all([board.load("board"), board.load(`m/${id}`)]);
  const first = card.entries[0], method = first.statement.method ?? {};

  function opening() {
    const links = [["Paper", method.paper], ["Code", method.code]].filter(([, address]) => board.web(address));
    const row = { track: card.track, kind: method.kind, withdrawn: card.entries.find((entry) => entry.withdrawn)?.withdrawn };
    return h("div.opening", {},
      h("p", {}, h("code", {}, card.id), " ", board.badges(row)),
      method.description && h("p.lead", {}, board.foreign(method.description)),
      h("p.soft", {}, Array.isArray(method.authors) && board.foreign(method.authors.join(", ")),
        links.map(([words, address], i) => [i || method.authors?.length ? " \u00b7 " : "", board.link(address, words)])));
  }

  function numbers(standing, row) {
    const line = (column, place) => {
      const number = row.read[place];
      const name = h("th.first", { scope: "row" }, `${board.ARROWS[column.better]} ${column.label}`, h("small", {}, `${column.name} ${column.version}`));
      if (number.value === undefined) return h("tr", {}, name, h("td", { colspan: 5 }, h("span.soft", {}, `no value: ${number.reason}`)), h("td.what", {}, column.what));
      return h("tr", {}, name,
        h("td.n", {}, h("strong", {}, board.number(number.value))),
        h("td.wide", {}, board.bar(number, standing.scales[place])),
        h("td.n", {}, board.interval(number.low, number.high)),
        h("td.n", {}, String(number.n)),
        h("td", {}, [board.ranks(number), number.group && `group ${number.group}`].filter(Boolean).join(", ")),
        h("td.what", {}, `${column.what}${column.unit ? `, in ${column.unit}` : ""}`));
    };
    const lines = (headline) => standing.columns.map((column, place) => column.headline === headline && line(column, place)).filter(Boolean);
    const heads = ["Metric", "Value", "Among all rows", "95 % interval", "N", "Rank", "What it is"];
    const table = (rows) => h("div.scroll", { tabindex: "0", role: "region", "aria-label": "Numbers" }, h("table.numbers", {},
      h("thead", {}, h("tr", {}, heads.map((words, i) => h(i === 0 ? "th.first" : i === 1 || i === 3 || i === 4 ? "th.n" : "th", { scope: "col" }, words)))), h("tbody", {}, rows)));
    const rest = lines(false);
    return [table(lines(true)), rest.length > 0 && h("details", {}, h("summary", {}, `${rest.length} more metric${rest.length === 1 ? "" : "s"}`), table(rest))];
  }

  function neighbours(standing, row, told, name) {
    const place = standing.columns.findIndex((column) => column.name === name), column = standing.columns[place];
    if (row.read[place].value === undefined) return h("p.soft", {}, `It has no ${column.label}: ${row.read[place].reason}.`);
    const peers = standing.rows.filter((each) => each.track === row.track && (!each.withdrawn || each === row) && each.read[place].value !== undefined);
    const ordered = board.order(peers, (each) => each.read[place].value, column.better === "higher"), own = ordered.indexOf(row);
    const near = ordered.slice(Math.max(own - NEAR, 0), own + NEAR + 1);
    const line = (each) => {
      const pair = told.pairs[name]?.find(([other]) => other === each.place), number = each.read[place];
      const self = each === row;
      const differs = self ? [h("td", { colspan: 4 }, h("span.soft", {}, "this one"))] : pair ? compared(pair, column) : [h("td", { colspan: 4 }, h("span.soft", {}, "no test of these two"))];
      const look = self ? null : h("a", { href: `${board.root}compare.html#${board.hash({ standing: standing.id, a: row.id, b: each.id })}` }, "side by side");
      return h(self ? "tr.picked" : "tr", {}, h("th.first", { scope: "row" }, self ? board.foreign(each.title) : h("a", { href: board.methodPage(each.id) }, board.foreign(each.title)), h("small", {}, each.id)),
        h("td.n", {}, board.number(number.value)), differs, h("td", {}, look));
    };
    const heads = ["Row", board.direction(column).replace(/^./, (letter) => letter.toUpperCase()), "This less that", "95 % interval", "p", "", ""];
    return h("div.scroll", { tabindex: "0", role: "region", "aria-label": "Neighbours" }, h("table.near", {},
      h("thead", {}, h("tr", {}, heads.map((words, i) => h(i === 0 ? "th.first" : i < 5 ? "th.n" : "th", { scope: "col" }, words)))), h("tbody", {}, near.map(line))));
  }

  function compared([, difference, low, high, p], column) {
    const better = (difference < 0) === (column.better === "lower");
    return [h("td.n", {}, board.number(difference, true)), h("td.n", {}, board.interval(low, high, true)), h("td.n", {}, board.probability(p)),
      h("td", {}, p < 0.05 ? (better ? "this is better" : "that is better") : h("span.soft", {}, "cannot be told apart"))];
  }

  function clipPart(standing, row, clips, told) {
    if (standing.hidden) return [h("p.banner", {}, board.HIDDEN, " ", h("a", { href: `${board.root}compare.html#${board.hash({ standing: standing.id, a: id })}` }, "Look at its videos"), ".")];
    const of = standing.columns.filter((column) => told.samples[column.name]), scored = of.filter((column) => column.headline);
    return [board.clipTable(standing, row, clips.clips, told.samples, scored.length ? scored : of),
      h("p.notes", {}, "Press a clip to see it beside the ground truth. All metrics of all clips: ", h("a", { href: `${board.root}tables/${encodeURIComponent(standing.id)}/${encodeURIComponent(id)}.csv`, download: true }, "CSV"), ".")];
  }

  async function standingPart(entry) {
    const [standing, clips, told] = await Promise.all([board.load(`${entry.standing}/table`), board.load(`${entry.standing}/clips`), board.load(`${entry.standing}/rows/${id}`)]);
    board.prepare(standing);
    const row = standing.rows.find((each) => each.id === id);
    const choose = h("select", {}), beside = h("div"), ends = h("div");
    const valued = standing.columns.filter((column, place) => row.read[place].value !== undefined);
    const usual = valued.find((column) => column.headline) ?? valued[0] ?? standing.columns[0];
    board.options(choose, standing.columns.map((column) => [column.name, column.label]), usual?.name);
    const draw = () => {
      const column = standing.columns.find((each) => each.name === choose.value);
      board.put(beside, neighbours(standing, row, told, column.name));
      board.put(ends, ...[told.samples[column.name] && board.ends(standing, row, told, clips, column, facts.film_columns)].filter(Boolean));
    };
    choose.addEventListener("change", draw);
    const part = h("section.standing", {}, h("h2", {}, board.named(standing)),
      entry.withdrawn && h("p.banner.wrong", {}, "Withdrawn: ", board.foreign(entry.withdrawn)),
      h("p.soft", {}, `Mean of seeds ${row.seeds.join(", ")}; ${board.counted(clips.clips.length, "clip")}. `, h("a", { href: `${board.root}index.html#${board.hash({ standing: standing.id, chosen: id })}` }, "In the table")),
      numbers(standing, row),
      usual && h("div.bar", {}, h("h3", {}, "Beside its neighbours"), h("label.field", {}, "Metric ", choose)),
      beside, ends,
      h("h3", {}, "Clip by clip"), ...clipPart(standing, row, clips, told));
    if (usual) draw();
    return part;
  }

  const parts = await Promise.all(card.entries.map(standingPart));
  const different = card.entries.filter((entry, i) => !i || JSON.stringify(entry.statement) !== JSON.stringify(first.statement));
  const heads = new Map(facts.standings.map((one) => [one.id, one]));
  board.put(at("method"), opening(), ...parts, ...different.map((entry) => h("section", {},
    h("h2", {}, different.length > 1 ? `What its authors state, for ${board.named(heads.get(entry.standing))}` : "What its authors state"), board.card(entry.statement))));
  document.documentElement.dataset.ready = "yes";
})().catch(board.fail);
