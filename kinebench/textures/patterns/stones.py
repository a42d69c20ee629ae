"""Loose stones: gravel and pebbles."""

from dataclasses import dataclass

import numpy as np

from kinebench.textures.canvas import Canvas, Image, Surface, each
from kinebench.textures.cells import worley
from kinebench.textures.colour import Palette, mix, per_piece, ramp, shade
from kinebench.textures.noise import double, fractal, halve, rank, smoothstep
from kinebench.textures.stamps import Print, Stamps, lay


@dataclass(frozen=True)
class Gravel:
    """Crushed stone: angular pieces of several sizes."""

    palette: Palette
    dust: Palette  # the fine grains between the stones
    stone_mm: float = 42.0  # the coarsest pieces
    fill: float = 0.8  # share of each layer's pieces that is there
    flat: float = 0.5  # how level their tops are, 0..1
    roughness: float = 0.8


@dataclass(frozen=True)
class Pebbles:
    """Rounded stones from water, of all sizes."""

    palette: Palette
    sand: Palette
    stone_mm: float = 60.0
    stones_per_m2: int = 3200
    slender: float = 0.72  # width of a pebble by its length
    bands: float = 0.3  # veins and layers in the stones, 0..1
    roughness: float = 0.6


def gravel(canvas: Canvas, p: Gravel) -> Surface:
    """Crushed stone, in layers from the finest to the coarsest."""
    grit = fractal(canvas, "grit", 0.008, 0.0, 0.5)
    colour = shade(ramp(p.dust, rank(fractal(canvas, "dust", 0.05, 0.0, 1.0))), 1.0 + 0.12 * grit)
    height = 0.0006 * grit
    rubble = 1.0 + 0.07 * fractal(canvas, "rubble", 0.01, 0.0, 0.8)
    wobble = fractal(canvas, "wobble", 0.03, 0.003, 1.4)
    x, y = canvas.coordinates()
    for index, scale in enumerate((0.45, 0.7, 1.0)):
        size_m = scale * p.stone_mm / 1000
        count = max(2, round(canvas.tile_m / size_m))
        rng = canvas.rng(f"stones {index}")
        bent = 0.04 * size_m * wobble
        cells = worley(x + bent, y - bent, canvas.tile_m, count, count, rng, jitter=0.95)
        there = each(rng, 0, 1, cells) < p.fill * (1.0 - 0.12 * index)
        inside = cells.edge_m - size_m * each(rng, 0.03, 0.16, cells)
        base = size_m * each(rng, -0.15, 0.25, cells)
        steep = 0.35 * (1.0 - 0.6 * p.flat)
        lean = each(rng, -steep, steep, cells) * cells.dx_m + each(rng, -steep, steep, cells) * cells.dy_m
        rise = np.clip(inside / (0.3 * size_m), 0, 1)
        top = 0.45 * size_m * (1.0 - (1.0 - rise) ** 2) + lean
        stone = base + (0.75 - 0.4 * p.flat) * top
        upper = (inside > 0) & there & (stone > height)
        face = per_piece(p.palette, cells, rng, spread=0.6, light=0.22)
        face = shade(face, rubble * (0.62 + 0.38 * np.minimum(1.6 * rise, 1.0)))
        colour = np.where(upper[..., None], face, 0.995 * colour)
        height = np.where(upper, stone + 0.0002 * grit, height)
    patch = 1.0 + 0.05 * fractal(canvas, "patch", 0.7, 0.05)
    rough = p.roughness + 0.04 * grit
    return Surface(shade(colour, patch), (0.8 * height).astype(np.float32), rough.astype(np.float32))


def pebbles(canvas: Canvas, p: Pebbles) -> Surface:
    """A river bank: small stones below, large ones on top."""
    count = int(p.stones_per_m2 * canvas.tile_m**2)
    rng = canvas.rng("stones")
    # Few large, many small; the large ones lie on top.
    size = np.sort(np.exp(rng.normal(-0.75, 0.42, count)).clip(0.2, 1.15)) + rng.normal(0, 0.08, count)
    order = np.argsort(size + rng.normal(0, 0.12, count))
    length = (np.maximum(size, 0.18)[order] * p.stone_mm / 1000).astype(np.float32)
    width = (length * p.slender * rng.uniform(0.8, 1.25, count)).astype(np.float32)
    stamps = Stamps(
        x_m=rng.uniform(0, canvas.tile_m, count).astype(np.float32),
        y_m=rng.uniform(0, canvas.tile_m, count).astype(np.float32),
        angle_rad=rng.uniform(-np.pi, np.pi, count).astype(np.float32),
        length_m=length,
        width_m=width,
        bend_rad=rng.uniform(-0.25, 0.25, count).astype(np.float32),
    )
    laid = lay(canvas, stamps, "stone")
    dome = np.sqrt(np.maximum(1.0 - laid.along**2, 0) * np.maximum(1.0 - laid.across**2, 0))
    colour = _pebble_faces(canvas, p, laid)
    colour = shade(colour, 0.55 + 0.45 * np.minimum(1.5 * dome, 1.0))
    sand, relief = _bed(canvas, p)
    colour = np.where(laid.covered[..., None], colour, double(sand))
    thick = 0.5 * width[laid.ident]
    lift = each(rng, -0.2, 0.2, laid) * thick + 0.012 * (laid.ident / count)
    height = np.where(laid.covered, lift + 0.8 * thick * dome, double(relief) - 0.004)
    rough = np.where(laid.covered, p.roughness + 0.1 * (1 - dome), 0.9)
    return Surface(halve(colour), 0.8 * halve(height.astype(np.float32)), halve(rough.astype(np.float32)))


def _pebble_faces(canvas: Canvas, p: Pebbles, laid: Print) -> Image:
    """Colour of each pebble with its grain, layers and an occasional white vein, (H, W, 3)."""
    rng = canvas.rng("faces")
    face = per_piece(p.palette, laid, rng, spread=0.7, light=0.2)
    grain = double(fractal(canvas, "grain", 0.012, 0.0, 0.7))
    cloud = double(fractal(canvas, "cloud", 0.05, 0.004, 1.4))
    face = shade(face, 1.0 + 0.06 * grain + 0.07 * cloud)
    slant = each(rng, -1, 1, laid) * laid.along
    layers = np.sin(each(rng, 2, 9, laid) * (laid.across + slant) + 0.8 * cloud)
    striped = each(rng, 0, 1, laid) < 0.5
    face = shade(face, 1.0 + 0.22 * p.bands * striped * layers)
    veined = each(rng, 0, 1, laid) < 0.35 * p.bands
    place = each(rng, -0.6, 0.6, laid)
    vein = smoothstep(0.1, 0.03, np.abs(laid.across - place + 0.4 * slant + 0.05 * cloud))
    return mix(face, (0.84, 0.82, 0.78), 0.75 * veined * vein)


def _bed(canvas: Canvas, p: Pebbles) -> tuple[Image, Image]:
    """Sand between the stones: colour (H, W, 3) and height (H, W)."""
    grains = fractal(canvas, "sand", 0.008, 0.0, 0.4)
    return shade(ramp(p.sand, rank(grains)), np.full_like(grains, 0.75)), 0.0006 * grains
