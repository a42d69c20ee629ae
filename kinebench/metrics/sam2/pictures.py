"""Frames and prompts as the network takes them: one resize and one normalisation for both back ends."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Pictures:
    """A clip of which each frame is resized when it is asked for, so that it is never held at the network's size.

    Pillow's bicubic filter on uint8, aspect lost: what the published loader of frame folders does, to the last bit,
    and the same on every machine (`transformers`' own processor is bilinear and wants torchvision).
    """

    frames: NDArray[np.uint8] = field(repr=False)  # (F, H, W, 3) RGB
    side: int  # of the square that the network takes

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Any:
        """One frame, float32 tensor (3, side, side)."""
        resized = np.asarray(
            Image.fromarray(self.frames[index]).resize((self.side, self.side), Image.Resampling.BICUBIC)
        )
        mean, deviation = (torch.tensor(value, dtype=torch.float32)[:, None, None] for value in (_MEAN, _DEVIATION))
        picture = torch.from_numpy(resized / 255.0).permute(2, 0, 1).to(torch.float32)
        return (picture - mean) / deviation


def prompt(mask: NDArray[np.bool_], side: int) -> Any:
    """A mask (H, W) as SAM2 is given it, float32 (1, 1, side, side): bilinear with antialiasing, 1 from one half on."""
    given = torch.from_numpy(np.ascontiguousarray(mask)).to(torch.float32)[None, None]
    resized = functional.interpolate(given, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
    return (resized >= 0.5).to(torch.float32)
