"use strict";
// Films: all frames of a video as one picture, of which a player shows one. A video would seek to where it likes.
{
  const { h } = board;
  const KEPT = 40, kept = new Map();

  // A picture, decoded; the last ones are kept.
  board.picture = (name) => {
    const found = kept.get(name) ?? (async () => {
      const image = new Image();
      image.src = board.filmPath(name);
      await image.decode();
      return image;
    })();
    kept.delete(name);
    kept.set(name, found);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    return found;
  };

  const before = (moments, frame) => Math.max(moments.findLastIndex((moment) => moment <= frame), 0);

  // Which of a film's frames is shown at a frame of the clip: the same, or the nearest before it that there is.
  board.frameOf = (film, frame) => {
    if (film.shown) return before(film.shown, frame);
    return Math.min(film.moments ? film.moments[before(film.moments, frame)] : frame, film.count - 1);
  };

  // Frame `place` of a sheet of `count` frames, in columns; coarse pixels stay sharp where they are much enlarged.
  board.paint = (canvas, image, count, place, columns) => {
    const width = image.naturalWidth / columns, height = image.naturalHeight / Math.ceil(count / columns);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.classList.toggle("coarse", canvas.width * 1.8 < canvas.clientWidth * devicePixelRatio);
    const x = (place % columns) * width, y = Math.floor(place / columns) * height;
    canvas.getContext("2d").drawImage(image, x, y, width, height, 0, 0, width, height);
  };

  const screen = (words) => h("canvas", { width: 3, height: 2, role: "img", "aria-label": words });

  // One film; or two, of which the difference is shown.
  board.player = (name, words, columns, layers = 1) => {
    const canvases = Array.from({ length: layers }, (_, i) => screen(i ? "" : words));
    if (layers > 1) canvases[1].setAttribute("aria-hidden", "true");
    const note = h("p.note", { hidden: true }), under = h("p.under"), head = h("figcaption");
    const stack = h("div.stack", {}, canvases);
    const element = h(`figure.player.${name}`, {}, head, h("div.screen", {}, stack, note), under);
    let films = [], images = [];

    return {
      element, head, stack,
      // Films with their pictures, or why there is none.
      show(found, pictures, why) {
        [films, images] = [found, pictures];
        const there = found.length === layers && pictures.every(Boolean);
        note.textContent = there ? "" : why ?? "the film cannot be read";
        note.hidden = there;
        stack.hidden = !there;
        if (!there) films = [];
      },
      at(frame) {
        under.textContent = "";
        films.forEach((film, i) => {
          const place = board.frameOf(film, frame);
          board.paint(canvases[i], images[i], film.count, place, columns);
          canvases[i].dataset.frame = film.shown ? film.shown[place] : place;
          if (film.shown && film.shown.length && layers === 1) {
            const own = film.shown[place];
            under.textContent = `its frame ${place + 1} of ${film.count}, of the clip's frame ${own + 1}${own === frame ? "" : ": the nearest before it"}`;
          }
        });
      },
    };
  };

  // Of a row's seed and clip: the film, or why there is none.
  board.filmOf = (row, seed, clip, frames) => {
    const names = row.films[seed];
    if (!names) return { why: "no seed of that number" };
    const name = names[clip];
    if (!name) return { why: name === 0 ? "no film here: the site was built without it" : "no video of this clip: it counts as the worst case" };
    const whole = !row.shown.length || row.shown.length === frames;
    return { name, count: row.shown.length || frames, shown: whole ? null : row.shown };
  };
}
