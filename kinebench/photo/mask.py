"""The object under an arrow's tail, found in the photo: by SAM2 if its weights are here, else by GrabCut."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError, Unavailable
from kinebench.methods.condition import Mask
from kinebench.metrics.sam2.size import SIZES, Name
from kinebench.photo import grabcut
from kinebench.photo.picture import Photo
from kinebench.weights import locate

PREFERRED: tuple[Name, ...] = ("large", "base-plus", "small", "tiny")
SAM2_PX = 1024
MOST_SHARE = 0.5
"""Of the photo; what is larger is no object on it."""


def found(photo: Photo, point_px: tuple[float, float], said: str) -> Mask:
    """The mask on the canvas, (480, 720), of the object at a point of the canvas.

    Raises KineBenchError, which begins with what was `said`, if nothing with an outline is there, or that point is
    beside the photo; MissingExtra without OpenCV.
    """
    left, top, right, bottom = photo.shown
    x, y = point_px
    if not (left - 1 <= x <= right + 1 and top - 1 <= y <= bottom + 1):
        raise KineBenchError(f"{said}: {x:g},{y:g} is beside the photo, where its edges are repeated")
    part = _object_at(photo.frame[top:bottom, left:right], (x - left, y - top))
    if part is None:
        raise KineBenchError(
            f"{said}: no object was found at {x:.0f},{y:.0f} of the canvas: it looks like the background; point to the "
            "middle of an object, or give or draw its mask"
        )
    mask = np.zeros(photo.frame.shape[:2], dtype=bool)
    mask[top:bottom, left:right] = part
    return mask


def finder() -> Name | None:
    """The size of the SAM2 that finds masks, the largest whose weights and packages are here; None: GrabCut does."""
    from kinebench.metrics.sam2.backend import package

    for size in PREFERRED:
        try:
            locate(f"sam2.1-hiera-{size}")
            package("transformers")
            return size
        except Unavailable:
            continue
    return None


def _object_at(picture: NDArray[np.uint8], point_px: tuple[float, float]) -> Mask | None:
    size = finder()
    if size is None:
        return grabcut.object_at(picture, point_px)
    mask: Mask = _network(size).pointed(picture, point_px) > 0
    return mask if grabcut.LEAST_AREA_PX <= mask.sum() <= MOST_SHARE * mask.size else None


@cache
def _network(size: Name) -> Any:
    from kinebench.metrics.sam2.backend import load
    from kinebench.scoring.device import resolve

    return load("transformers", SIZES[size], SAM2_PX, locate(f"sam2.1-hiera-{size}"), resolve("auto"), False)
