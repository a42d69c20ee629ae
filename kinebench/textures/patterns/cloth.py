"""Woven grounds: carpet and linen."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinebench.textures.canvas import Canvas, Image, Surface
from kinebench.textures.cells import worley
from kinebench.textures.colour import Palette, plain, ramp, shade
from kinebench.textures.noise import fractal, smoothstep


@dataclass(frozen=True)
class Carpet:
    """Loop pile, in one of several designs."""

    palette: Palette
    design: Literal["heather", "stripes", "checks", "lozenges"] = "heather"
    repeats: int = 4  # of the design across the tile
    loops: int = 190  # across the tile
    contrast: float = 0.5  # between neighbouring loops, 0..1
    roughness: float = 0.93


@dataclass(frozen=True)
class Linen:
    """Plain weave of uneven threads."""

    palette: Palette
    threads: int = 250  # across the tile
    slubs: float = 0.5  # thick places of the threads, 0..1
    folds_mm: float = 6.0  # height of soft creases
    stripe: Palette = ()  # colours of woven stripes, none for plain cloth
    stripes: int = 3  # bands across the tile
    roughness: float = 0.88


def carpet(canvas: Canvas, p: Carpet) -> Surface:
    """A carpet: each loop is a tuft of its own shade."""
    x, y = canvas.coordinates()
    sway = canvas.tile_m / p.loops * 0.5
    bent_x = x + sway * fractal(canvas, "sway x", 0.15, 0.02)
    bent_y = y + sway * fractal(canvas, "sway y", 0.15, 0.02)
    loops = worley(bent_x, bent_y, canvas.tile_m, p.loops, p.loops, canvas.rng("loops"), jitter=0.7)
    size_m = canvas.tile_m / p.loops
    dome = np.sqrt(np.clip(loops.edge_m / (0.5 * size_m), 0, 1))
    rng = canvas.rng("yarn")
    yarn = rng.normal(0, 1, loops.count).astype(np.float32)[loops.ident]
    fibre = fractal(canvas, "fibre", 0.006, 0.0, 0.2)
    tone = _design(canvas, p, x - loops.dx_m, y - loops.dy_m)
    position = np.clip(tone + 0.16 * p.contrast * yarn, 0, 1)
    colour = ramp(p.palette, position)
    tread = fractal(canvas, "tread", 0.7, 0.03, 1.6)
    light = (0.5 + 0.55 * dome) * (1 + 0.07 * fibre) * (1 + 0.1 * p.contrast * yarn) * (1 + 0.035 * tread)
    height = size_m * (0.42 * dome + 0.06 * yarn) + 0.0004 * fibre + 0.0006 * tread
    return Surface(shade(colour, light), height.astype(np.float32), np.full_like(dome, p.roughness))


def _design(canvas: Canvas, p: Carpet, x_m: Image, y_m: Image) -> Image:
    """Where in the palette each loop lies, 0..1, from the loops' centres, (H, W)."""
    if p.design == "heather":
        return np.asarray(0.5 + 0.1 * fractal(canvas, "heather", 0.1, 0.004, 1.0), np.float32)
    u, v = x_m * p.repeats / canvas.tile_m, y_m * p.repeats / canvas.tile_m
    wave_u, wave_v = np.abs(2 * (u - np.floor(u)) - 1), np.abs(2 * (v - np.floor(v)) - 1)
    if p.design == "stripes":
        second = wave_v > 0.5
    elif p.design == "checks":
        second = (np.floor(2 * u) + np.floor(2 * v)) % 2 > 0
    else:
        second = np.abs(wave_u + wave_v - 1.2) < 0.24
    return np.asarray(np.where(second, 0.85, 0.15), np.float32)


def linen(canvas: Canvas, p: Linen) -> Surface:
    """A cloth laid on the ground."""
    x, y = canvas.coordinates()
    pitch = canvas.tile_m / p.threads
    wave_x = 0.25 * pitch * fractal(canvas, "wave x", 0.12, 0.01)
    wave_y = 0.25 * pitch * fractal(canvas, "wave y", 0.12, 0.01)
    warp_at, weft_at = (x + wave_x) / pitch, (y + wave_y) / pitch
    warp, weft = np.floor(warp_at).astype(np.int32), np.floor(weft_at).astype(np.int32)
    across_warp, across_weft = 2 * (warp_at - warp) - 1, 2 * (weft_at - weft) - 1
    # Threads of one system pass over and under those of the other by turns.
    over = np.cos(np.pi * (weft_at + warp))
    thick_warp, tone_warp = _thread(canvas, "warp", warp % p.threads, p, upright=True)
    thick_weft, tone_weft = _thread(canvas, "weft", weft % p.threads, p, upright=False)
    up_warp = 0.5 * np.sqrt(np.maximum(1 - (across_warp / thick_warp) ** 2, 0)) + 0.35 * over
    up_weft = 0.5 * np.sqrt(np.maximum(1 - (across_weft / thick_weft) ** 2, 0)) - 0.35 * np.cos(
        np.pi * (warp_at + weft)
    )
    gone_warp, gone_weft = np.abs(across_warp) > thick_warp, np.abs(across_weft) > thick_weft
    up_warp, up_weft = np.where(gone_warp, -0.6, up_warp), np.where(gone_weft, -0.6, up_weft)
    top = np.maximum(up_warp, up_weft)
    tone = np.where(up_warp > up_weft, tone_warp, tone_weft)
    fibre = fractal(canvas, "fibre", 0.006, 0.0, 0.2)
    colour = ramp(p.palette, np.clip(0.5 + 0.2 * tone + 0.04 * fibre, 0, 1))
    if p.stripe:
        band = (weft % p.threads * p.stripes) / p.threads
        colour = _striped(colour, p, band - np.floor(band), tone)
    folds = fractal(canvas, "folds", 0.6, 0.12, 2.2)
    light = 0.62 + 0.42 * smoothstep(-0.6, 0.7, top)
    height = 0.28 * pitch * top + p.folds_mm / 1000 * folds
    rough = np.full_like(top, p.roughness)
    return Surface(shade(colour, light * (1 + 0.02 * folds)), height.astype(np.float32), rough.astype(np.float32))


def _thread(canvas: Canvas, layer: str, index: Image, p: Linen, upright: bool) -> tuple[Image, Image]:
    """Half the thickness of the thread under each pixel, by its pitch, and its shade (mean 0); (H, W) each."""
    rng = canvas.rng(layer)
    own = rng.normal(0, 1, p.threads).astype(np.float32)[index]
    stretch = (1.0, 30.0) if upright else (30.0, 1.0)
    slub = fractal(canvas, f"{layer} slubs", 0.02, canvas.tile_m / p.threads, 0.6, stretch)
    thick = 0.86 + p.slubs * (0.1 * slub + 0.05 * own)
    return np.clip(thick, 0.6, 1.0), np.asarray(0.55 * own + p.slubs * 0.8 * slub, np.float32)


def _striped(colour: Image, p: Linen, place: Image, tone: Image) -> Image:
    """Replace the cloth's colour in woven bands; `place` runs from 0 to 1 over one repeat."""
    for index, stripe in enumerate(p.stripe):
        centre = (index + 0.5) / len(p.stripe)
        band = (np.abs(place - centre) < 0.28 / len(p.stripe)).astype(np.float32)
        woven = shade(plain(stripe, colour), 1.0 + 0.08 * tone)
        colour = colour + (woven - colour) * (0.85 * band)[..., None]
    return np.asarray(colour, np.float32)
