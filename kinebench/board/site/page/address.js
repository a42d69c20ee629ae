"use strict";
// What is shown, in the address after #: a link to it shows the same.
{
  board.read = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

  board.hash = (values) => {
    const kept = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
    const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
    return text.replaceAll("%40", "@").replaceAll("%2C", ",");
  };

  let own = "";
  board.write = (values) => {
    const text = board.hash(values);
    if (text === location.hash.slice(1)) return;
    own = text;
    history.replaceState(null, "", text ? `#${text}` : location.href.split("#")[0]);
  };

  // A link that was followed or typed on this very page.
  board.moved = (heard) => addEventListener("hashchange", () => { if (location.hash.slice(1) !== own) heard(); });
}
