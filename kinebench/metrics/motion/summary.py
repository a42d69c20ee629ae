"""What masks say of the motion in a video, whichever tracker made them."""

import numpy as np
from numpy.typing import NDArray

from kinebench.metrics.metric import Metric
from kinebench.metrics.motion.onset import collisions
from kinebench.metrics.motion.stability import WORST_AREA, stability
from kinebench.metrics.motion.trajectory import Masks, trajectory
from kinebench.metrics.truth import Truth

METRICS: tuple[Metric, ...] = (
    Metric("trajectory_px", 1, "distance of moving objects from where they should be", "px", "lower", 0),
    Metric("trajectory_diameters", 1, "error of place, in the object's size", "diameters", "lower", 0, headline=True),
    Metric("final_position_px", 1, "the same, at the end", "px", "lower", 0),
    Metric("velocity_error", 1, "relative error of the first velocity of driven objects", "", "lower", 0),
    Metric("direction_error_deg", 1, "angle between it and the true one", "deg", "lower", 0),
    Metric("collision_time_error_s", 1, "when struck objects start to move", "s", "lower", 0),
    Metric("collisions_missed", 1, "share of struck objects that never move", "", "lower", 0, headline=True),
    Metric("collisions_invented", 1, "share of objects at rest that start to move", "", "lower", 0, headline=True),
    Metric("background_drift", 1, "mean squared change of what is no object, since frame 0", "", "lower", 0),
    Metric("objects_lost", 1, "share of objects that are gone at the end", "", "lower", 0),
    Metric("area_error", 1, "change of an object's size, in doublings", "", "lower", 0),
)


def motion(truth: Truth, frames: NDArray[np.uint8], masks: Masks) -> dict[str, float | None]:
    """Every value of `METRICS`, of predicted frames (F, H, W, 3) and masks bool (F, H, W) by object id.

    Definitions are at `trajectory`, `collisions` and `stability`. With the truth's own frames and masks all are 0 but
    `background_drift`, which shadows make. Whatever has no mask is lost from the start. None: nothing to measure.
    """
    return {**trajectory(truth, masks), **collisions(truth, masks), **stability(truth, frames, masks)}


def worst(truth: Truth) -> dict[str, float | None]:
    """What they say of a prediction that is missing; None where they would say None of any."""
    ends = {
        **trajectory(truth, {}),
        "collision_time_error_s": len(truth.instances) / truth.fps,
        "collisions_missed": 1.0,
        "collisions_invented": 1.0,
        "background_drift": 255.0**2,
        "objects_lost": 1.0,
        "area_error": WORST_AREA,
    }
    best = motion(truth, truth.frames, {id: truth.mask(id) for id in truth.visible})
    return {name: None if value is None else ends[name] for name, value in best.items()}
