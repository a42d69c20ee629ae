// The same numbers as kinebench/photo and annotate/velocity.py; a test holds them to each other.

export const GRAVITY_MPS2 = 9.81;
export const SHORTEST_PX = 2;

// A camera that looks along the world's y: what is needed of photo/camera.py's View.
export function camera(view, [width, height]) {
  const pitch = (view.pitch_deg * Math.PI) / 180;
  const focal = width / 2 / Math.tan((view.field_of_view_deg * Math.PI) / 360);
  return { width, height, focal, sine: Math.sin(pitch), cosine: Math.cos(pitch), up: view.height_m };
}

// Where the ground lies that is seen at a pixel, `above` metres over it: x right, y away; null at the horizon and above.
export function groundPlace(eye, [x, y], above) {
  const across = (x - eye.width / 2) / eye.focal, down = (y - eye.height / 2) / eye.focal;
  const rise = -eye.sine - eye.cosine * down, below = above - eye.up;
  if (below * rise <= 0) return null;
  const depth = below / rise;
  return [depth * across, depth * (eye.cosine - eye.sine * down)];
}

// The pixel of a place on the ground; null behind the camera.
export function project(eye, [x, y], above) {
  const z = above - eye.up, depth = eye.cosine * y - eye.sine * z;
  if (depth < 0.1) return null;
  const down = -eye.sine * y - eye.cosine * z;
  return [(eye.focal * x) / depth + eye.width / 2, (eye.focal * down) / depth + eye.height / 2];
}

export function horizon(eye) {
  return eye.height / 2 - (eye.focal * eye.sine) / eye.cosine;
}

// As photo/arrow.py: until friction stops it, or until the time is over.
export function firstSpeed(length, friction, seconds) {
  const slowing = friction * GRAVITY_MPS2;
  if (slowing * seconds ** 2 >= 2 * length) return Math.sqrt(2 * slowing * length);
  return length / seconds + (slowing * seconds) / 2;
}

// First velocity [x, y] in m/s, ground frame, and metres on the ground; null if the arrow has none.
export function motion([x0, y0, x1, y1], eye, facts, speed) {
  if (Math.hypot(x1 - x0, y1 - y0) < SHORTEST_PX) return null;
  const tail = groundPlace(eye, [x0, y0], facts.height_m), head = groundPlace(eye, [x1, y1], facts.height_m);
  if (!tail || !head) return null;
  const way = [head[0] - tail[0], head[1] - tail[1]], length = Math.hypot(...way);
  const fast = speed ?? firstSpeed(length, facts.friction, (facts.frames - 1) / facts.fps);
  const round = (value) => Math.round(value * 1e6) / 1e6 + 0;
  return { velocity: way.map((part) => round((part / length) * fast)), length, speed: fast };
}

// RGB of a velocity: hue by direction, brightness by speed. annotate/velocity.picture.
export function picture([x, y], most) {
  const speed = Math.hypot(x, y);
  if (speed === 0) return [0, 0, 0];
  const turn = Math.atan2(y, x) / (2 * Math.PI), bright = Math.min(speed / most, 1);
  return [0, 2 / 3, 1 / 3].map((shift) => {
    const hue = Math.min(Math.max(Math.abs(((((turn + shift) % 1) + 1) % 1) * 6 - 3) - 1, 0), 1);
    return Math.round(255 * bright * hue);
  });
}

export function brighter(level) {
  return Math.floor(Math.sqrt(255 * level));
}

// Masks that do not overlap: a pixel belongs to the first that claims it. photo/animate.apart.
export function owners(masks, size) {
  const out = new Int16Array(size).fill(-1);
  masks.forEach((mask, number) => {
    for (let i = 0; i < size; i++) if (mask[i] && out[i] < 0) out[i] = number;
  });
  return out;
}

// The velocity mask over the dimmed photo, in place: RGBA `pixels`; colours by owner, null for those that stand.
export function paint(pixels, owner, colours) {
  for (let i = 0; i < owner.length; i++) {
    const colour = owner[i] >= 0 ? colours[owner[i]] : null;
    for (let c = 0; c < 3; c++) {
      const photo = pixels[4 * i + c];
      pixels[4 * i + c] = colour ? (brighter(colour[c]) * 6 + photo * 2) >> 3 : Math.floor((photo * 9) / 20);
    }
  }
}

// Masks as the server reads them: eight pixels a byte, the first highest, in base64.
export function packed(mask) {
  let text = "";
  for (let i = 0; i < mask.length; i += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte = (byte << 1) | mask[i + bit];
    text += String.fromCharCode(byte);
  }
  return btoa(text);
}

export function unpacked(text) {
  const bytes = atob(text), mask = new Uint8Array(bytes.length * 8);
  for (let i = 0; i < mask.length; i++) mask[i] = (bytes.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1;
  return mask;
}
