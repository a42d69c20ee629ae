"""How both back ends run a network, and bring its masks to the size of the frames."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

REMEMBERED = 16
"""Frames that the network looks back; what is older can go."""


@contextmanager
def running(device: str, bfloat16: bool) -> Iterator[None]:
    """No gradients; float32 that is no TensorFloat-32, or bfloat16 where torch's autocast thinks it safe."""
    exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with exact, torch.inference_mode(), torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bfloat16):
        yield


def resized(logits: Any, height: int, width: int) -> Any:
    """Logits (N, 1, h, w) as (N, 1, height, width), bilinear, as SAM2 resizes its own."""
    return functional.interpolate(logits.float(), size=(height, width), mode="bilinear", align_corners=False)


def enlarged(logits: Any, height: int, width: int) -> NDArray[np.float32]:
    """Logits (N, 1, h, w) at the size of the frames, on the CPU: (N, height, width)."""
    found: NDArray[np.float32] = resized(logits, height, width)[:, 0].cpu().numpy()
    return found
