"""The weight-free companions of SAM2's IoU: masks carried by optical flow, and what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import demand
from kinebench.metrics import iou, motion, response
from kinebench.metrics.flow.carrier import carry
from kinebench.metrics.metric import Meter, Metric, Reading, Reply
from kinebench.metrics.optical_flow import version
from kinebench.metrics.truth import Truth


@dataclass(frozen=True)
class FlowMasks(Meter):
    """Masks of the true first frame, carried through a video by optical flow (`carrier`), against the truth's.

    From the same masks come `iou_flow*` (`iou.summary`), the errors of motion (`motion`), and what the responses to
    changed causes are made from (`response`).
    """

    name: ClassVar[str] = "flow"
    light: ClassVar[bool] = True
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("iou_flow", 1, "overlap of moving objects, carried by flow", "", "higher", 1, headline=True),
        Metric("iou_flow_all", 1, "of all objects", "", "higher", 1),
        Metric("iou_flow_driven", 1, "of those that move from the start", "", "higher", 1),
        Metric("iou_flow_struck", 1, "of those that are set in motion", "", "higher", 1),
        *motion.METRICS,
        *response.METRICS,
    )

    @property
    def configuration(self) -> dict[str, Any]:
        """Versions; there is no option. Raises `Unavailable` without OpenCV or SciPy."""
        demand("scipy", "score")
        return {"opencv": version(), **{metric.name: metric.version for metric in self.metrics}}

    def read(self, truth: Truth, frames: NDArray[np.uint8]) -> Reading:
        """All values of a clip (F, H, W, 3), and the arrays of `response`. Raises `Unavailable` without OpenCV."""
        masks = carry(frames, truth.frames[0], truth.instances[0], truth.visible)
        values = {**iou.summary(truth, masks, "flow"), **motion.motion(truth, frames, masks)}
        return Reading(values, response.arrays(truth, masks))

    def worst(self, truth: Truth) -> Mapping[str, float | None]:
        """No overlap at all, and the ends of motion's scales."""
        own = iou.summary(truth, {}, "flow")
        return {**{name: None if value is None else 0.0 for name, value in own.items()}, **motion.worst(truth)}

    def respond(self, group: Sequence[Reply]) -> Mapping[str, float | None]:
        """The responses of `response.respond`."""
        return response.respond(group)
