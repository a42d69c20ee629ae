"""Which camera took a photo: said by the user, or taken to be the one in the middle of what KineMask learns from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kinebench import recipe
from kinebench.errors import KineBenchError
from kinebench.methods import strict_json
from kinebench.methods.path import Nominal, nominal
from kinebench.methods.placement import Size
from kinebench.photo.picture import CANVAS, Photo
from kinebench.scene.camera import Camera, look_at

RECIPE = "interactions"
"""Its middle is the default: speeds then look as they do in the clips that models learn from."""
HEIGHTS_M, PITCHES_DEG, VIEWS_DEG = (0.01, 1000.0), (-30.0, 89.0), (1.0, 170.0)
FORM = '{"field_of_view_deg": 60, "height_m": 1.2, "pitch_deg": 25}'
_NAMES = ("field_of_view_deg", "focal_px", "height_m", "pitch_deg")


@dataclass(frozen=True)
class View:
    """How a camera stands over the ground. It is level: the horizon is a horizontal line."""

    field_of_view_deg: float  # across the canvas, padding included
    height_m: float  # above the ground
    pitch_deg: float  # how far it looks down

    @property
    def camera(self) -> Camera:
        """On the canvas; it looks along the world's y."""
        pitch = math.radians(self.pitch_deg)
        position = np.array([0.0, 0.0, self.height_m])
        return look_at(
            position,
            position + np.array([0.0, math.cos(pitch), -math.sin(pitch)]),
            width_px=CANVAS[0],
            height_px=CANVAS[1],
            field_of_view_rad=math.radians(self.field_of_view_deg),
        )

    @property
    def horizon_px(self) -> float:
        """The row of the canvas where the ground ends; what is above it is no ground."""
        return float(CANVAS[1] / 2 - self.camera.focal_px * math.tan(math.radians(self.pitch_deg)))

    @property
    def said(self) -> str:
        """In words."""
        return (
            f"{self.height_m:.2f} m above the ground, looking down by {self.pitch_deg:.1f} degrees, "
            f"{self.field_of_view_deg:.0f} degrees wide"
        )


@cache
def constants() -> Nominal:
    """What is taken for every object in a photo: the middle of what the recipe allows."""
    return nominal(recipe.load(RECIPE))


@cache
def timing() -> tuple[int, float]:
    """Frames and frames a second of a clip."""
    video = recipe.load(RECIPE).video
    return video.frames, float(video.fps)


@cache
def v_max_mps() -> float:
    """The speed at which velocity masks are full."""
    return recipe.load(RECIPE).motion.v_max_mps


@cache
def default_view() -> View:
    """The camera in the middle of the recipe's: its horizon is far above every picture, so that all is ground."""
    camera = recipe.load(RECIPE).camera
    pitch = sum(camera.elevation_deg) / 2
    return View(
        field_of_view_deg=sum(camera.field_of_view_deg) / 2,
        height_m=round(sum(camera.distance_m) / 2 * math.sin(math.radians(pitch)), 3),
        pitch_deg=pitch,
    )


def read_view(path: Path, photo: Photo) -> View:
    """The camera in a JSON file. Raises KineBenchError."""
    try:
        plain = strict_json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise KineBenchError(f"there is no file {path}; a camera is JSON such as {FORM}") from error
    except OSError as error:
        raise KineBenchError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KineBenchError(f"{path} is no JSON: {error}; a camera is for example {FORM}") from error
    return view(plain, photo.size, str(path))


def view(plain: Any, size: Size, name: str) -> View:
    """The camera in plain JSON: height, pitch, and the view across the photo in degrees or its focal length in pixels.

    `size` is the photo's; `name` is for messages. Raises KineBenchError.
    """
    if not isinstance(plain, Mapping) or (unknown := sorted(plain.keys() - {*_NAMES})):
        what = f"it has {unknown[0]!r}" if isinstance(plain, Mapping) else "it is no table"
        raise KineBenchError(f"{name}: {what}; a camera is for example {FORM}")
    if ("focal_px" in plain) == ("field_of_view_deg" in plain):
        raise KineBenchError(f"{name}: say field_of_view_deg or focal_px, one of the two")
    if lacking := [key for key in ("height_m", "pitch_deg") if key not in plain]:
        raise KineBenchError(f"{name}: {lacking[0]} is missing; a camera is for example {FORM}")
    if "focal_px" in plain:
        focal = _number(plain, "focal_px", (min(size) / 20, 100.0 * max(size)), name)
    else:
        across = _number(plain, "field_of_view_deg", VIEWS_DEG, name)
        focal = size[0] / 2 / math.tan(math.radians(across) / 2)
    whole = max(size[0], size[1] * CANVAS[0] / CANVAS[1])  # how wide the canvas is, in the photo's pixels
    return View(
        field_of_view_deg=math.degrees(2 * math.atan(whole / 2 / focal)),
        height_m=_number(plain, "height_m", HEIGHTS_M, name),
        pitch_deg=_number(plain, "pitch_deg", PITCHES_DEG, name),
    )


def _number(plain: Mapping[str, Any], key: str, bounds: tuple[float, float], name: str) -> float:
    value = plain[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not bounds[0] <= value <= bounds[1]:
        raise KineBenchError(f"{name}: {key} is {value!r:.40}; it is a number from {bounds[0]:g} to {bounds[1]:g}")
    return float(value)
