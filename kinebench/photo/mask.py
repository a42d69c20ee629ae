"""The object at a point of a photo, found by SAM2 if its weights are here, else by GrabCut; or in a box, by GrabCut."""

from collections.abc import Sequence
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

Box = tuple[float, float, float, float]

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
        raise KineBenchError(f"{said}: this is beside the photo, where its edges are repeated")
    part = _object_at(photo.frame[top:bottom, left:right], (x - left, y - top))
    if part is None:
        raise KineBenchError(
            f"{said}: no object was found here: it looks like the background; point to the middle of an object, "
            "draw a box around it, or make its mask yourself"
        )
    return _on_canvas(part, photo)


def box_on(corners: Sequence[float], photo: Photo, said: str) -> Box:
    """A box x0, y0, x1, y1 in pixels of the photo on the canvas. Raises KineBenchError if it leaves the photo."""
    width, height = photo.size
    x0, y0, x1, y1 = corners
    if not all(0 <= x <= width for x in (x0, x1)) or not all(0 <= y <= height for y in (y0, y1)):
        raise KineBenchError(f"{said}: it is not within {photo.name}, which is {width}x{height}")
    ends = photo.place.inverse.points(np.array([(x0, y0), (x1, y1)])).tolist()
    return ends[0][0], ends[0][1], ends[1][0], ends[1][1]


def boxed(photo: Photo, box_px: Box, said: str) -> Mask:
    """The mask on the canvas, (480, 720), of the object that fills a box x0, y0, x1, y1 of the canvas.

    Raises KineBenchError, which begins with what was `said`, if nothing there differs from what is around the box;
    MissingExtra without OpenCV.
    """
    left, top, right, bottom = photo.shown
    corners = np.array(box_px).reshape(2, 2).clip((left, top), (right, bottom)) - (left, top)
    x0, y0, x1, y1 = corners.ravel().tolist()
    part = grabcut.object_in(photo.frame[top:bottom, left:right], (x0, y0, x1, y1))
    if part is None:
        raise KineBenchError(
            f"{said}: no object was found in this box: draw it close around one, with background on all sides, or make "
            "its mask yourself"
        )
    return _on_canvas(part, photo)


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


def _on_canvas(part: Mask, photo: Photo) -> Mask:
    left, top, right, bottom = photo.shown
    mask = np.zeros(photo.frame.shape[:2], dtype=bool)
    mask[top:bottom, left:right] = part
    return mask


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
