"""Conditions to try a method on without a dataset: boxes on a checkered ground, drawn here."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.path import Nominal, image_path, pole_px
from kinebench.methods.placement import Size
from kinebench.methods.source import Source
from kinebench.scene.camera import Camera, look_at
from kinebench.scene.scene import Vector

CANVAS, FRAMES, FPS = (720, 480), 49, 8.0
"""As the paper's clips."""
SMALL: Size = (180, 120)
"""For tiny models, whose pictures are noise, which takes long to write."""
NOMINAL = Nominal(friction=0.08, restitution=0.1, height_m=0.15)

_EDGE_M = 0.3
_TILE_M = 0.4
_PLACES_M = ((-0.7, 0.1), (0.55, -0.35), (0.25, 0.7))
_COLOURS = ((200, 30, 40), (30, 60, 210), (40, 160, 60))
_NAMES = ("red", "blue", "green")
_VELOCITIES_MPS: tuple[Vector, ...] = ((0.9, 0.1, 0.0), (-0.4, 0.7, 0.0))  # of the first boxes, ground frame
_SKY, _TILES = (190, 205, 225), ((150, 140, 130), (110, 100, 95))
# Corners of a cube's faces by bits x, y, z; with how bright each is.
_FACES = (((4, 5, 7, 6), 1.0), ((0, 1, 5, 4), 0.75), ((2, 3, 7, 6), 0.75), ((0, 2, 6, 4), 0.55), ((1, 3, 7, 5), 0.55))


def rehearsal(keys: tuple[str, ...], canvas: Size) -> Source:
    """These conditions, in this order; `conditions` has them all."""
    return Source(
        where=Path(),
        split="check",
        prompt="c_infer",
        keys=keys,
        facts={"dataset": "rehearsal", "keys": list(keys)},
        dataset=None,
        make=conditions(canvas).__getitem__,
    )


@cache
def conditions(canvas: Size) -> dict[str, Condition]:
    """Two that any method should manage, and two that it may refuse: with nothing driven, and with nothing at all."""
    eye = np.array([0.3, -2.6, 1.9])
    camera = look_at(eye, np.zeros(3), width_px=canvas[0], height_px=canvas[1], field_of_view_rad=0.95)
    two, one, none = (_condition(camera, driven) for driven in (2, 1, 0))
    return {
        "one_driven": replace(one, key="one_driven"),
        "two_driven": replace(two, key="two_driven"),
        "nothing_driven": replace(none, key="nothing_driven", prompt="Three boxes stand still."),
        "nothing_there": replace(
            none, key="nothing_there", prompt="An empty floor.", first_frame=_ground(camera), others=()
        ),
    }


def _condition(camera: Camera, driven: int) -> Condition:
    picture, ids = Image.fromarray(_ground(camera)), Image.new("L", (camera.width_px, camera.height_px))
    far_first = sorted(range(len(_PLACES_M)), key=lambda box: -math.dist(camera.position_m[:2], _PLACES_M[box]))
    for box in far_first:
        _draw(picture, ids, camera, box)
    masks = {box + 1: np.asarray(ids) == box + 1 for box in range(len(_PLACES_M))}
    names = " and ".join(f"the {name} box" for name in _NAMES[:driven])
    return Condition(
        key="",
        first_frame=np.asarray(picture),
        prompt=f"Three boxes stand on a checkered floor; {names} slide{'s' if driven == 1 else ''} away.",
        frames=FRAMES,
        fps=FPS,
        driven=tuple(_driven(camera, box, masks[box]) for box in masks if box <= driven),
        others=tuple(OtherObject(box, masks[box]) for box in masks if box > driven),
        camera=camera,
        nominal=NOMINAL,
    )


def _driven(camera: Camera, box: int, mask: NDArray[np.bool_]) -> DrivenObject:
    velocity = _VELOCITIES_MPS[box - 1]
    return DrivenObject(box, mask, velocity, image_path(camera, pole_px(mask), velocity, NOMINAL, FRAMES, FPS))


def _ground(camera: Camera) -> NDArray[np.uint8]:
    """The checkered floor and the sky, (H, W, 3)."""
    columns, rows = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
    rays = camera.rays(columns, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        depths = -camera.position_m[2] / rays[..., 2]
        hits = camera.position_m[:2] + depths[..., None] * rays[..., :2]
        dark = np.floor(hits / _TILE_M).sum(axis=-1) % 2 == 1
    floor = np.where(dark[..., None], *np.array(_TILES[::-1], np.uint8))
    return np.where((rays[..., 2] < 0)[..., None], floor, np.array(_SKY, np.uint8))


def _draw(picture: Image.Image, ids: Image.Image, camera: Camera, box: int) -> None:
    """Draw a box into the picture, and its number into the ids."""
    corners = np.array([[bit & 1, bit >> 1 & 1, bit >> 2] for bit in range(8)]) - (0.5, 0.5, 0.0)
    corners_m = corners * _EDGE_M + (*_PLACES_M[box], 0.0)
    pixels, _ = camera.project(corners_m)
    middle = camera.position_m - corners_m.mean(axis=0)
    for names, bright in _FACES:
        outward = corners_m[list(names)].mean(axis=0) - corners_m.mean(axis=0)
        if outward @ (middle - outward) > 0:  # turned to the camera
            outline = [tuple(pixels[corner]) for corner in names]
            ImageDraw.Draw(picture).polygon(outline, fill=tuple(round(bright * part) for part in _COLOURS[box]))
            ImageDraw.Draw(ids).polygon(outline, fill=box + 1)
