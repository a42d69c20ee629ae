"""FVD and KVD: how far a set of videos is from the true ones, as a network for action recognition sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError, Unavailable, demand
from kinebench.metrics.frechet import frechet_distance
from kinebench.metrics.kernel import kernel_distance
from kinebench.metrics.metric import Distance, Meter, Metric, Reading
from kinebench.metrics.truth import Truth
from kinebench.weights import chosen

if TYPE_CHECKING:
    from kinebench.metrics.i3d.features import Preprocess

MIN_FRAMES = 9
WEIGHTS = "i3d-torchscript"
_PREPROCESSES = ("squash", "crop")


@dataclass(frozen=True)
class Fvd(Meter):
    """Fréchet video distance (Unterthiner et al. 2018) and its kernel companion.

    A clip's features are I3D's 400 logits of Kinetics-400, averaged over time, of all its frames in one pass. FVD is
    the Fréchet distance of the two sets, |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2), in float64, with 1/(N-1)
    covariances and nothing added to them; StyleGAN-V and cd-fvd divide by N. KVD is the unbiased cubic kernel distance.

    FVD is biased: two draws of 100 clips from one distribution are some 10 apart, of 2000 less than 1. Compare it only
    between sets of one size, beside the floor; KVD has no such bias.

    `preprocess`: `squash` makes the whole picture 224 px square, as the original code, StyleGAN-V and cd-fvd do; it is
    the default, because `crop`, the middle square of VideoGPT's code and of common_metrics_on_video_quality, leaves out
    a third of a 480 x 720 frame and whatever moves there. Neither antialiases. The paper states neither; values of the
    two cannot be compared, nor values of clips of other lengths.

    Two files of the same network are published (`i3d/weights.py`): a TorchScript archive, the default, and a state
    dict. Their code divides with another epsilon, 1e-3 in TensorFlow's graph and the archive, 1e-5 with the state dict.
    `weights` is a file of either layout in place of the default.
    """

    preprocess: "Preprocess" = "squash"
    device: str = "cpu"
    bfloat16: bool = False
    weights: Path | None = None

    name: ClassVar[str] = "fvd"
    light: ClassVar[bool] = False
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("fvd", 1, "Fréchet distance of I3D features", "", "lower", 0, "set", headline=True),
        Metric("kvd", 1, "unbiased kernel distance of I3D features", "", "lower", 0, "set"),
    )

    def __post_init__(self) -> None:
        """Raises KineBenchError for an option that there is not."""
        if self.preprocess not in _PREPROCESSES:
            raise KineBenchError(f"FVD has no preprocessing {self.preprocess!r}; choose {' or '.join(_PREPROCESSES)}")

    @property
    def configuration(self) -> dict[str, Any]:
        """See `kinebench.metrics.metric.Meter`."""
        demand("torch", "networks")
        return {
            "versions": {metric.name: metric.version for metric in self.metrics},
            "preprocess": self.preprocess,
            "weights": chosen(WEIGHTS, self.weights).sha256,
            "device": self.device.split(":")[0],
            "precision": "bfloat16" if self.bfloat16 else "float32",
        }

    def read(self, truth: Truth, frames: NDArray[np.uint8]) -> Reading:
        """Features of a clip, float32 (1, 400). Raises `Unavailable` below 9 frames."""
        if len(frames) < MIN_FRAMES:
            raise Unavailable(f"FVD needs clips of at least {MIN_FRAMES} frames, and these have {len(frames)}")
        from kinebench.metrics.i3d.features import features

        weights = chosen(WEIGHTS, self.weights)
        found = features(frames, weights.path, self.preprocess, self.device, self.bfloat16)
        return Reading(arrays={"features": found[None]})

    @property
    def distances(self) -> Mapping[str, Distance]:
        """FVD and KVD of the features of two sets, (N, 400)."""
        return {"fvd": frechet_distance, "kvd": kernel_distance}
