"""IoU of the objects that SAM2 follows through a clip with where the ground truth has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.metrics import iou
from kinebench.metrics.metric import Meter, Metric, Reading
from kinebench.metrics.sam2.backend import BACKENDS, Backend, load, package
from kinebench.metrics.sam2.size import SIZES, Name
from kinebench.metrics.sam2.tracking import Tracker, track
from kinebench.metrics.truth import Truth
from kinebench.weights import chosen

_STRIDE = 32  # of the encoder's coarsest stage


@dataclass(frozen=True)
class Sam2Masks(Meter):
    """SAM2 IoU: the truth's masks of frame 0 prompt SAM2, which carries them through the prediction.

    The paper "uses SAM2 to extract semantic masks of objects in generated videos" and states neither prompt nor object
    set nor average. Here: one mask prompt for each object that is seen on frame 0 of the ground truth, forward
    propagation, logits above 0 at the truth's resolution, no holes filled, no constraint between objects. IoU by object
    and frame; frame 0 excluded, which is the prompt (published code for video segmentation leaves it out too); both
    empty 1, one empty 0; mean over frames, then objects, then videos.

    `iou_sam2` is of the objects that move in the truth: with those at rest in the average, a frozen video would score
    high. Given the truth's own frames it says how well SAM2 itself can follow them: the ceiling.

    The two back ends are the published network and its port in `transformers`. The same weights give the same logits to
    1e-5, and to 3e-4 where a memory, which SAM2 keeps in bfloat16, is rounded the other way (on a CPU, logits of about
    4). `bfloat16` is what the published examples run in; it is faster on a GPU, and not comparable to the last digit.
    """

    size: Name = "large"
    backend: Backend = "transformers"
    device: str = "cpu"
    image_size: int = 1024
    bfloat16: bool = False
    weights: Path | None = None  # the published .pt; None: the one that `kinebench weights fetch` got

    name: ClassVar[str] = "sam2"
    light: ClassVar[bool] = False
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("iou_sam2", 1, "IoU of moving objects, followed by SAM2", "", "higher", 1, headline=True),
        Metric("iou_sam2_all", 1, "the same for all objects seen at first", "", "higher", 1),
        Metric("iou_sam2_driven", 1, "the same for objects that move from the start", "", "higher", 1),
        Metric("iou_sam2_struck", 1, "the same for objects set in motion by contact", "", "higher", 1),
    )

    def __post_init__(self) -> None:
        """Raises `KineBenchError` for an unknown size or back end, or an image size that the encoder cannot halve."""
        if self.size not in SIZES:
            raise KineBenchError(f"SAM2 has no size {self.size!r}; choose one of {', '.join(SIZES)}")
        if self.backend not in BACKENDS:
            raise KineBenchError(f"SAM2 has no back end {self.backend!r}; choose one of {', '.join(BACKENDS)}")
        if self.image_size < _STRIDE or self.image_size % _STRIDE:
            raise KineBenchError(f"SAM2's image size {self.image_size} is not a multiple of {_STRIDE}")

    @property
    def configuration(self) -> dict[str, Any]:
        """See `kinebench.metrics.metric.Meter`."""
        return {
            "versions": {metric.name: metric.version for metric in self.metrics},
            "size": self.size,
            "backend": self.backend,
            "package": package(self.backend),
            "device": self.device.split(":")[0],
            "image_size": self.image_size,
            "bfloat16": self.bfloat16,
            "weights": chosen(self.published, self.weights).sha256,
        }

    @property
    def published(self) -> str:
        """What its weights are called in the catalogue."""
        return f"sam2.1-hiera-{self.size}"

    def masks(self, frames: NDArray[np.uint8], first: Mapping[int, NDArray[np.bool_]]) -> dict[int, NDArray[np.bool_]]:
        """Masks (F, H, W) by object id, carried through frames (F, H, W, 3) from masks (H, W) on frame 0."""
        return track(_tracker(self), frames, first)

    def read(self, truth: Truth, frames: NDArray[np.uint8]) -> Reading:
        """The four IoUs of one clip; frames (F, H, W, 3) of the truth's own shape."""
        first = {id: truth.instances[0] == id for id in truth.visible}
        return Reading(iou.summary(truth, self.masks(frames, first), "sam2"))

    def worst(self, truth: Truth) -> Mapping[str, float | None]:
        """Zero, where there is an object to follow."""
        perfect = iou.summary(truth, {id: truth.mask(id) for id in truth.visible}, "sam2")
        return {name: None if value is None else 0.0 for name, value in perfect.items()}


@lru_cache(maxsize=1)
def _tracker(meter: Sam2Masks) -> Tracker:
    """The network of a meter, kept for the next clip."""
    return load(
        meter.backend,
        SIZES[meter.size],
        meter.image_size,
        chosen(meter.published, meter.weights).path,
        meter.device,
        meter.bfloat16,
    )
