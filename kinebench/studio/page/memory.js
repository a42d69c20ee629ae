// What a page that is loaded again shows as before: in this tab alone, and for as long as the tab is there.

import * as formula from "./formula.js";

const NAME = "kinebench studio";

export function keep(page, words) {
  const objects = page.objects.map((each) => ({
    mask: formula.packed(each.mask), arrow: each.arrow, speed: each.speed, name: each.name,
  }));
  const { photo, view, flow, grid } = page;
  const plain = { photo: photo.photo, view, flow, grid, objects, selected: page.objects.indexOf(page.selected), words };
  try {
    sessionStorage.setItem(NAME, JSON.stringify(plain));
  } catch { /* no room: it is only a convenience */ }
}

export function kept() {
  try {
    const plain = JSON.parse(sessionStorage.getItem(NAME));
    return plain && { ...plain, objects: plain.objects.map((each) => ({ ...each, mask: formula.unpacked(each.mask) })) };
  } catch {
    return null;
  }
}
