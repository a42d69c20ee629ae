"""I3D for reading many clips: the same numbers up to rounding, in two thirds of the time on a CPU.

Batch norms are folded into the convolutions, channels are kept last in memory, convolutions of one pixel are matrix
products (those that read the same input are one product), and the largest of a window is taken axis by axis.
"""

from collections.abc import Sequence
from typing import Any

from kinebench.errors import require
from kinebench.metrics.i3d.network import (
    AVERAGE,
    MIXED,
    POOLS,
    STEM,
    InceptionI3d,
    Mixed,
    Triple,
    Unit,
    check_shape,
    same,
)

torch: Any = require("torch", "networks")
F = torch.nn.functional


class FoldedI3d(torch.nn.Module):  # type: ignore[misc]
    """An `InceptionI3d` that can no longer be trained or loaded into. Clips (B, 3, F, 224, 224) -> logits (B, 400)."""

    def __init__(self, network: InceptionI3d) -> None:
        super().__init__()
        for name in (*STEM, *MIXED):
            layer = network.get_submodule(name)
            self.add_module(name, _Mixed(layer) if name in MIXED else _unit(layer))
        self.logits = network.logits
        self.requires_grad_(False).eval()

    def forward(self, clips: Any) -> Any:
        """As `InceptionI3d.forward`."""
        check_shape(clips)
        x = clips.contiguous(memory_format=torch.channels_last_3d)
        for name in (*STEM, *MIXED):
            if name in POOLS:
                x = _largest(x, *POOLS[name])
            x = self.get_submodule(name)(x)
        return self.logits(F.avg_pool3d(x, AVERAGE, 1))[..., 0, 0].mean(2)


class _Window(torch.nn.Module):  # type: ignore[misc]
    """A convolution with bias and ReLU."""

    def __init__(self, unit: Unit) -> None:
        super().__init__()
        weight, bias = _folded(unit)
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last_3d))
        self.register_buffer("bias", bias)
        self.kernel, self.stride = unit.conv3d.kernel_size, unit.conv3d.stride

    def forward(self, x: Any) -> Any:
        edges = same(x.shape[2:], self.kernel, self.stride)
        if edges[::2] == edges[1::2]:  # the convolution can do this by itself
            padding = tuple(edges[::-2])
        else:
            x, padding = F.pad(x, edges), (0, 0, 0)
        return F.conv3d(x, self.weight, self.bias, self.stride, padding).relu_()


class _Pixel(torch.nn.Module):  # type: ignore[misc]
    """Convolutions of one pixel with the same input, side by side, with bias and ReLU."""

    def __init__(self, *units: Unit) -> None:
        super().__init__()
        weights, biases = zip(*map(_folded, units), strict=True)
        self.register_buffer("weight", torch.cat(weights)[:, :, 0, 0, 0].contiguous())
        self.register_buffer("bias", torch.cat(biases))

    def forward(self, x: Any) -> Any:
        return F.linear(x.movedim(1, -1), self.weight, self.bias).relu_().movedim(-1, 1)


class _Mixed(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, mixed: Mixed) -> None:
        super().__init__()
        entries = (mixed.b0, mixed.b1a, mixed.b2a)
        self.widths = [unit.conv3d.out_channels for unit in entries]
        self.entry = _Pixel(*entries)
        self.b1b, self.b2b, self.b3b = _unit(mixed.b1b), _unit(mixed.b2b), _unit(mixed.b3b)

    def forward(self, x: Any) -> Any:
        b0, b1, b2 = self.entry(x).split(self.widths, 1)
        last = torch.channels_last_3d
        branches = self.b1b(b1.contiguous(memory_format=last)), self.b2b(b2.contiguous(memory_format=last))
        return torch.cat([b0, *branches, self.b3b(_largest(x, (3, 3, 3), (1, 1, 1)))], 1)


def _unit(unit: Unit) -> Any:
    return _Pixel(unit) if unit.conv3d.kernel_size == (1, 1, 1) else _Window(unit)


def _folded(unit: Unit) -> tuple[Any, Any]:
    """Weight and bias of the convolution that does what a unit's convolution and batch norm do."""
    norm = unit.bn
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = unit.conv3d.weight.double() * scale[:, None, None, None, None]
    bias = norm.bias.double() - norm.running_mean.double() * scale
    return weight.float().detach(), bias.float().detach()


def _largest(x: Any, kernel: Triple, stride: Triple) -> Any:
    """`network.pool`, one axis after the other."""
    x = F.pad(x, same(x.shape[2:], kernel, stride))
    for axis, (edge, step) in enumerate(zip(kernel, stride, strict=True), start=2):
        if edge > 1:
            x = _largest_along(x, axis, edge, step)
    return x


def _largest_along(x: Any, axis: int, edge: int, step: int) -> Any:
    count = (x.shape[axis] - edge) // step + 1
    shifted: Sequence[Any] = [x.narrow(axis, first, (count - 1) * step + 1) for first in range(edge)]
    if step > 1:
        every = (slice(None),) * axis + (slice(None, None, step),)
        shifted = [part[every] for part in shifted]
    most = torch.maximum(shifted[0], shifted[1])
    for part in shifted[2:]:
        torch.maximum(most, part, out=most)
    return most
