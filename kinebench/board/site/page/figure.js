"use strict";
// Numbers for people, and where they lie on an axis.
{
  const formats = [0, 1, 2, 3].map((digits) =>
    new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  const MINUS = "\u2212";
  board.NOTHING = "\u2013";
  board.HIDDEN = "A season that runs: scores of single clips and the ground truth are shown after its reveal.";
  board.ARROWS = { lower: "\u2193", higher: "\u2191" };

  // About four digits.
  board.number = (value, signed = false) => {
    if (value === null || value === undefined) return board.NOTHING;
    const size = Math.abs(value);
    const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
    const text = size > 0 && size < 0.0005 ? size.toExponential(1) : formats[digits].format(size);
    return (value < 0 && Number(text) !== 0 ? MINUS : signed && value > 0 ? "+" : "") + text;
  };

  // With the digits that a paper prints.
  board.printed = (value) => (value < 0 ? MINUS : "") + formats[Math.abs(value) >= 1 ? 1 : 3].format(Math.abs(value));

  board.interval = (low, high, signed = false) =>
    low === null || low === undefined ? "" : `${board.number(low, signed)} to ${board.number(high, signed)}`;

  board.probability = (p) => (p < 0.001 ? "<\u00a00.001" : p.toFixed(p < 0.1 ? 3 : 2));

  board.many = (count) => {
    if (typeof count !== "number") return count ?? board.NOTHING;
    for (const [size, unit] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]])
      if (count >= size) return `${(count / size).toFixed(count < 10 * size ? 1 : 0)} ${unit}`;
    return String(count);
  };

  board.direction = (column) => `${column.unit ? `${column.unit}, ` : ""}${column.better} is better`;

  // [value, low, high, n, best rank, worst rank, group] by name.
  board.unpack = (told, reasons) => {
    if (!told) return { reason: "not computed" };
    if (told.length === 1) return { reason: reasons[told[0]] };
    const [value, low, high, n, first, last, group] = told;
    return { value, low, high, n, first, last, group };
  };

  board.ranks = (number) => {
    if (number.first === undefined || number.first === null) return "";
    return number.first === number.last ? `rank ${number.first}` : `rank ${number.first}\u2013${number.last}`;
  };

  // An axis over numbers: logarithmic if they span much; unless `whole`, no longer than the middle half and three times
  // its length on either side.
  board.scale = (values, whole = false) => {
    const sorted = values.filter((value) => typeof value === "number").sort((x, y) => x - y);
    if (!sorted.length) return { at: () => 0, log: false, ticks: [], cut: () => false };
    const log = sorted[0] > 0 && sorted.at(-1) / sorted[0] > 50;
    const place = log ? (value) => (value > 0 ? Math.log10(value) : -Infinity) : (value) => value;  // a withdrawn row may be below
    const quarter = (share) => place(sorted[Math.round((sorted.length - 1) * share)]);
    const reach = whole ? Infinity : 3 * (quarter(0.75) - quarter(0.25)) || Infinity;
    let low = Math.max(place(sorted[0]), quarter(0.25) - reach), high = Math.min(place(sorted.at(-1)), quarter(0.75) + reach);
    if (high === low) [low, high] = [low - (Math.abs(low) * 0.1 || 0.5), high + (Math.abs(high) * 0.1 || 0.5)];
    const room = (high - low) * 0.03;
    const [from, to] = [low - (sorted[0] === 0 && low === 0 ? 0 : room), high + room];
    const at = (value) => Math.min(Math.max((place(value) - from) / (to - from), 0), 1);
    const inside = (value) => place(value) >= from && place(value) <= to;
    const ticks = (log ? powers(from, to) : steps(from, to)).filter(inside);
    return { at, log, ticks, cut: (value) => !inside(value) };
  };

  function steps(from, to) {
    const rough = (to - from) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => power * factor >= rough);
    const out = [];
    for (let i = Math.ceil(from / step); i * step <= to; i++) out.push(Number((i * step).toPrecision(12)));
    return out;
  }

  function powers(from, to) {
    const factors = to - from > 2.5 ? [1] : to - from > 1.2 ? [1, 3] : [1, 2, 5], out = [];
    for (let power = Math.floor(from); power <= to; power++) for (const factor of factors) out.push(Number((factor * 10 ** power).toPrecision(3)));
    return out;
  }

  board.tick = (value) => new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(value).replace("-", MINUS);
}
