"""The pictures of one rollout."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Clip:
    """Rendered frames."""

    rgb: NDArray[np.uint8]  # (F, H, W, 3)
    device: str  # "CPU", or Blender's name of the GPU back end
