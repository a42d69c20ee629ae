"""Objects cut out of a picture and moved over the ground that they leave: motion without a renderer.

Each object is flat, as large as its distance asks, and hides what is further away. Where it was, the ground is filled
in by OpenCV. Its shadow is part of the ground, and stays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import require
from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.path import NEAR_M, pole_px
from kinebench.scene.camera import Camera

Picture = NDArray[np.uint8]
"""RGB, (H, W, 3)."""
Mask = NDArray[np.bool_]
"""(H, W)."""

RIM_PX = 2
"""Around a mask the object still shows in mixed pixels, so that the hole is wider by this."""
FILL_PX = 5
"""How far around a pixel Telea's method looks for what to fill it with."""


@dataclass(frozen=True, eq=False)
class Way:
    """Where one object is in each of F frames. Where `points_px` is NaN it is not drawn."""

    points_px: NDArray[np.float64]  # (F, 2), of one and the same point of it; the lower it is, the nearer
    scales: NDArray[np.float64]  # (F,), its size over that in frame 0

    def away(self, frame: int) -> bool:
        """Whether it is elsewhere than in frame 0."""
        return not (np.array_equal(self.points_px[frame], self.points_px[0]) and self.scales[frame] == self.scales[0])


def seen_way(camera: Camera, places_m: NDArray[np.float64], height_m: float) -> Way:
    """The way of a point `height_m` above the world's places (F, 2): larger as it comes nearer, gone at the camera."""
    points, depths_m = camera.project(np.column_stack([places_m, np.full(len(places_m), height_m)]))
    near = depths_m < NEAR_M
    points[near] = np.nan
    return Way(points, depths_m[0] / np.where(near, np.nan, depths_m))


def staged(condition: Condition, places_m: Mapping[int, NDArray[np.float64]]) -> NDArray[np.uint8]:
    """Frames (F, H, W, 3) of a condition whose objects are at these places of the world, (F, 2), by id.

    Driven objects without places, as where no camera is known, go along their paths; all others stand still.
    """
    objects: tuple[DrivenObject | OtherObject, ...] = (*condition.driven, *condition.others)
    masks = {each.id: each.mask for each in objects if each.mask.any()}
    paths_px = {each.id: each.path_px for each in condition.driven}
    ways = {}
    for id, mask in masks.items():
        if id in places_m and condition.camera is not None and condition.nominal is not None:
            ways[id] = seen_way(condition.camera, places_m[id], condition.nominal.height_m)
        else:
            stay = np.repeat(pole_px(mask)[None], condition.frames, axis=0)
            ways[id] = Way(paths_px.get(id, stay), np.ones(condition.frames))
    return moved(condition.first_frame, masks, ways, condition.frames)


def moved(picture: Picture, masks: Mapping[int, Mask], ways: Mapping[int, Way], frames: int) -> NDArray[np.uint8]:
    """Frames (F, H, W, 3) in which each object goes its way; no mask is empty, and every one has a way.

    What has not moved yet is as in the picture, pixel for pixel; so is all of frame 0. Raises MissingExtra without
    OpenCV.
    """
    shown = np.repeat(picture[None], frames, axis=0)
    cut = {id: _cut_out(picture, mask) for id, mask in masks.items()}
    wide = {id: _wider(mask) for id, mask in masks.items()}
    ground = filled(picture, _any(wide.values(), picture))
    for frame in range(frames):
        gone = [id for id in masks if ways[id].away(frame)]
        here = _any((mask for id, mask in masks.items() if id not in gone), picture)
        hole = _any((wide[id] for id in gone), picture) & ~here
        shown[frame][hole] = ground[hole]
        for id in _from_behind(ways, frame):
            if id in gone:
                _paint(shown[frame], cut[id], ways[id], frame)
            else:
                shown[frame][masks[id]] = picture[masks[id]]
    return shown


def _any(masks: Iterable[Mask], picture: Picture) -> Mask:
    """Where any of them is, (H, W); nowhere if there are none."""
    return np.logical_or.reduce([np.zeros(picture.shape[:2], dtype=bool), *masks])


def filled(picture: Picture, hole: Mask) -> Picture:
    """The picture with a hole filled in from around it, by OpenCV's Telea; all other pixels as they are."""
    cv2 = require("cv2", "score")
    around = cv2.inpaint(np.ascontiguousarray(picture), hole.astype(np.uint8), FILL_PX, cv2.INPAINT_TELEA)
    return np.where(hole[..., None], around, picture)


def _wider(mask: Mask) -> Mask:
    cv2 = require("cv2", "score")
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM_PX + 1, 2 * RIM_PX + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def _from_behind(ways: Mapping[int, Way], frame: int) -> list[int]:
    """Those that are drawn in a frame, the furthest first."""
    seen = [id for id, way in ways.items() if np.isfinite(way.points_px[frame]).all()]
    return sorted(seen, key=lambda id: float(ways[id].points_px[frame, 1]))


@dataclass(frozen=True, eq=False)
class _CutOut:
    """An object by itself, (h, w), with a pixel of nothing around it."""

    colours: NDArray[np.float32]  # (h, w, 4): RGB where it is and 0 elsewhere, and 1 where it is
    left_px: int  # of its first pixel in the picture
    top_px: int


def _cut_out(picture: Picture, mask: Mask) -> _CutOut:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    colours = np.dstack([picture[box], np.ones_like(picture[box][..., 0])]).astype(np.float32)
    colours[~mask[box]] = 0
    return _CutOut(np.pad(colours, ((1, 1), (1, 1), (0, 0))), int(columns[0]) - 1, int(rows[0]) - 1)


def _paint(shown: Picture, cut: _CutOut, way: Way, frame: int) -> None:
    """Draw a cut-out into a picture where its way says, as large as that says."""
    cv2 = require("cv2", "score")
    height, width = shown.shape[:2]
    corner = np.array([cut.left_px, cut.top_px])
    scale, shift = way.scales[frame], way.points_px[frame] - way.scales[frame] * way.points_px[0]
    first, last = scale * corner + shift, scale * (corner + cut.colours.shape[1::-1]) + shift
    (x0, y0), (x1, y1) = np.clip(np.floor(first), 0, (width, height)), np.clip(np.ceil(last), 0, (width, height))
    left, top, right, bottom = int(x0), int(y0), int(x1), int(y1)
    if left >= right or top >= bottom:
        return
    centre = first + (scale - 1) / 2 - (left, top)  # of its first pixel, in the window
    affine = np.array([[scale, 0, centre[0]], [0, scale, centre[1]]])
    drawn = cv2.warpAffine(cut.colours, affine, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    window = shown[top:bottom, left:right]
    window[:] = np.rint(drawn[..., :3] + (1 - drawn[..., 3:]) * window).clip(0, 255).astype(np.uint8)
