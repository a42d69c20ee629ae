"""What a pattern draws on, and what it hands back."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]  # (H, W) or (H, W, 3)
Labels = NDArray[np.int32]  # (H, W)


@dataclass(frozen=True)
class Canvas:
    """A square that repeats in both directions. x runs to the right, y runs down, both in metres from 0 to `tile_m`."""

    pixels: int
    tile_m: float
    name: str  # what every random draw on this canvas is seeded from

    @property
    def texel_m(self) -> float:
        """Edge of one pixel on the ground."""
        return self.tile_m / self.pixels

    def rng(self, layer: str) -> np.random.Generator:
        """The generator of one named layer, so that a new layer never changes the draws of another."""
        digest = hashlib.sha256(f"{self.name}/{layer}".encode()).digest()
        return np.random.default_rng(np.random.SeedSequence(int.from_bytes(digest[:16], "big")))

    def coordinates(self) -> tuple[Image, Image]:
        """Pixel centres (x, y) in metres, each (H, W)."""
        centres = ((np.arange(self.pixels) + 0.5) * self.texel_m).astype(np.float32)
        x, y = np.meshgrid(centres, centres)
        return x, y


class Parts(Protocol):
    """A canvas cut into numbered parts."""

    @property
    def ident(self) -> Labels:
        """Which part each pixel lies in, (H, W) in 0..count-1."""

    @property
    def count(self) -> int:
        """How many parts there are."""


def each(rng: np.random.Generator, low: float, high: float, parts: Parts) -> Image:
    """One uniform draw for every part, at each of its pixels, (H, W)."""
    return np.asarray(rng.uniform(low, high, parts.count), np.float32)[parts.ident]


@dataclass(frozen=True)
class Surface:
    """What a ground looks like, before it is coded into maps."""

    colour: Image  # (H, W, 3) sRGB in 0..1
    height_m: Image  # (H, W); only differences count
    roughness: Image  # (H, W) in 0..1
