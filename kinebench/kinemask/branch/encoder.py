"""Velocity masks on the grid of a backbone's latents."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

Norm = Literal["group", "none"]
"""What keeps features in range. `group`, as in the paper's code base, also mixes an object's speed with its size."""

GAIN = 10.0
"""Without a norm masks are multiplied by this: they are small and mostly zero."""
CHANNELS = 3
FRAMES = 4
"""So many frames make one latent frame; the first frame is one of its own."""


class MaskEncoder(nn.Module):  # type: ignore[misc]
    """Masks (B, F, 3, H, W) to features (B, T, C, H / f, W / f), T = (F - 1) / 4 + 1, f the factor of `unshuffle`.

    Latent frame 0 knows mask frame 0, latent frame k the frames 4k-3 to 4k: causal, as a video autoencoder is.
    """

    def __init__(self, unshuffle: int, width: int, channels: int, norm: Norm) -> None:
        super().__init__()
        self.unshuffle = nn.PixelUnshuffle(unshuffle)
        self.gain = GAIN if norm == "none" else 1.0
        self.narrow = nn.Conv2d(CHANNELS * unshuffle**2, width, 1)
        self.mix = nn.Conv2d(width, channels, 1)
        self.narrow_norm: nn.Module = nn.GroupNorm(2, width) if norm == "group" else nn.Identity()
        self.mix_norm: nn.Module = nn.GroupNorm(2, channels) if norm == "group" else nn.Identity()

    def forward(self, masks: Tensor) -> Tensor:
        """Features, in the dtype of the weights."""
        masks = masks.to(self.narrow.weight.dtype) * self.gain
        features = self._framewise(masks, lambda x: torch.relu(self.narrow_norm(self.narrow(self.unshuffle(x)))))
        features = self._framewise(pooled(features), lambda x: torch.relu(self.mix_norm(self.mix(x))))
        return pooled(features)

    @staticmethod
    def _framewise(frames: Tensor, layer: Any) -> Tensor:
        batch = frames.shape[0]
        return layer(frames.flatten(0, 1)).unflatten(0, (batch, -1))


def pooled(frames: Tensor) -> Tensor:
    """Half as many frames (B, F, ...), F odd: the first stays alone, the others become means of pairs."""
    first, rest = frames[:, :1], frames[:, 1:]
    return torch.cat([first, rest.unflatten(1, (-1, 2)).mean(dim=2)], dim=1)
