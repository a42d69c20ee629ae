"use strict";
// Elements and their texts. Text is always text: nothing that a stranger wrote is read as HTML.
{
  function fill(made, given, children) {
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined || value === null || value === false) continue;
      if (name === "on") for (const [event, heard] of Object.entries(value)) made.addEventListener(event, heard);
      else if (name === "style") for (const [rule, text] of Object.entries(value)) made.style.setProperty(rule, text);
      else made.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat(3)) if (child !== undefined && child !== null && child !== false) made.append(child);
    return made;
  }

  // h("td.n", {title: "..."}, "text", child, ...)
  board.h = (tag, given = {}, ...children) => {
    const [name, ...classes] = tag.split(".");
    const made = document.createElement(name);
    if (classes.length) made.className = classes.join(" ");
    return fill(made, given, children);
  };

  board.svg = (tag, given = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), given, children);

  // Children in place of those that are there; what is missing is left out.
  board.put = (place, ...children) => { place.textContent = ""; fill(place, {}, children); };

  // What a stranger wrote, apart from the direction of the text beside it.
  board.foreign = (text) => board.h("bdi", {}, String(text));

  // The address if it is one of the web, else undefined.
  board.web = (text) => {
    if (typeof text !== "string" || !/^https?:\/\//i.test(text)) return undefined;
    try {
      const url = new URL(text);
      return url.protocol === "https:" || url.protocol === "http:" ? url.href : undefined;
    } catch { return undefined; }
  };

  // A link that leaves the site, or the bare text of what is no address of the web.
  board.link = (address, words = address) => {
    const href = board.web(address);
    return href ? board.h("a", { href, rel: "noopener noreferrer nofollow", target: "_blank" }, board.foreign(words)) : board.foreign(words);
  };

  board.counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

  board.at = (id) => document.getElementById(id);

  // Options of a select: [value, words] or {label, options}; keeps the choice where it is still there.
  board.options = (select, entries, chosen) => {
    const option = ([value, words]) => board.h("option", { value }, words);
    board.put(select, ...entries.map((entry) =>
      Array.isArray(entry) ? option(entry) : board.h("optgroup", { label: entry.label }, entry.options.map(option))));
    select.value = chosen;
  };
}
