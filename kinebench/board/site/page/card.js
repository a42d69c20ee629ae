"use strict";
// A statement as its authors wrote it, whole, section by section.
{
  const { h } = board;
  const SECTIONS = {
    __proto__: null,  // a stranger's key may have any name
    method: "Method", model: "Model", inference: "How videos were made", cost: "What it took",
    dataset: "Ground truth", environment: "Environment", videos: "Videos",
  };
  const NAMES = {
    __proto__: null,
    memory_gb: "memory, GB", seconds_per_sample: "seconds a sample", code_revision: "revision of the code",
    best_of: "best of", recipe_sha256: "recipe", manifest_sha256: "manifest", sha256: "SHA-256", fps: "frames a second",
    where: "from", python: "Python", uses: "is told",
  };
  const LONG = 12, SHORT = 5;  // more entries are folded away; fewer stand in one line

  const named = (key) => NAMES[key] ?? key.replaceAll("_", " ");
  const flat = (value) => value === null || typeof value !== "object";

  function text(value) {
    if (value === null || value === undefined || value === "") return h("span.soft", {}, "not stated");
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value === "number") return value >= 1e5 ? value.toLocaleString("en") : String(value);
    if (/^[0-9a-f]{32,}$/.test(value)) return h("code", {}, value);
    return board.link(value);
  }

  function list(values) {
    if (!values.length) return h("span.soft", {}, "none");
    if (values.every(flat)) return values.map((value, i) => [i ? ", " : "", text(value)]);
    return folded(values.length, h("ul", {}, values.map((value) => h("li", {}, shown(value)))));
  }

  function folded(count, inner) {
    return count > LONG ? h("details", {}, h("summary", {}, `${count} entries`), inner) : inner;
  }

  function shown(value) {
    if (flat(value)) return text(value);
    if (Array.isArray(value)) return list(value);
    const entries = Object.entries(value);
    if (entries.length && entries.length <= SHORT && entries.every(([, each]) => flat(each))) return line(entries);
    return entries.length ? folded(entries.length, facts(entries)) : h("span.soft", {}, "none");
  }

  const line = (entries) => entries.map(([key, value], i) => [i ? ", " : "", h("span.key", {}, `${named(key)} `), text(value)]);

  // Names and values; what holds more values stands below its name, with all the width.
  const facts = (entries) => h("dl", {}, entries.map(([key, value]) => {
    const deep = !flat(value) && !Array.isArray(value) && Object.values(value).some((each) => !flat(each));
    return h(deep ? "div.deep" : "div", {}, h("dt", {}, named(key)), h("dd", {}, shown(value)));
  }));

  // All of a statement; unknown sections come last, under their own names.
  board.card = (statement) => {
    const known = Object.keys(SECTIONS).filter((key) => Object.hasOwn(statement, key));
    const other = Object.entries(statement).filter(([key]) => !(key in SECTIONS));
    const loose = other.filter(([, value]) => flat(value)), more = other.filter(([, value]) => !flat(value));
    const part = (title, value) => h("section.card", {}, h("h3", {}, title), flat(value) || Array.isArray(value) ? shown(value) : facts(Object.entries(value)));
    return h("div.cards", {},
      known.map((key) => part(SECTIONS[key], statement[key])),
      more.map(([key, value]) => part(named(key), value)),
      loose.length > 0 && part("The statement", Object.fromEntries(loose)));
  };
}
