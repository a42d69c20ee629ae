"use strict";
// Data of the site: scripts that call board.data, since from a file's address nothing else may be read.
{
  const root = document.documentElement.dataset.root, asked = new Map(), waiting = new Map();

  board.root = root;
  board.data = (name, text) => waiting.get(name)?.(JSON.parse(text));

  board.load = (name) => {
    if (!asked.has(name)) asked.set(name, new Promise((resolve, reject) => {
      waiting.set(name, resolve);
      const fail = () => reject(new Error(`data/${name}.js cannot be read: the site is not whole. Build it again, or copy all of its folder.`));
      const src = `${root}data/${name.split("/").map(encodeURIComponent).join("/")}.js`;
      document.head.append(board.h("script", { src, on: { error: fail } }));
    }));
    return asked.get(name);
  };

  board.fail = (error) => {
    const place = board.at("fault");
    place.textContent = error.message;
    place.hidden = false;
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
  };

  board.named = (one) => {
    if (one.metrics === null) return one.title;
    return `${one.dataset} ${one.version}, ${one.split}, metrics ${one.metrics}`;
  };

  board.methodPage = (id) => `${root}m/${encodeURIComponent(id)}.html`;
  board.filmPath = (name) => `${root}films/${name.slice(0, 2)}/${name}.webp`;
}
