"use strict";
// Tables of a paper: as printed, in their order, without rank or interval.
{
  const { h } = board;

  board.reported = async (heads) => {
    const tables = await Promise.all(heads.map((head) => board.load(`${head.id}/table`)));
    return tables.map((table) => {
      const columns = table.columns.map((column) =>
        h("th.n", { scope: "col" }, h("span.metric", {}, column.label), h("small", {}, `${board.ARROWS[column.better]} ${column.better}`)));
      const rows = table.rows.map((row) =>
        h("tr", {}, h("th.first", { scope: "row" }, board.foreign(row.title)),
          row.numbers.map((told) => {
            const number = board.unpack(told, table.reasons);
            return number.value === undefined ? h("td.none", {}, board.missing(number.reason)) : h("td.n", {}, board.printed(number.value));
          })));
      const sources = [...new Set(table.rows.map((row) => row.source).filter(Boolean))];
      const files = ["csv", "json"].map((kind, i) => [i ? ", " : "Download: ", h("a", { href: `tables/${encodeURIComponent(table.id)}.${kind}`, download: true }, kind.toUpperCase())]);
      return h("figure.paper", {},
        h("figcaption", {}, h("strong", {}, table.title), " ", h("span.badge.reported", {}, "reported"), h("small", {}, table.dataset)),
        h("div.scroll", { tabindex: "0", role: "region", "aria-label": table.title },
          h("table", {}, h("thead", {}, h("tr", {}, h("th.first", { scope: "col" }, "Row"), columns)), h("tbody", {}, rows))),
        h("p.notes", {}, sources.map((source) => [board.foreign(source), ". "]), h("span.files", {}, files, ".")));
    });
  };
}
