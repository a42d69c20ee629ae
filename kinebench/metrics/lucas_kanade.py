"""The weight-free companion of FVMD: the same histograms and distance, of points followed by Lucas and Kanade."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kinebench.errors import Unavailable
from kinebench.metrics import fvmd, histogram, optical_flow
from kinebench.metrics.metric import Distance, Meter, Metric, Reading
from kinebench.metrics.truth import Truth

SIDE_PX = 256
STILL_PX = 0.1
"""A point that would move less than this from one frame to the next stands still."""


def tracks(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The 400 points of `histogram.grid` through each window of 16 frames of a clip (F, H, W, 3): (F - 15, 16, 400, 2).

    x and y are in pixels of the frames squashed to 256 by 256. Each window begins anew on the grid. A point that is not
    found in the next frame stays, until its window ends, where it was seen last.
    """
    squashed = [
        np.asarray(Image.fromarray(luma).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR))
        for luma in optical_flow.gray(frames)
    ]
    windows = len(frames) - histogram.FRAMES + 1
    found = np.empty((windows, histogram.FRAMES, histogram.POINTS, 2), dtype=np.float32)
    found[:, 0] = histogram.grid(SIDE_PX, SIDE_PX)
    lost = np.zeros((windows, histogram.POINTS), dtype=np.bool_)
    for frame in range(len(frames) - 1):
        window = np.arange(max(frame - histogram.FRAMES + 2, 0), min(frame + 1, windows))  # those that go on
        step = frame - window
        here = found[window, step]
        there, seen = optical_flow.followed(squashed[frame], squashed[frame + 1], here.reshape(-1, 2))
        there = there.reshape(here.shape)
        lost[window] |= ~seen.reshape(here.shape[:2])
        stays = lost[window] | (np.hypot(*np.moveaxis(there - here, -1, 0)) < STILL_PX)
        found[window, step + 1] = np.where(stays[..., None], here, there)
    return found


@dataclass(frozen=True)
class FvmdLk(Meter):
    """FVMD's windows, grid, histograms (released acceleration) and distance, by the tracks of Lucas and Kanade.

    Its numbers are not FVMD's: PIPs++ guesses where hidden points go and looks at wide neighbourhoods. Here what is of
    one colour stands still, and so does what moves less than `STILL_PX`. FVMD counts the slightest motion an eighth, so
    that a background which trembles outvotes the objects: without that threshold, ground truth and the same clips after
    a video codec are two thirds as far apart as ground truth and still pictures; with it, they are next to each other.
    """

    name: ClassVar[str] = "fvmd_lk"
    light: ClassVar[bool] = True
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("fvmd_lk", 1, "Fréchet distance of how points move, by Lucas and Kanade", "", "lower", 0, "set", True),
    )

    @property
    def configuration(self) -> dict[str, Any]:
        """Versions and what the tracks depend on. Raises `Unavailable` without OpenCV."""
        return {
            "fvmd_lk": self.metrics[0].version,
            "opencv": optical_flow.version(),
            "acceleration": "released",
            "window_frames": histogram.FRAMES,
            "window_stride": 1,
            "resize": "squash, 256x256, PIL bilinear, gray",
            "patch_px": list(optical_flow.WINDOW_PX),
            "levels": optical_flow.LEVELS,
            "still_px": STILL_PX,
        }

    def read(self, truth: Truth, frames: NDArray[np.uint8]) -> Reading:
        """Motion features of each window of a clip (F, H, W, 3), (F - 15, 1024), as the array `features`.

        Raises `Unavailable` if the clip is shorter than a window, and without OpenCV.
        """
        if len(frames) < histogram.FRAMES:
            raise Unavailable(f"FVMD needs clips of at least {histogram.FRAMES} frames, and these have {len(frames)}")
        return Reading(arrays={"features": fvmd.motion_features(tracks(frames))})

    @property
    def distances(self) -> Mapping[str, Distance]:
        """FVMD's distance, of all windows of all clips."""
        return {"fvmd_lk": fvmd.distance}
