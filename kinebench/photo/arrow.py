"""An arrow on a photo as a motion: where it points on the ground, how far, and so how fast.

Both ends are taken for points as high above the ground as an object's centre, as `methods/path.py` does. What the arrow
spans there is how far the object gets: it comes to rest at the arrow's head, or is there when the clip ends.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods.path import DECIMALS, GRAVITY_MPS2, Nominal, ground_place
from kinebench.photo.camera import View
from kinebench.photo.picture import Photo
from kinebench.scene.scene import Vector

FORM = "x0,y0,x1,y1"
SHORTEST_PX = 2.0
"""On the canvas; a shorter arrow points nowhere."""
SLOWEST_MPS, FASTEST_MPS = 0.01, 20.0
"""What is slower stands still in a velocity mask of 8 bits."""
SPEED_DECIMALS = 6


@dataclass(frozen=True)
class Arrow:
    """From tail to head, in pixels of the canvas."""

    tail_px: tuple[float, float]
    head_px: tuple[float, float]

    @property
    def length_px(self) -> float:
        """On the canvas."""
        return math.dist(self.tail_px, self.head_px)


@dataclass(frozen=True)
class Motion:
    """What an arrow says of its object."""

    velocity_mps: Vector  # first velocity, ground frame: x right, y away, z up
    length_m: float  # what the arrow spans on the ground


def parse(text: str, photo: Photo) -> Arrow:
    """An arrow written as `x0,y0,x1,y1` in pixels of the photo. Raises KineBenchError."""
    ends = numbers(text, "--arrow")
    return on_photo(ends[:2], ends[2:], photo, f"--arrow {text}")


def numbers(text: str, option: str) -> list[float]:
    """Four numbers with commas between them. Raises KineBenchError."""
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise KineBenchError(f"{option} {text}: write {FORM}, four numbers in pixels of the photo") from None
    return [x0, y0, x1, y1]


def on_photo(tail: Sequence[float], head: Sequence[float], photo: Photo, name: str) -> Arrow:
    """An arrow in pixels of the photo on the canvas. Raises KineBenchError if it leaves the photo, or has no length."""
    width, height = photo.size
    for what, (x, y) in (("tail", tail), ("head", head)):
        if not (0 <= x <= width and 0 <= y <= height):
            raise KineBenchError(f"{name}: its {what} {x:g},{y:g} is outside {photo.name}, which is {width}x{height}")
    ends = photo.place.inverse.points(np.array([tail, head])).round(DECIMALS).tolist()
    arrow = Arrow((ends[0][0], ends[0][1]), (ends[1][0], ends[1][1]))
    if arrow.length_px < SHORTEST_PX:
        long = "has no length" if list(tail) == list(head) else f"is {arrow.length_px:.1f} pixels long on the canvas"
        raise KineBenchError(f"{name}: it {long}; draw it from the object to where that shall go")
    return arrow


def motion(arrow: Arrow, view: View, nominal: Nominal, seconds: float, speed_mps: float | None, name: str) -> Motion:
    """Direction and length on the ground; the speed is `speed_mps`, or what brings the object to the arrow's head.

    Raises ValueError, which says which end, if one is on or above the horizon; KineBenchError if the speed is none.
    """
    camera = view.camera
    ends = []
    for what, point in (("tail", arrow.tail_px), ("head", arrow.head_px)):
        try:
            ends.append(ground_place(camera, np.array(point), nominal.height_m))
        except ValueError as error:
            raise ValueError(f"its {what}") from error
    way = camera.ground_axes @ (ends[1] - ends[0])
    length_m = float(np.hypot(way[0], way[1]))
    speed = first_speed_mps(length_m, nominal.friction, seconds) if speed_mps is None else speed_mps
    if not SLOWEST_MPS <= speed <= FASTEST_MPS:
        raise KineBenchError(
            f"{name}: {speed:.3g} m/s ({length_m:.3g} m of ground) is no speed for an object; it moves with "
            f"{SLOWEST_MPS:g} to {FASTEST_MPS:g} m/s: give another, or the camera that took the photo"
        )
    x, y = (way[:2] / length_m * speed).round(SPEED_DECIMALS).tolist()
    return Motion((x + 0.0, y + 0.0, 0.0), length_m)


def first_speed_mps(length_m: float, friction: float, seconds: float) -> float:
    """How fast something sets off that slides so far: until friction stops it, or until the time is over.

    `sqrt(2 mu g s)`, which takes `sqrt(2 s / mu g)`; if that is longer than the time T, `s / T + mu g T / 2`.
    """
    slowing = friction * GRAVITY_MPS2
    if slowing * seconds**2 >= 2 * length_m:
        return math.sqrt(2 * slowing * length_m)
    return length_m / seconds + slowing * seconds / 2


def straight(arrow: Arrow, frames: int) -> NDArray[np.float64]:
    """The arrow itself as a path (F, 2), evenly: all that is known without a camera."""
    share = np.linspace(0, 1, frames)[:, None]
    return ((1 - share) * np.array(arrow.tail_px) + share * np.array(arrow.head_px)).round(DECIMALS) + 0.0
