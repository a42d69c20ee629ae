"""Whether the world stays what it is: the background stands still, objects keep their number and their size."""

import numpy as np
from numpy.typing import NDArray

from kinebench.metrics.metric import mean
from kinebench.metrics.motion.trajectory import LEAST_SHARE, Masks, areas_px, seen
from kinebench.metrics.truth import Truth

WORST_AREA = float(-np.log2(LEAST_SHARE))
"""The area error of a mask that shrinks until it counts as lost; growing by as much or more counts this too."""


def stability(truth: Truth, frames: NDArray[np.uint8], masks: Masks) -> dict[str, float | None]:
    """What no object explains, of predicted frames (F, H, W, 3) and their masks.

    `background_drift`: mean squared change (0-255 RGB) of the video against its own first frame, over the pixels that
    are no object then or now, neither in the truth nor in the prediction; mean over frames from 1 on. Shadows move, so
    the truth has a value of its own, which is the least to expect. A world that was wrong from the start and stays so
    does not drift: `mse_background` compares with the truth.

    `objects_lost`: share of the objects that the truth shows in the last frame and the prediction does not.
    `area_error`: |log2(predicted area / true area)|, at most `WORST_AREA`, mean over the frames from 1 on in which both
    show the object, then over the objects: 1 is half or double. Both over all objects that are visible in frame 0;
    None where there is none.
    """
    lost, scale = [], []
    for id in truth.visible:
        true_px = areas_px(truth.mask(id))
        px = areas_px(masks[id]) if id in masks else np.zeros_like(true_px)
        true_seen, found = seen(true_px, int(true_px[0])), seen(px, int(true_px[0]))
        if true_seen[-1]:
            lost.append(float(not found[-1]))
        both = (true_seen & found)[1:]
        if both.any():
            ratio = np.abs(np.log2(px[1:][both] / true_px[1:][both]))
            scale.append(float(np.minimum(ratio, WORST_AREA).mean()))
    return {
        "background_drift": _drift(truth, frames, masks),
        "objects_lost": mean(lost),
        "area_error": mean(scale),
    }


def _drift(truth: Truth, frames: NDArray[np.uint8], masks: Masks) -> float | None:
    drifts = []
    start = _empty(truth, masks, 0)
    first = frames[0].astype(np.int16)
    for frame in range(1, len(frames)):
        change = (frames[frame] - first)[start & _empty(truth, masks, frame)]
        if change.size:
            drifts.append(float(np.square(change, dtype=np.int32).mean()))
    return mean(drifts)


def _empty(truth: Truth, masks: Masks, frame: int) -> NDArray[np.bool_]:
    """Where no object is in one frame, (H, W)."""
    empty: NDArray[np.bool_] = truth.instances[frame] == 0
    for mask in masks.values():
        empty &= ~mask[frame]
    return empty
