"""The Fréchet video motion distance (Liu et al. 2024): do points of two sets of videos move alike?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinebench.errors import KineBenchError, Unavailable, demand
from kinebench.metrics import histogram
from kinebench.metrics.frechet import frechet_distance
from kinebench.metrics.metric import Distance, Meter, Metric, Reading
from kinebench.metrics.truth import Truth
from kinebench.weights import chosen

Acceleration = Literal["released", "paper"]

EPS = 1e-5
WEIGHTS = "pips2"


def motion_features(tracks: ArrayLike, *, acceleration: Acceleration = "released") -> NDArray[np.float32]:
    """Histograms of the velocity and the acceleration of tracked points: float32 (B, 1024), multiples of 1/8.

    `tracks` are (B, 16, 400, 2), x and y in pixels of a picture 256 pixels wide and high, points in 20 rows of 20. The
    first 512 numbers are of velocity, the others of acceleration, each as `histogram` describes. Velocity is the step
    from the frame before, zero in frame 0; acceleration is zero in frames 0 and 1, and from frame 2 on, with

        "paper", v[t] - v[t - 1]: equation 2;
        "released", v[t]: the public code takes differences of tracks where it means differences of velocities, so that
            its acceleration is the velocity again, without frame 1. Published numbers were made so.

    For float32 tracks they are bit for bit those of `fvmd` 1.0.0. Raises KineBenchError for another shape, a position
    that is not finite, or an unknown acceleration.
    """
    places = np.asarray(tracks, dtype=np.float32)
    if places.ndim != 4 or places.shape[1:] != (histogram.FRAMES, histogram.POINTS, 2):
        raise KineBenchError(f"tracks are of shape {places.shape}; FVMD takes (B, 16, 400, 2)")
    if not np.isfinite(places).all():
        raise KineBenchError("tracks hold positions that are not finite; no histogram can be made of them")
    _check(acceleration)
    velocity = np.zeros_like(places)
    np.subtract(places[:, 1:], places[:, :-1], out=velocity[:, 1:])
    bins, eighths = histogram.votes(velocity)
    first = histogram.counted(bins, eighths)
    if acceleration == "released":
        second = first - histogram.counted(bins[:, 1], eighths[:, 1])
    else:
        change = np.zeros_like(places)
        np.subtract(velocity[:, 2:], velocity[:, 1:-1], out=change[:, 2:])
        second = histogram.counted(*histogram.votes(change))
    return np.concatenate([first, second], axis=1)


def distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """FVMD of two sets of motion features, one row a window (N, 1024).

    The Fréchet distance with covariances divided by N - 1 and 1e-5 added to their diagonals inside the square root
    only, as released: of a set and itself it is -0.02, and it is not clamped.
    """
    return frechet_distance(a, b, eps=EPS)


def _check(acceleration: str) -> None:
    if acceleration not in get_args(Acceleration):
        raise KineBenchError(f"there is no acceleration {acceleration!r} of FVMD; there are released and paper")


@dataclass(frozen=True)
class Fvmd(Meter):
    """FVMD by PIPs++ tracks.

    Frames are squashed to 256 by 256 pixels by PIL's bilinear filter, as the public code does with folders of pictures
    (of arrays it resizes the shorter side, which gives other numbers). Of every window of 16 frames, each one frame
    after the last, 400 points are tracked, and their histograms are one row of the set. A clip of 49 frames has 34.

    The public code runs over as many windows as the ground truth has, whatever the length of the other set; here each
    set has its own.
    """

    acceleration: Acceleration = "released"
    window_stride: int = 1
    device: str = "cpu"
    bfloat16: bool = False
    weights: Path | None = None  # a file in place of the catalogue's

    name: ClassVar[str] = "fvmd"
    light: ClassVar[bool] = False
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("fvmd", 1, "Fréchet distance of how tracked points move", "", "lower", 0, "set", headline=True),
    )

    def __post_init__(self) -> None:
        _check(self.acceleration)
        if self.window_stride < 1:
            raise KineBenchError(f"FVMD's windows cannot be {self.window_stride} frames apart; give 1 or more")

    @property
    def configuration(self) -> dict[str, Any]:
        """Options, hash of the weights, and whether the distance may be compared with published ones."""
        demand("torch", "networks")
        weights = chosen(WEIGHTS, self.weights)
        as_published = self.acceleration == "released" and self.window_stride == 1 and not self.bfloat16
        return {
            "fvmd": self.metrics[0].version,
            "acceleration": self.acceleration,
            "window_frames": histogram.FRAMES,
            "window_stride": self.window_stride,
            "resize": "squash, 256x256, PIL bilinear",
            "precision": "bfloat16" if self.bfloat16 else "float32",
            "tf32": False,
            "device": self.device.split(":")[0],
            "weights": weights.sha256,
            "comparable": as_published and weights.published,
        }

    def read(self, truth: Truth, frames: NDArray[np.uint8]) -> Reading:
        """Motion features of each window (W, 1024), as the array `features`.

        Raises `Unavailable` if the clip is shorter than a window, and without weights or torch.
        """
        if len(frames) < histogram.FRAMES:
            raise Unavailable(f"FVMD needs clips of at least {histogram.FRAMES} frames, and these have {len(frames)}")
        from kinebench.metrics.pips.tracks import loaded, tracks

        network = loaded(chosen(WEIGHTS, self.weights).path, self.device)
        found = tracks(network, frames, window=histogram.FRAMES, stride=self.window_stride, bfloat16=self.bfloat16)
        return Reading(arrays={"features": motion_features(found, acceleration=self.acceleration)})

    @property
    def distances(self) -> Mapping[str, Distance]:
        """FVMD of all windows of all clips."""
        return {"fvmd": distance}
