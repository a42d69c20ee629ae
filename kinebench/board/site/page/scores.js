"use strict";
// What two rows score on one clip, and by how much they differ over all.
{
  const { h } = board;

  const better = (column, x, y) => {
    if (typeof x !== "number" || typeof y !== "number" || x === y) return "";
    return (x < y) === (column.better === "lower") ? "a" : "b";
  };

  const value = (mine, won) => h(`td.n${won ? ".won" : ""}`, {}, typeof mine === "number" ? board.number(mine) : board.NOTHING, won && h("span.sr", {}, " better"));

  function over(column, rows, data) {
    const pair = data.a?.pairs[column.name]?.find(([place]) => place === rows.b?.place);
    if (!pair) return h("td.n", {}, h("small", {}, rows.b ? "no test of these two" : ""));
    const [, difference, low, high, p] = pair;
    const clear = p < 0.05, side = (difference < 0) === (column.better === "lower") ? "A" : "B";
    return h("td.n", {}, board.number(difference, true), h("small", {}, board.interval(low, high, true)),
      h("small", {}, clear ? h("b", {}, `${side} is better`) : "not clear", `, p\u00a0${p < 0.001 ? "" : "=\u00a0"}${board.probability(p)}`));
  }

  // A table of the columns: this clip's values, and the difference over all clips.
  board.scores = (key, columns, rows, data, clip) => {
    const of = (side, column) => data[side]?.samples[column.name]?.[clip];
    const lines = columns.map((column) => {
      const [x, y] = [of("a", column), of("b", column)];
      const won = better(column, x, y);
      return h("tr", {},
        h("th", { scope: "row" }, `${board.ARROWS[column.better]} ${column.label}`, column.unit && h("small", {}, column.unit)),
        column.scope === "clip" ? [value(x, won === "a"), value(y, won === "b")] : h("td.n", { colspan: 2 }, h("small", {}, column.scope === "set" ? "of all clips only" : "of groups of clips only")),
        over(column, rows, data));
    });
    const letter = (name) => h(`b.letter.${name.toLowerCase()}`, {}, name);
    return h("table.scores", {},
      h("caption", {}, h("strong", {}, key), ", mean over seeds"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Metric"), h("th.n", { scope: "col" }, letter("A")), h("th.n", { scope: "col" }, letter("B")), h("th.n", { scope: "col" }, "A \u2212 B, all clips"))),
      h("tbody", {}, lines));
  };
}
