"""Mixing sRGB colours over an image."""

import numpy as np

from kinebench.textures.canvas import Image, Parts

Colour = tuple[float, float, float]  # sRGB in 0..1
Palette = tuple[Colour, ...]


def mix(a: Image | Colour, b: Image | Colour, share: Image) -> Image:
    """`a` where `share` is 0, `b` where it is 1; (H, W, 3)."""
    first, second = np.asarray(a, np.float32), np.asarray(b, np.float32)
    return np.asarray(first + (second - first) * share[..., None], np.float32)


def plain(colour: Colour, like: Image) -> Image:
    """One colour over the whole of an image shaped `like`, (H, W, 3)."""
    return np.broadcast_to(np.asarray(colour, np.float32), (*like.shape[:2], 3))


def darker(colour: Colour, gain: float) -> Colour:
    """A colour times `gain`."""
    return colour[0] * gain, colour[1] * gain, colour[2] * gain


def ramp(palette: Palette, position: Image) -> Image:
    """Run through the palette as `position` goes from 0 to 1; (H, W, 3)."""
    colours = np.asarray(palette, np.float32)
    at = np.linspace(0.0, 1.0, len(colours), dtype=np.float32)
    return np.stack([np.interp(position, at, colours[:, c]).astype(np.float32) for c in range(3)], axis=-1)


def shade(colour: Image, gain: Image) -> Image:
    """Multiply every channel by `gain` (H, W)."""
    return np.asarray(colour * gain[..., None], np.float32)


def per_piece(
    palette: Palette, parts: Parts, rng: np.random.Generator, spread: float = 0.0, light: float = 0.0
) -> Image:
    """One colour for each part: a palette entry, moved by up to `spread` of the way to another, its brightness varied.

    `light` is the largest relative change of brightness; the result is (H, W, 3).
    """
    count = parts.count
    colours = np.asarray(palette, np.float32)
    first = colours[rng.integers(0, len(colours), count)]
    second = colours[rng.integers(0, len(colours), count)]
    pieces = first + (second - first) * (rng.random((count, 1)) * spread)
    pieces = pieces * (1.0 + light * rng.uniform(-1.0, 1.0, (count, 1)))
    return np.asarray(np.clip(pieces, 0.0, 1.0), np.float32)[parts.ident]
