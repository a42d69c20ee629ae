"""What OpenCV does here: dense optical flow, points followed by Lucas and Kanade, and blurring.

All of it in one thread: clips are read in as many processes as there are cores.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import require

Box = tuple[slice, slice]

LEAST_PX = 48
"""DIS halves pictures down to patches of 8 pixels; this is the smallest side that it can do that with."""
WINDOW_PX, LEVELS = (15, 15), 2
"""Of Lucas and Kanade's method: the patch that is compared, and how often the picture is halved first."""
STEPS, STEP_PX = 20, 0.01
"""It ends after so many steps, or with a step below so many pixels."""


@contextmanager
def one_thread() -> Iterator[Any]:
    """The module `cv2`, on one thread until the block ends. Raises MissingExtra if it is not installed."""
    cv2 = require("cv2", "score")
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield cv2
    finally:
        cv2.setNumThreads(before)


def version() -> str:
    """OpenCV's, which flow and points depend on. Raises MissingExtra if it is not installed."""
    return str(require("cv2", "score").__version__)


def gray(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma of RGB frames (F, H, W, 3) -> (F, H, W)."""
    with one_thread() as cv2:
        return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])


def backward_flow(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Where what is at a pixel of `after` was in `before`, less that pixel; both gray (H, W) -> (H, W, 2), x and y.

    Dense inverse search (DIS), OpenCV's preset "medium". Pictures of less than `LEAST_PX` are continued by their edges:
    OpenCV would read beyond their memory.
    """
    height, width = after.shape
    wider = ((0, max(LEAST_PX - height, 0)), (0, max(LEAST_PX - width, 0)))
    pair = [np.pad(picture, wider, mode="edge") for picture in (after, before)]
    with one_thread() as cv2:
        flow: NDArray[np.float32] = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*pair, None)
    return flow[:height, :width]


def carried(mask: NDArray[np.float32], flow: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """A mask (H, W) after one backward flow (H, W, 2), bilinear, in a box of the later frame; 0 outside the image."""
    y, x = np.ogrid[box]
    at = (flow[box] + np.stack(np.broadcast_arrays(x, y), axis=-1)).astype(np.float32)
    with one_thread() as cv2:
        moved: NDArray[np.float32] = cv2.remap(mask, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return moved


def blurred(field: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """A field (H, W) under a Gaussian; mirrored at the borders."""
    with one_thread() as cv2:
        smooth: NDArray[np.float32] = cv2.GaussianBlur(field, (0, 0), sigma_px)
    return smooth


def parts(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Connected parts (8 neighbours) of a mask (H, W): their numbers from 1, 0 elsewhere; and the area of 0, 1, ..."""
    with one_thread() as cv2:
        _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return labels, np.bincount(labels.ravel())


def followed(
    before: NDArray[np.uint8], after: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where points (P, 2), x and y, of one gray picture (H, W) are in the next, and which of them are found, (P,).

    Lucas and Kanade's method. A point is not found outside the picture, nor where all is of one colour.
    """
    with one_thread() as cv2:
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, STEPS, STEP_PX)
        later, status, _ = cv2.calcOpticalFlowPyrLK(
            before, after, points, None, winSize=WINDOW_PX, maxLevel=LEVELS, criteria=criteria
        )
    return later, status.ravel() == 1
