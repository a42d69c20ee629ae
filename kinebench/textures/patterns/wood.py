"""Wooden floors: boards and parquet."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinebench.textures.canvas import Canvas, Image, Surface, each
from kinebench.textures.colour import Colour, Palette, darker, mix, per_piece, shade
from kinebench.textures.layouts import Pieces, basket, courses, cut, herringbone
from kinebench.textures.noise import fractal, rank, sample, smoothstep


@dataclass(frozen=True)
class Planks:
    """Boards laid side by side along x, their ends staggered at random."""

    rows: int
    columns: int
    palette: Palette  # whole boards differ within it
    late: Colour  # the dark bands of the year rings
    grain: float = 0.5  # how strongly rings and fibres show, 0..1
    knots: float = 0.15  # share of boards with knots
    gap_mm: float = 3.0
    wear: float = 0.2  # grey weathering, 0..1
    roughness: float = 0.55


@dataclass(frozen=True)
class Parquet:
    """Short blocks in a herringbone or in basket squares."""

    layout: Literal["herringbone", "basket"]
    repeats: int
    ratio: int
    palette: Palette
    late: Colour
    grain: float = 0.5
    gap_mm: float = 1.0
    roughness: float = 0.5


def planks(canvas: Canvas, p: Planks) -> Surface:
    """A floor of long boards."""
    x, y = canvas.coordinates()
    pieces = courses(x, y, canvas.tile_m, p.columns, p.rows, canvas.rng("layout"), stagger=-1, uneven=0.5)
    surface = _wood(canvas, pieces, p.palette, p.late, p.grain, p.knots, p.gap_mm, p.roughness)
    if not p.wear:
        return surface
    patches = rank(fractal(canvas, "wear", 0.9, 0.02, 1.5, (1.6, 1.0)))
    grey = surface.colour.mean(axis=-1, keepdims=True) * np.asarray([1.02, 1.0, 0.96], np.float32)
    colour = mix(surface.colour, grey * 0.95, p.wear * smoothstep(0.35, 0.9, patches))
    return Surface(colour, surface.height_m, surface.roughness + 0.12 * p.wear * patches)


def parquet(canvas: Canvas, p: Parquet) -> Surface:
    """A floor of short blocks."""
    x, y = canvas.coordinates()
    lay = herringbone if p.layout == "herringbone" else basket
    pieces = lay(x, y, canvas.tile_m, p.repeats, p.ratio)
    return _wood(canvas, pieces, p.palette, p.late, p.grain, 0.0, p.gap_mm, p.roughness)


def _wood(
    canvas: Canvas,
    pieces: Pieces,
    palette: Palette,
    late: Colour,
    grain: float,
    knots: float,
    gap_mm: float,
    roughness: float,
) -> Surface:
    """Pieces cut from different trunks, with gaps between them."""
    rings, knot = _rings(canvas, pieces, knots)
    fibres = _fibres(canvas, pieces)
    colour = per_piece(palette, pieces, canvas.rng("colour"), spread=0.6, light=0.1)
    strength = each(canvas.rng("strength"), 0.5, 1.0, pieces)
    colour = mix(colour, late, grain * strength * (0.95 * rings + 0.08))
    colour = mix(colour, darker(late, 0.5), 0.8 * knot)
    colour = shade(colour, 1.0 + 0.13 * grain * fibres)
    colour = shade(colour, 1.0 + 0.05 * fractal(canvas, "stain", 0.8, 0.05))
    edge = pieces.edge(0.001)
    gap = gap_mm / 1000
    soft = max(0.5 * canvas.texel_m, 0.0006)
    inside = smoothstep(0.5 * gap - soft, 0.5 * gap + soft, edge)
    bevel = smoothstep(0.5 * gap, 0.5 * gap + 0.004, edge)
    dirt = 0.78 + 0.22 * smoothstep(0.0, 0.012, edge)
    colour = shade(colour, dirt * (0.18 + 0.82 * inside))
    level = each(canvas.rng("level"), -0.0006, 0.0006, pieces)
    height = level + 0.004 * (inside - 1.0) + 0.0012 * (bevel - 1.0) + 0.00018 * grain * fibres - 0.0002 * rings
    rough = roughness + 0.1 * grain * rings - 0.03 * fibres + 0.3 * (1 - inside)
    return Surface(colour, height.astype(np.float32), rough.astype(np.float32))


def _rings(canvas: Canvas, pieces: Pieces, knots: float) -> tuple[Image, Image]:
    """Year rings where each board cuts its trunk, 0 (early wood) to 1 (late wood), and knots, 0..1; (H, W) each.

    A board is a slice at some height above the pith: its rings are level lines of the distance from the pith, which
    itself wanders along the board; flat cuts show the long arches of cathedral grain, quarter cuts straight lines.
    """
    rng = canvas.rng("trunks")
    shift_u, shift_v = each(rng, 0, canvas.tile_m, pieces), each(rng, 0, canvas.tile_m, pieces)
    wander = fractal(canvas, "wander", 0.7, 0.05, 2.2, (5.0, 1.0))
    ripple = fractal(canvas, "ripple", 0.12, 0.004, 1.8, (12.0, 1.0))
    u, v = pieces.u_m, pieces.v_m
    at = (u + shift_u) / canvas.texel_m, (v + shift_v) / canvas.texel_m
    bend, fine = sample(wander, *at), sample(ripple, *at)
    pith_v, depth = each(rng, -0.07, 0.07, pieces), each(rng, 0.004, 0.06, pieces)
    taper = each(rng, -0.08, 0.08, pieces)
    knot, push = _knots(pieces, rng, knots)
    across = v - pith_v + 0.012 * bend + push
    radius = np.hypot(across, depth + taper * u) + 0.001 * fine
    phase = radius / each(rng, 0.007, 0.015, pieces)
    ring = phase - np.floor(phase)
    # Late wood darkens slowly towards the end of a year and stops sharply.
    late = smoothstep(0.15, 0.8, ring) * (1.0 - smoothstep(0.88, 1.0, ring))
    year = np.floor(phase).astype(np.int32)
    dark = canvas.rng("years").uniform(0.35, 1.0, 256).astype(np.float32)[(year + 7 * pieces.ident) % 256]
    return np.asarray(late * dark, np.float32), knot


def _knots(pieces: Pieces, rng: np.random.Generator, share: float) -> tuple[Image, Image]:
    """Knots (0..1), and how far the rings give way around them (metres); (H, W) each."""
    has = each(rng, 0, 1, pieces) < share
    at_u = each(rng, -0.7, 0.7, pieces) * pieces.half_u_m
    at_v = each(rng, -0.5, 0.5, pieces) * pieces.half_v_m
    size = each(rng, 0.006, 0.014, pieces)
    du, dv = (pieces.u_m - at_u) / 1.7, pieces.v_m - at_v
    distance = np.hypot(du, dv)
    inside = has * (1.0 - smoothstep(0.6, 1.15, distance / size))
    push = has * np.sign(dv) * size * 1.4 * np.exp(-((distance / (2.6 * size)) ** 2))
    return np.asarray(inside, np.float32), np.asarray(push, np.float32)


def _fibres(canvas: Canvas, pieces: Pieces) -> Image:
    """Fine streaks along the pieces, mean 0, standard deviation about 1, (H, W)."""
    streaks = fractal(canvas, "fibres", 0.03, 0.0, 0.9, (28.0, 1.0))
    return cut(streaks, pieces, canvas.rng("fibre places"), canvas.tile_m)
