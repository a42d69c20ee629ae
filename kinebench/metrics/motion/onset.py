"""When objects that stand still are set in motion, as far as masks tell: collisions, missed and invented."""

import numpy as np
from numpy.typing import NDArray

from kinebench.metrics.ground import centroids_px
from kinebench.metrics.metric import mean
from kinebench.metrics.motion.trajectory import LEAST_PX, Masks
from kinebench.metrics.truth import MOVES_PX, Truth

BACK_PX = 1.0
"""An object that comes back to less than this from its place was only disturbed."""


def collisions(truth: Truth, masks: Masks) -> dict[str, float | None]:
    """Of the objects that are seen at rest in frame 0: which ones move, and when.

    One detector (`onset_frame`) looks at the truth's masks and at the predicted ones, so that the truth's masks make no
    error. `collision_time_error_s`: |difference of onsets|, mean over the objects that move in both.
    `collisions_missed`: share of those that move in the truth which never move in the prediction.
    `collisions_invented`: share of those that stay at rest in the truth which move in the prediction. None where there
    is no such object.
    """
    late_s, missed, invented = [], [], []
    true_masks = {id: truth.mask(id) for id in truth.visible}
    true_any, any_object = _union(true_masks), _union(masks)
    for id in truth.visible:
        if id in truth.driven:
            continue
        true = onset_frame(true_masks[id], true_any)
        found = onset_frame(masks[id], any_object) if id in masks else None
        if true is None:
            invented.append(float(found is not None))
            continue
        missed.append(float(found is None))
        if found is not None:
            late_s.append(abs(found - true) / truth.fps)
    return {
        "collision_time_error_s": mean(late_s),
        "collisions_missed": mean(missed),
        "collisions_invented": mean(invented),
    }


def onset_frame(mask: NDArray[np.bool_], any_object: NDArray[np.bool_]) -> int | None:
    """The first frame from which a mask (F, H, W) has left its place and does not come back; None if it never does.

    It has left when its centroid is over `MOVES_PX` from that of its first mask, both taken only where no other object
    is seen, now or at first: passing in front of an object at rest hides a part of it, which is no motion. It comes
    back when it is nearer than `BACK_PX`. Frames in which too little is left to compare say nothing. `any_object` is
    where anything is, (F, H, W).
    """
    away = np.full(len(mask), np.nan)
    box = _box(mask)
    mask, others = mask[box], any_object[box] & ~mask[box]
    for frame in range(len(mask)):
        free = ~(others[frame] | others[0])
        pair = mask[[0, frame]] & free
        if pair.sum(axis=(1, 2)).min() >= LEAST_PX:
            place = centroids_px(pair)
            away[frame] = np.hypot(*(place[1] - place[0]))
    near = np.flatnonzero(away < BACK_PX)
    left = np.flatnonzero(away > MOVES_PX)
    left = left[left > near[-1]] if len(near) else left
    return int(left[0]) if len(left) else None


def _union(masks: Masks) -> NDArray[np.bool_]:
    """Where any of the objects is, (F, H, W)."""
    arrays = list(masks.values())
    union = arrays[0].copy() if arrays else np.zeros((0, 0, 0), dtype=np.bool_)
    for array in arrays[1:]:
        union |= array
    return union


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """All frames, and the rows and columns in which the mask is ever seen."""
    rows, columns = (np.flatnonzero(mask.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    if not len(rows):
        return slice(None), slice(0, 0), slice(0, 0)
    return slice(None), slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
