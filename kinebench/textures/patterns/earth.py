"""Bare ground: soil, rippled sand, cracked mud."""

from dataclasses import dataclass

import numpy as np

from kinebench.textures.canvas import Canvas, Image, Surface, each
from kinebench.textures.cells import worley
from kinebench.textures.colour import Palette, mix, per_piece, ramp, shade
from kinebench.textures.noise import fractal, rank, smoothstep


@dataclass(frozen=True)
class Soil:
    """Crumbly earth with some stones."""

    palette: Palette  # from the hollows to the dry crumbs
    stones: Palette
    crumb_mm: float = 22.0
    stony: float = 0.12  # share of places with a stone, 0..1
    relief: float = 1.0
    damp: float = 0.4  # dark wet patches, 0..1


@dataclass(frozen=True)
class Sand:
    """Wind ripples."""

    palette: Palette  # from the troughs to the crests
    ripple_mm: float = 90.0  # distance of the crests; 0 for smooth sand
    ripple_height_mm: float = 7.0
    wander: float = 0.35  # how far crests leave the straight line, 0..1
    footing: float = 0.3  # soft dents, 0..1


@dataclass(frozen=True)
class Mud:
    """A dried-out bed, cracked into plates."""

    columns: int
    rows: int
    palette: Palette
    crack: Palette
    crack_mm: float = 9.0
    curl_mm: float = 5.0  # how high the plates' rims stand up


def soil(canvas: Canvas, p: Soil) -> Surface:
    """Earth: crumbs of three sizes over gentle bumps, with stones pressed in."""
    x, y = canvas.coordinates()
    bumps = fractal(canvas, "bumps", 0.4, 0.03, 1.8)
    crumbs = np.zeros_like(bumps)
    wobble = fractal(canvas, "wobble", 0.02, 0.0, 1.1)
    for index, scale in enumerate((1.0, 0.5)):
        size_m = scale * p.crumb_mm / 1000
        count = max(2, round(canvas.tile_m / size_m))
        bent = 0.07 * size_m * wobble
        cells = worley(x + bent, y + bent, canvas.tile_m, count, count, canvas.rng(f"crumbs {index}"))
        big = each(canvas.rng(f"sizes {index}"), 0, 1, cells) ** 2
        ball = np.sqrt(np.clip(cells.edge_m / (0.45 * size_m), 0, 1))
        crumbs = np.maximum(crumbs, big * ball * scale)
    grit = fractal(canvas, "grit", 0.012, 0.0, 0.7)
    height = p.relief * (0.006 * bumps + 0.5 * p.crumb_mm / 1000 * crumbs + 0.0009 * grit)
    tone = np.clip(0.12 + 0.75 * crumbs + 0.1 * bumps + 0.1 * grit, 0, 1)
    colour = shade(ramp(p.palette, tone), 1.0 + 0.07 * fractal(canvas, "shade", 0.9, 0.02))
    wet = p.damp * smoothstep(0.5, 0.95, rank(fractal(canvas, "wet", 0.7, 0.02, 1.5) - 0.5 * bumps))
    colour = shade(colour, 1.0 - 0.38 * wet)
    rough = 0.92 - 0.14 * wet + 0.03 * grit
    return _stony(canvas, Surface(colour, height, rough), p)


def _stony(canvas: Canvas, ground: Surface, p: Soil) -> Surface:
    """Press stones of about 25 mm into the ground."""
    if not p.stony:
        return ground
    x, y = canvas.coordinates()
    rng = canvas.rng("stones")
    bend = fractal(canvas, "stone wobble", 0.03, 0.008, 2.2)
    count = round(canvas.tile_m / 0.06)
    cells = worley(x + 0.002 * bend, y - 0.002 * bend, canvas.tile_m, count, count, rng)
    there = each(rng, 0, 1, cells) < p.stony
    radius = 0.004 + 0.026 * each(rng, 0, 1, cells) ** 2
    squash, turn = each(rng, 0.6, 1.0, cells), each(rng, 0, np.pi, cells)
    u = np.cos(turn) * cells.dx_m + np.sin(turn) * cells.dy_m
    v = (np.cos(turn) * cells.dy_m - np.sin(turn) * cells.dx_m) / squash
    r = np.hypot(u, v) / radius
    stone = smoothstep(1.0, 0.92, r) * there
    dome = np.sqrt(np.clip(1.0 - r**2, 0, 1))
    face = per_piece(p.stones, cells, rng, spread=0.5, light=0.15)
    face = shade(face, (0.75 + 0.25 * dome) * (1.0 + 0.06 * fractal(canvas, "stone grit", 0.01, 0.0, 0.7)))
    height = ground.height_m + stone * (0.55 * radius * dome + 0.001)
    return Surface(mix(ground.colour, face, stone), height, ground.roughness - 0.15 * stone)


def sand(canvas: Canvas, p: Sand) -> Surface:
    """Sand with or without ripples."""
    grains = fractal(canvas, "grains", 0.006, 0.0, 0.2)
    dents = fractal(canvas, "dents", 0.3, 0.03, 1.7)
    height = 0.0035 * p.footing * dents + 0.00035 * grains
    tone = 0.5 + 0.05 * dents
    if p.ripple_mm:
        crest = _ripples(canvas, p)
        height = height + p.ripple_height_mm / 1000 * crest
        tone = tone + 0.42 * (crest - 0.5)
    colour = ramp(p.palette, np.clip(tone + 0.07 * grains, 0, 1))
    colour = shade(colour, 1.0 + 0.05 * fractal(canvas, "patch", 0.8, 0.02))
    specks = fractal(canvas, "specks", 0.007, 0.002, 0.5)
    colour = shade(colour, 1.0 - 0.35 * smoothstep(2.2, 3.0, specks))
    return Surface(colour, height.astype(np.float32), (0.9 + 0.02 * grains).astype(np.float32))


def _ripples(canvas: Canvas, p: Sand) -> Image:
    """Ripple height 0..1, (H, W): waves across y of a narrow band of wavelengths, which fork as real crests do."""
    n = canvas.pixels
    f_x = np.fft.rfftfreq(n, canvas.texel_m)[None, :]
    f_y = np.fft.fftfreq(n, canvas.texel_m)[:, None]
    f0 = 1000.0 / p.ripple_mm
    f = np.hypot(f_x, f_y)
    angle = np.arctan2(f_x, np.abs(f_y))
    window = np.exp(-(((f - f0) / (0.12 * f0)) ** 2) - (angle / (0.1 + 0.35 * p.wander)) ** 2)
    rng = canvas.rng("ripples")
    spectrum = (rng.standard_normal(f.shape) + 1j * rng.standard_normal(f.shape)) * window
    # The imaginary partner of the wave (its Hilbert transform along y) gives a phase to shape the profile with.
    wave = np.fft.irfft2(spectrum, s=(n, n))
    partner = np.fft.irfft2(spectrum * -1j * np.sign(f_y), s=(n, n))
    phase = np.arctan2(partner, wave) / (2 * np.pi) + 0.5
    strength = np.hypot(partner, wave)
    strength = strength / np.sqrt((strength**2).mean())
    # A long windward slope, a short lee slope.
    profile = np.where(phase < 0.68, phase / 0.68, (1 - phase) / 0.32)
    profile = 0.5 - 0.5 * np.cos(np.pi * profile)
    return np.asarray(0.5 + (profile - 0.5) * np.clip(1.1 * strength, 0.0, 1.0), np.float32)


def mud(canvas: Canvas, p: Mud) -> Surface:
    """Plates between cracks, and finer cracks within the plates."""
    x, y = canvas.coordinates()
    bend = 0.006 * np.stack([fractal(canvas, f"bend {k}", 0.15, 0.006, 2.0) for k in range(2)])
    cells = worley(x + bend[0], y + bend[1], canvas.tile_m, p.columns, p.rows, canvas.rng("plates"), jitter=0.9)
    width = 0.5 * p.crack_mm / 1000 * (0.8 + 0.35 * np.abs(fractal(canvas, "width", 0.2, 0.02)))
    plate = smoothstep(width - 0.001, width + 0.0015, cells.edge_m)
    fine = worley(
        x + 0.7 * bend[1], y + 0.7 * bend[0], canvas.tile_m, 3 * p.columns, 3 * p.rows, canvas.rng("fine"), jitter=0.9
    )
    some = smoothstep(0.45, 0.75, rank(fractal(canvas, "some", 0.3, 0.05)))
    hair = some * smoothstep(0.0022, 0.0006, fine.edge_m)
    dust = fractal(canvas, "dust", 0.25, 0.002, 1.4)
    grit = fractal(canvas, "grit", 0.01, 0.0, 0.6)
    size_m = canvas.tile_m / p.columns
    rim = np.exp(-np.clip(cells.edge_m - width, 0, None) / (0.13 * size_m))
    colour = per_piece(p.palette, cells, canvas.rng("colour"), spread=0.7, light=0.08)
    colour = shade(colour, (1.0 + 0.08 * dust + 0.05 * grit + 0.1 * rim) * (1.0 - 0.5 * hair))
    bottom = shade(ramp(p.crack, np.clip(cells.edge_m / 0.006, 0, 1)), 1.0 + 0.15 * grit)
    colour = mix(bottom, colour, plate)
    lift = each(canvas.rng("lift"), -0.0015, 0.0015, cells)
    height = plate * (0.01 + lift + p.curl_mm / 1000 * rim + 0.0006 * dust) + 0.0003 * grit - 0.002 * hair
    rough = 0.88 + 0.03 * grit
    return Surface(colour, height.astype(np.float32), rough.astype(np.float32))
