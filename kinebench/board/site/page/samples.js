"use strict";
// A row's clips: a list to sort, and pictures of the best and the worst.
{
  const { h } = board;
  const ENDS = 3;

  const address = (standing, row, key, frame) => `${board.root}compare.html#${board.hash({ standing: standing.id, a: row.id, sample: key, frame })}`;

  // A sortable table of all clips, by the named columns.
  board.clipTable = (standing, row, keys, samples, columns) => {
    const lines = keys.map((key, place) => ({ key, place }));
    const value = (name) => (name === "clip" ? (line) => line.place : (line) => samples[name][line.place]);
    const body = h("tbody");
    for (const line of lines) line.element = h("tr", {},
      h("th.first", { scope: "row" }, h("a", { href: address(standing, row, line.key) }, line.key)),
      columns.map((column) => h("td.n", {}, board.number(samples[column.name][line.place]))));
    const head = (name, words, tip) => h(name === "clip" ? "th.first" : "th.n", { scope: "col", "aria-sort": "none" },
      h("button", { type: "button", "data-sort": name, "data-tip": tip }, words, h("span.mark", { "aria-hidden": "true" })));
    const heads = h("tr", {}, head("clip", "Clip"), columns.map((column) => head(column.name, `${board.ARROWS[column.better]} ${column.label}`, `${column.what}; ${board.direction(column)}`)));
    const state = { sort: "clip", down: false };

    function arrange() {
      body.append(...board.order(lines, value(state.sort), state.down).map((line) => line.element));
      for (const button of heads.querySelectorAll("button")) {
        const on = button.dataset.sort === state.sort;
        button.parentNode.setAttribute("aria-sort", on ? (state.down ? "descending" : "ascending") : "none");
        button.lastChild.textContent = on ? (state.down ? "\u25bc" : "\u25b2") : "";
      }
    }

    heads.addEventListener("click", (event) => {
      const name = event.target.closest("[data-sort]")?.dataset.sort;
      if (!name) return;
      state.down = name === state.sort ? !state.down : columns.find((column) => column.name === name)?.better === "lower";
      state.sort = name;
      arrange();
    });
    arrange();
    return h("div.scroll.tall.short", { tabindex: "0", role: "region", "aria-label": "Scores of each clip" },
      h("table.clips", {}, h("caption.sr", {}, "Scores of each clip, mean over seeds; the worst first when a metric is pressed"), h("thead", {}, heads), body));
  };

  // Three clips at either end of a column, each with a frame of the truth and of the row's video.
  board.ends = (standing, row, told, clips, column, columns) => {
    const values = told.samples[column.name] ?? [];
    const known = clips.clips.map((key, place) => ({ key, place })).filter((line) => typeof values[line.place] === "number");
    const ordered = board.order(known, (line) => values[line.place], column.better === "higher");
    const count = Math.min(ENDS, Math.floor(ordered.length / 2));
    const side = (title, lines) => h("section", {}, h("h4", {}, title, h("small", {}, " last frame: the truth, and below it this method")), h("div.ends", {}, lines.map((line) => one(line))));
    const frame = standing.frames - 1;

    function one(line) {
      const film = board.filmOf(told, row.seeds[0], line.place, standing.frames);
      const truth = clips.truths[line.place];
      const picture = (name, made, words) => {
        const canvas = h("canvas", { width: 3, height: 2, role: "img", "aria-label": words });
        if (!made) return h("span.nothing", {}, film.why ?? "no film here");
        board.picture(name).then((image) => board.paint(canvas, image, made.count, board.frameOf(made, frame), columns), () => canvas.replaceWith(h("span.nothing", {}, "the film cannot be read")));
        return canvas;
      };
      const none = !truth && !film.name && h("span.nothing", {}, film.why);
      return h("a.end", { href: address(standing, row, line.key, frame) },
        h("span.two", {}, none || [picture(truth, truth && { count: standing.frames }, "ground truth, last frame"), picture(film.name, film.name && film, "this method, last frame")]),
        h("span.words", {}, h("strong", {}, board.number(values[line.place])), h("small", {}, line.key)));
    }
    return count ? h("div.bothends", {}, side("Best clips", ordered.slice(0, count)), side("Worst clips", ordered.slice(-count).reverse())) : null;
  };
}
