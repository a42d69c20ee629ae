"""How far both back ends look back, and how they bring masks to the size of the frames."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.nn import functional

REMEMBERED = 16
"""Frames that the network looks back; what is older can go."""


def resized(logits: Any, height: int, width: int) -> Any:
    """Logits (N, 1, h, w) as (N, 1, height, width), bilinear, as SAM2 resizes its own."""
    return functional.interpolate(logits.float(), size=(height, width), mode="bilinear", align_corners=False)


def enlarged(logits: Any, height: int, width: int) -> NDArray[np.float32]:
    """Logits (N, 1, h, w) at the size of the frames, on the CPU: (N, height, width)."""
    found: NDArray[np.float32] = resized(logits, height, width)[:, 0].cpu().numpy()
    return found
