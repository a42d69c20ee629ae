"""Overlap of predicted masks with the truth's, whichever tracker made them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinebench.errors import KineBenchError
from kinebench.metrics.metric import mean
from kinebench.metrics.truth import Truth


def iou_per_frame(gt: ArrayLike, pred: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of masks (F, H, W), float64 (F,). Both empty: 1, an absence that is right; one empty: 0.

    PISA counts so too; so does SA-V's J, from the frame on in which the object has appeared. Raises KineBenchError
    unless both are bool of one shape.
    """
    gt, pred = np.asarray(gt), np.asarray(pred)
    if gt.dtype != np.bool_ or pred.dtype != np.bool_ or gt.shape != pred.shape or gt.ndim != 3:
        raise KineBenchError(
            f"masks are {gt.dtype} {gt.shape} and {pred.dtype} {pred.shape}; both must be bool (F, H, W) of one shape"
        )
    shared = np.count_nonzero(gt & pred, axis=(1, 2))
    either = np.count_nonzero(gt | pred, axis=(1, 2))
    return np.where(either == 0, 1.0, shared / np.maximum(either, 1))


def object_ious(truth: Truth, masks: Mapping[int, NDArray[np.bool_]]) -> dict[int, float]:
    """Mean IoU of each visible object over frames 1 and later; an object without masks is empty in all of them.

    Frame 0 is left out: trackers are prompted with its masks and hand them back. {} for a clip of one frame.
    """
    ious: dict[int, float] = {}
    if len(truth.instances) < 2:
        return ious
    for id in truth.visible:
        gt = truth.mask(id)[1:]
        pred = masks[id][1:] if id in masks else np.zeros_like(gt)
        ious[id] = float(iou_per_frame(gt, pred).mean())
    return ious


def summary(truth: Truth, masks: Mapping[int, NDArray[np.bool_]], suffix: str) -> dict[str, float | None]:
    """IoU of one clip: mean over frames, then over objects, of four choices of objects.

    `iou_<suffix>`: those that move in the truth, which is what the metric is about, for an object at rest that stays at
    rest is 1 for any method. `_all`: all that are visible in frame 0. `_driven`: those that move from the start.
    `_struck`: those that something else sets in motion. None where there is no such object. `masks` are by object id,
    bool (F, H, W). Frame 0 excluded. Raises KineBenchError for masks of another shape.
    """
    ious = object_ious(truth, masks)
    driven = [id for id in truth.moving if id not in truth.struck]
    chosen = {"": truth.moving, "_all": truth.visible, "_driven": driven, "_struck": truth.struck}
    return {f"iou_{suffix}{which}": mean([ious[id] for id in ids if id in ious]) for which, ids in chosen.items()}
