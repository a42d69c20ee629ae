"""Frames -> tracks of a grid of points, window by window, with every frame resized and encoded once."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kinebench.errors import KineBenchError
from kinebench.metrics.histogram import grid
from kinebench.metrics.pips.network import ITERATIONS, PipsPlusPlus
from kinebench.metrics.precision import running
from kinebench.weights.checkpoint import state_dict

SIDE_PX = 256
KEY = "model_state_dict"


def square(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame (H, W, 3) squashed to 256 by 256 by PIL's bilinear filter, which averages where it shrinks."""
    return np.asarray(Image.fromarray(frame).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR))


def tracks(
    network: PipsPlusPlus,
    frames: NDArray[np.uint8],
    *,
    window: int,
    stride: int = 1,
    iterations: int = ITERATIONS,
    bfloat16: bool = False,
) -> NDArray[np.float32]:
    """The 400 points of `histogram.grid` through each window of a clip (F, H, W, 3): (W, window, 400, 2).

    A window is `window` frames, F or fewer, and starts `stride` frames after the last. x and y are in pixels of the 256
    by 256 frames.
    """
    with running(str(next(network.parameters()).device)):
        features = network.encode(np.stack([square(frame) for frame in frames]))
        windows = features.unfold(0, window, stride).movedim(-1, 1)  # (W, window, 128, 32, 32), nothing copied
        found = network.follow(windows, grid(SIDE_PX, SIDE_PX), iterations=iterations, bfloat16=bfloat16)
    result: NDArray[np.float32] = found.cpu().numpy()
    return result


@lru_cache(maxsize=1)
def loaded(weights: Path, device: str) -> PipsPlusPlus:
    """The network with published weights, kept for the next clip. Raises KineBenchError if they are not PIPs++'s."""
    network = PipsPlusPlus()
    try:
        network.load_state_dict(state_dict(weights, KEY))
    except RuntimeError as error:
        raise KineBenchError(f"{weights} is not PIPs++: names or shapes of its tensors do not fit") from error
    network.requires_grad_(False).eval()
    try:
        return network.to(device)
    except (RuntimeError, AssertionError) as error:
        raise KineBenchError(f"PIPs++ cannot run on the device {device!r}: {str(error).splitlines()[0]}") from error
