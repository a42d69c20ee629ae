"use strict";
// A metric over all clips: dots of A, rings of B, a line at the clip that is shown.
{
  const { h, svg } = board;
  const HEIGHT = 168, LEFT = 58, RIGHT = 10, TOP = 10, BOTTOM = 34;

  // One plot; `go(clip)` is called where it is pressed. Returns the element and `mark(clip)`.
  board.scatter = (column, a, b, count, width, go) => {
    const values = [...(a ?? []), ...(b ?? [])];
    const scale = board.scale(values, true);
    const x = (clip) => LEFT + ((clip + 0.5) / count) * (width - LEFT - RIGHT), y = (value) => TOP + (1 - scale.at(value)) * (HEIGHT - TOP - BOTTOM);
    const known = (list, clip) => typeof list?.[clip] === "number";
    const clips = Array.from({ length: count }, (_, clip) => clip);
    const every = count <= 12 ? 1 : count <= 60 ? 10 : 20;
    const present = svg("line", { class: "present", y1: TOP - 6, y2: HEIGHT - BOTTOM });
    const picture = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": `${column.label} of each clip` },
      scale.ticks.map((tick) => [
        svg("line", { class: "rule", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
        svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, board.tick(tick)),
      ]),
      clips.filter((clip) => clip === 0 || (clip + 1) % every === 0).map((clip) =>
        svg("text", { x: x(clip), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, String(clip + 1))),
      svg("text", { x: (LEFT + width - RIGHT) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, "clip"),
      present,
      clips.filter((clip) => known(a, clip) && known(b, clip)).map((clip) => {
        const side = a[clip] === b[clip] ? "" : (a[clip] < b[clip]) === (column.better === "lower") ? "a" : "b";
        return svg("line", { class: `link ${side}`, x1: x(clip), x2: x(clip), y1: y(a[clip]), y2: y(b[clip]) });
      }),
      clips.filter((clip) => known(b, clip)).map((clip) => svg("circle", { class: "b", cx: x(clip), cy: y(b[clip]), r: 3.2 })),
      clips.filter((clip) => known(a, clip)).map((clip) => svg("circle", { class: "a", cx: x(clip), cy: y(a[clip]), r: 2.8 })));
    picture.addEventListener("click", (event) => {
      const at = (event.clientX - picture.getBoundingClientRect().left) * (width / picture.getBoundingClientRect().width);
      const clip = Math.floor(((at - LEFT) / (width - LEFT - RIGHT)) * count);
      if (clip >= 0 && clip < count) go(clip);
    });
    const said = `${board.direction(column)}${scale.log ? "; logarithmic" : ""}`;
    const element = h("figure.plot", {}, h("figcaption", {}, h("strong", {}, `${board.ARROWS[column.better]} ${column.label}`), h("small", {}, said)), picture);
    return { element, mark: (clip) => { for (const end of ["x1", "x2"]) present.setAttribute(end, x(clip)); } };
  };
}
