"""Depth as 16-bit codes: multiples of a fixed step along the camera's z axis."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP_M = 2e-4
"""Codes 1..65535 reach 13.1 m; 0 means farther, or sky."""


def encode(depth_m: NDArray[Any]) -> NDArray[np.uint16]:
    """uint16 codes of depths (...) in metres."""
    steps = np.asarray(depth_m, dtype=np.float64) / STEP_M
    np.rint(steps, out=steps)
    steps[~(steps <= 65535)] = 0
    return steps.astype(np.uint16)


def decode(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Depths (...) in metres, exact to half a step; inf where the code is 0."""
    return np.where(codes > 0, codes * STEP_M, np.inf).astype(np.float32)
