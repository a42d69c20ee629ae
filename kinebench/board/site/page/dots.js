"use strict";
// All rows of a column, in order, as dots with their intervals.
{
  const { h } = board;

  board.dots = (place, standing, name, rows, chosen) => {
    const column = standing.columns.findIndex((each) => each.name === name), told = standing.columns[column];
    const there = rows.filter((row) => row.read[column].value !== undefined);
    const ordered = board.order(there, (row) => row.read[column].value, told.better === "higher");
    const scale = board.span(ordered.map((row) => row.read[column]));
    const axis = h("div.axis", { "aria-hidden": "true" }, scale.ticks.map((tick) =>
      h("span", { style: { left: `${100 * scale.at(tick)}%` } }, board.tick(tick))));
    const lines = ordered.map((row) => {
      const number = row.read[column];
      return h("li", chosen.includes(row.id) ? { class: "picked" } : {},
        h("a.name", { href: board.methodPage(row.id) }, board.foreign(row.title), row.track === "privileged" && h("small", {}, " privileged")),
        h("div.track", {}, board.bar(number, scale)),
        h("span.words", {}, board.number(number.value), number.group && h("span.which", {}, `, group ${number.group}`), h("span.sr", {}, number.low === undefined ? "" : `, from ${board.interval(number.low, number.high)}, ${board.ranks(number)}`)));
    });
    const grid = scale.ticks.map((tick) => h("i", { style: { left: `${100 * scale.at(tick)}%` } }));
    board.put(place, 
      h("div.dots", {},
        h("div.grid", { "aria-hidden": "true" }, h("div.track", {}, grid)),
        h("div.head", {}, h("span"), axis, h("span")),
        h("ol", {}, lines)));
    const lacking = rows.length - there.length;
    return [
      `${told.label}${told.unit ? ` in ${told.unit}` : ""}: ${told.what}; ${told.better} is better, the best above.`,
      scale.log && " The axis is logarithmic.",
      lacking && ` ${lacking} of the rows above ${lacking === 1 ? "has" : "have"} no value here.`,
    ].filter(Boolean).join("");
  };
}
