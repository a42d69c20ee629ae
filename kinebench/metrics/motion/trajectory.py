"""Where the masks of moving objects go: place, speed and direction in the image.

Of a mask all is told by the centroid of what is seen. Half hidden behind another object, or half out of the image, it
is not the object's centre; but truth and prediction are measured alike, so what is hidden in both shifts both.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kinebench.metrics.ground import centroids_px
from kinebench.metrics.metric import mean
from kinebench.metrics.truth import Truth

LEAST_PX, LEAST_SHARE = 8, 0.05
"""An object is seen where its mask has this many pixels, and this share of its first mask: of less, a centroid says
little, and a mask is a leftover."""

START_S = 0.25
"""Speed and direction are those of the first frames, up to this time: before most collisions, and before friction has
taken much. At 24 frames a second, 7 frames."""
WORST_VELOCITY = 2.0
"""The velocity error of the opposite velocity; more is not counted, and an object that is lost counts this."""
SLOW = 0.1
"""What is slower than this share of the truth's speed has no direction."""
NO_DIRECTION_DEG, WORST_DIRECTION_DEG = 90.0, 180.0
STILL_PX_PER_FRAME = 0.1
"""What is slower in the truth itself has no velocity to compare with: it moves along the line of sight."""

Masks = Mapping[int, NDArray[np.bool_]]


def diagonal_px(truth: Truth) -> float:
    """Of the image: as far off as anything can be."""
    height, width = truth.instances.shape[1:]
    return float(np.hypot(height, width))


def areas_px(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pixels of a mask (F, H, W) in each frame, (F,)."""
    counts: NDArray[np.int64] = mask.sum(axis=(1, 2), dtype=np.int64)
    return counts


def seen(areas: NDArray[np.int64], first_px: int) -> NDArray[np.bool_]:
    """In which frames an object of so many pixels in the true first frame is seen, (F,)."""
    enough: NDArray[np.bool_] = areas >= max(LEAST_PX, LEAST_SHARE * first_px)
    return enough


def path_px(mask: NDArray[np.bool_], first_px: int) -> NDArray[np.float64]:
    """Centroids (F, 2) where an object is seen, else NaN."""
    return np.where(seen(areas_px(mask), first_px)[:, None], centroids_px(mask), np.nan)


def trajectory(truth: Truth, masks: Masks) -> dict[str, float | None]:
    """How far objects are from where they should be, and whether they start as they should.

    `trajectory_px`: distance between the predicted and the true centroid; mean over the frames from 1 on in which the
    truth shows the object, then over the moving objects. Where the prediction has lost it, the distance is the image's
    diagonal. Where the truth does not show it, there is no place to compare with, and the frame is left out, also if
    the prediction still has it: `iou_flow` counts that. `trajectory_diameters`: the same over the object's own size,
    the diameter of the circle with the area of its first mask. `final_position_px`: the same at the last frame in which
    the truth shows the object.

    `velocity_error`: |v - v_true| / |v_true|, v the slope of a least-squares line through the centroids up to
    `START_S`, mean over the objects that move from the start; 1 for standing still, at most `WORST_VELOCITY`, which an
    object lost in over half of these frames counts. `direction_error_deg`: the angle between v and v_true, 0 to 180;
    90 for what hardly moves, 180 for what is lost.

    None where there is no such object.
    """
    diagonal = diagonal_px(truth)
    mean_px, diameters, last_px = [], [], []
    velocity, direction = [], []
    for id in truth.moving:
        true_mask = truth.mask(id)
        first_px = int(true_mask[0].sum())
        true_path, path = path_px(true_mask, first_px), path_px(_of(masks, id, true_mask), first_px)
        away = np.linalg.norm(path - true_path, axis=1)
        away[np.isnan(path[:, 0])] = diagonal
        shown = away[1:][~np.isnan(true_path[1:, 0])]
        if len(shown):
            mean_px.append(float(shown.mean()))
            diameters.append(float(shown.mean()) / (2 * np.sqrt(first_px / np.pi)))
            last_px.append(float(shown[-1]))
        if id in truth.driven:
            errors = _start_errors(true_path, path, truth.fps)
            if errors is not None:
                velocity.append(errors[0])
                direction.append(errors[1])
    return {
        "trajectory_px": mean(mean_px),
        "trajectory_diameters": mean(diameters),
        "final_position_px": mean(last_px),
        "velocity_error": mean(velocity),
        "direction_error_deg": mean(direction),
    }


def _start_errors(true_path: NDArray[np.float64], path: NDArray[np.float64], fps: float) -> tuple[float, float] | None:
    """Relative error of the first velocity and its angle in degrees; None if the truth has none."""
    count = max(round(START_S * fps) + 1, 3)
    true = _slope(true_path[:count])
    speed = float(np.linalg.norm(true)) if true is not None else 0.0
    if true is None or speed < STILL_PX_PER_FRAME:
        return None
    found = _slope(path[:count])
    if found is None:
        return WORST_VELOCITY, WORST_DIRECTION_DEG
    error = min(float(np.linalg.norm(found - true)) / speed, WORST_VELOCITY)
    if np.linalg.norm(found) < SLOW * speed:
        return error, NO_DIRECTION_DEG
    cross, along = true[0] * found[1] - true[1] * found[0], true @ found
    return error, float(np.degrees(np.arctan2(abs(cross), along)))


def _slope(path: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Pixels a frame (2,) of a least-squares line; None if the object is seen in fewer than half of the frames."""
    frames = np.flatnonzero(~np.isnan(path[:, 0]))
    if len(frames) < max(2, (len(path) + 1) // 2):
        return None
    times = frames - frames.mean()
    slope: NDArray[np.float64] = times @ path[frames] / (times @ times)
    return slope


def _of(masks: Masks, id: int, like: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return masks[id] if id in masks else np.zeros_like(like)
