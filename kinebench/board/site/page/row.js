"use strict";
// A row of a table, in pieces: its name, its badges, its numbers.
{
  const { h } = board;
  const TRACKS = {
    open: "measured by us",
    privileged: "measured by us; it is told more than others, and is ranked apart from them",
    reported: "printed in a paper, not measured by us",
  };

  board.badges = (row) => [
    h(`span.badge.${row.track}`, { "data-tip": TRACKS[row.track] }, row.track),
    row.kind === "anchor" && h("span.badge", { "data-tip": "no method: it says what a score is worth" }, "anchor"),
    row.withdrawn && h("span.badge.withdrawn", { "data-tip": `withdrawn: ${row.withdrawn}` }, "withdrawn", h("span.sr", {}, `: ${row.withdrawn}`)),
  ];

  board.label = (row) => `${row.title} (${row.id})`;

  // A line from low to high with a dot at the value, in the colour of its group.
  board.bar = (number, scale) => {
    const group = number.group ? `g${((number.group - 1) % 6) + 1}` : "g0";
    const percent = (value) => `${(100 * scale.at(value)).toFixed(2)}%`;
    const range = number.low !== null && number.low !== undefined;
    const [low, high] = range ? [number.low, number.high] : [number.value, number.value];
    const width = `${(100 * (scale.at(high) - scale.at(low))).toFixed(2)}%`;
    const cut = scale.cut(number.value) ? ".cut" : "";
    return h(`span.range.${group}${cut}`, { "aria-hidden": "true" },
      range && h("i", { style: { left: percent(low), width } }),
      h("b", { style: { left: percent(number.value) } }));
  };

  board.span = (numbers) => {
    const values = [];
    for (const each of numbers) if (each.value !== undefined) values.push(each.value, each.low, each.high);
    return board.scale(values);
  };

  // Numbers of all rows by name, and what is searched; once for each standing.
  board.prepare = (standing) => {
    if (standing.prepared) return standing;
    standing.rows.forEach((row, place) => {
      row.place = place;
      row.read = row.numbers.map((told) => board.unpack(told, standing.reasons));
      row.searched = [row.title, row.id, row.authors, row.backbone, row.prompt, row.track, row.kind].join(" ").toLowerCase();
    });
    const ranked = standing.rows.filter((row) => !row.withdrawn);
    standing.scales = standing.columns.map((_, place) => board.span(ranked.map((row) => row.read[place])));
    standing.prepared = true;
    return standing;
  };

  // A cell: value, where it lies, interval, rank and group; or why there is nothing.
  board.cell = (number, scale) => {
    if (number.value === undefined) return h("td.none", {}, board.missing(number.reason));
    const group = number.group && h(`span.group-mark.g${((number.group - 1) % 6) + 1}`, { "data-tip": `group ${number.group}: it cannot be told apart from the best of that group` }, h("span.sr", {}, "group "), String(number.group));
    return h("td.n", {}, h("div.lazy", {},
      h("span.value", {}, h("strong", {}, board.number(number.value)), group),
      board.bar(number, scale),
      h("small", {}, board.interval(number.low, number.high)),
      h("small", {}, board.ranks(number))));
  };

  board.missing = (reason) => h("span.why", { tabindex: "0", "data-tip": reason }, board.NOTHING, h("span.sr", {}, ` no value: ${reason}`));

  // Orders rows by a value that may be missing, which is last either way.
  board.order = (rows, value, descending) => {
    const sign = descending ? -1 : 1;
    const compare = (x, y) => (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en"));
    const lacks = (each) => each === null || each === undefined;
    return [...rows].map((row) => [row, value(row)]).sort(([one, x], [other, y]) =>
      lacks(x) || lacks(y) ? lacks(x) - lacks(y) || one.place - other.place : sign * compare(x, y) || one.place - other.place).map(([row]) => row);
  };
}
