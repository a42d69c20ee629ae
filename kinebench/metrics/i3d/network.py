"""I3D, the network behind FVD: an Inception with 3D convolutions, trained on Kinetics-400.

Carreira and Zisserman, "Quo Vadis, Action Recognition?", 2017. Modules are named as in the published state dicts. Pads
as TensorFlow does ("same": what the stride leaves over is split, the odd row behind), so that any number of frames from
`MIN_FRAMES` on gives the original's numbers.
"""

import math
from collections.abc import Sequence
from typing import Any

from kinebench.errors import KineBenchError, require

torch: Any = require("torch", "networks")
F = torch.nn.functional

MIN_FRAMES = 9
"""Fewer leave the last average, over two steps of time, with one."""

SIDE_PX = 224
"""Pictures have to be this wide and high: the last average spans 7 by 7."""

Triple = tuple[int, int, int]

STEM: dict[str, tuple[int, int, int, int]] = {  # in, out, edge of the kernel, stride
    "Conv3d_1a_7x7": (3, 64, 7, 2),
    "Conv3d_2b_1x1": (64, 64, 1, 1),
    "Conv3d_2c_3x3": (64, 192, 3, 1),
}
MIXED: dict[str, tuple[int, ...]] = {  # out of b0, b1a, b1b, b2a, b2b, b3b
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
POOLS: dict[str, tuple[Triple, Triple]] = {  # before which layer: kernel, stride
    "Conv3d_2b_1x1": ((1, 3, 3), (1, 2, 2)),
    "Mixed_3b": ((1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ((3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ((2, 2, 2), (2, 2, 2)),
}
AVERAGE: Triple = (2, 7, 7)
WIDTH = 1024  # channels before the logits


def same(sizes: Sequence[int], kernel: Triple, stride: Triple) -> list[int]:
    """Padding of the last three axes as `torch.nn.functional.pad` takes it: last axis first, front and back."""
    both = (max((math.ceil(n / s) - 1) * s + k - n, 0) for n, k, s in zip(sizes, kernel, stride, strict=True))
    return [side for total in reversed(tuple(both)) for side in (total // 2, total - total // 2)]


def check_shape(clips: Any) -> None:
    """Raises KineBenchError unless clips are (B, C, F, 224, 224) with enough frames."""
    if clips.ndim != 5 or tuple(clips.shape[3:]) != (SIDE_PX, SIDE_PX):
        raise KineBenchError(f"I3D takes (B, 3, F, {SIDE_PX}, {SIDE_PX}), not {tuple(clips.shape)}")
    if clips.shape[2] < MIN_FRAMES:
        raise KineBenchError(f"I3D, and with it FVD, needs clips of at least {MIN_FRAMES} frames, not {clips.shape[2]}")


class Unit(torch.nn.Module):  # type: ignore[misc]
    """Convolution, batch norm, ReLU; or a convolution with a bias alone."""

    def __init__(self, channels: int, out: int, edge: int, stride: int, eps: float | None) -> None:
        super().__init__()
        self.conv3d = torch.nn.Conv3d(channels, out, edge, stride, bias=eps is None)
        if eps is not None:
            self.bn = torch.nn.BatchNorm3d(out, eps=eps)

    def forward(self, x: Any) -> Any:
        """(B, in, T, H, W) -> (B, out, ...), each size divided by the stride and rounded up."""
        x = self.conv3d(F.pad(x, same(x.shape[2:], self.conv3d.kernel_size, self.conv3d.stride)))
        return F.relu(self.bn(x)) if hasattr(self, "bn") else x


class Mixed(torch.nn.Module):  # type: ignore[misc]
    """An Inception block: four branches side by side."""

    def __init__(self, channels: int, out: Sequence[int], eps: float) -> None:
        super().__init__()
        self.b0 = Unit(channels, out[0], 1, 1, eps)
        self.b1a = Unit(channels, out[1], 1, 1, eps)
        self.b1b = Unit(out[1], out[2], 3, 1, eps)
        self.b2a = Unit(channels, out[3], 1, 1, eps)
        self.b2b = Unit(out[3], out[4], 3, 1, eps)
        self.b3b = Unit(channels, out[5], 1, 1, eps)

    def forward(self, x: Any) -> Any:
        """(B, in, T, H, W) -> (B, sum of the branches, T, H, W)."""
        pooled = pool(x, (3, 3, 3), (1, 1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], 1)


def pool(x: Any, kernel: Triple, stride: Triple) -> Any:
    """Largest of each window. Zeros at the edges change nothing: `x` comes out of a ReLU."""
    return F.max_pool3d(F.pad(x, same(x.shape[2:], kernel, stride)), kernel, stride)


class InceptionI3d(torch.nn.Module):  # type: ignore[misc]
    """Clips in [-1, 1] to class scores. Loads the published state dicts; call `eval()` before use.

    `eps` is that of the batch norms: 1e-5 in the code of VideoGPT and cd-fvd, 1e-3 in the graph of TensorFlow Hub and
    in piergiaj's code. On the same weights it moves the logits by up to 2 % of their deviation.
    """

    def __init__(self, num_classes: int = 400, in_channels: int = 3, eps: float = 1e-5) -> None:
        super().__init__()
        for name, (_, out, edge, stride) in STEM.items():
            self.add_module(name, Unit(in_channels, out, edge, stride, eps))
            in_channels = out
        for name, widths in MIXED.items():
            self.add_module(name, Mixed(in_channels, widths, eps))
            in_channels = widths[0] + widths[2] + widths[4] + widths[5]
        self.logits = Unit(in_channels, num_classes, 1, 1, None)

    def pooled(self, clips: Any) -> Any:
        """What the logits are made of: (B, 3, F, 224, 224) -> (B, 1024, steps, 1, 1), a step for about 8 frames."""
        check_shape(clips)
        x = clips
        for name in (*STEM, *MIXED):
            if name in POOLS:
                x = pool(x, *POOLS[name])
            x = self.get_submodule(name)(x)
        return F.avg_pool3d(x, AVERAGE, 1)

    def steps(self, clips: Any) -> Any:
        """Logits of each step of time: (B, 3, F, 224, 224) -> (B, classes, steps), as piergiaj's network gives them."""
        return self.logits(self.pooled(clips))[..., 0, 0]

    def forward(self, clips: Any) -> Any:
        """Logits averaged over time: (B, 3, F, 224, 224) -> (B, classes). Raises KineBenchError below 9 frames."""
        return self.steps(clips).mean(2)
