"""PIPs++, the point tracker of FVMD: the published network (Zheng et al. 2023), computed another way.

It knows a frame by features at an eighth of its size. Points start where they are in frame 0 and stand still; then, a
fixed number of times, every track looks in every frame at how alike its surroundings are to the point as it was in
frame 0, two frames before and four frames before, and a convolutional network along time says where to move.

That network is 88 % of the multiplications. Written as plain convolutions it runs near the peak of a processor, so it
is only made faster by multiplying less: see `pips/winograd.py`. Everything is laid out time first, (frames, tracks,
channels), where the tiles of a convolution are matrices as they lie.
"""

from collections.abc import Iterable
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import require
from kinebench.metrics.pips import winograd

torch: Any = require("torch", "networks")
nn: Any = torch.nn
functional: Any = torch.nn.functional

STRIDE = 8
CHANNELS = 128
ITERATIONS = 16
LEVELS = 4
RADIUS = 3
LAGS = (2, 4)
WIDTHS = (128, 128, 128, 256, 256, 512, 512, 1024, 1024)
SMALLEST_PX = 128  # the coarsest of the four levels has two places then
_INPUTS = (1 + len(LAGS)) * LEVELS * (2 * RADIUS + 1) ** 2 + CHANNELS + 2
_FRAMES_AT_ONCE = 8
_TRACKS_AT_ONCE = 50  # by each core of a CPU: what they carry stays in its last cache
_WINDOW_BYTES = 600e6  # of a GPU, while 400 points are followed through 16 frames
_MOST_WINDOWS = 64  # and an index is still an int32


class PipsPlusPlus(nn.Module):  # type: ignore[misc]
    """The network with the keys and shapes of the published `model_state_dict`, for use only, not for training."""

    def __init__(self) -> None:
        super().__init__()
        self.fnet = Encoder()
        self.delta_block = Refiner()
        self.norm = nn.GroupNorm(1, CHANNELS)  # published, and used by nothing

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def encode(self, frames: NDArray[np.uint8]) -> Any:
        """Features of RGB frames, each by itself: (F, H, W, 3) to a float32 tensor (F, 128, H / 8, W / 8)."""
        weight = self.fnet.conv1.weight
        features = []
        for start in range(0, len(frames), _FRAMES_AT_ONCE):
            part = torch.from_numpy(np.ascontiguousarray(frames[start : start + _FRAMES_AT_ONCE]))
            part = part.to(weight.device).permute(0, 3, 1, 2).to(weight.dtype)
            features.append(self.fnet(2 * (part / 255) - 1))
        return torch.cat(features)

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def follow(
        self, features: Any, points_px: NDArray[np.float32], *, iterations: int = ITERATIONS, bfloat16: bool = False
    ) -> Any:
        """Where points of a window's first frame are in each of its frames: float32 tensor (B, S, N, 2), in pixels.

        As the public code tracks for FVMD: from standstill, and with half steps after three quarters of the iterations
        (its option `beautify`). Frame 0 keeps the points as given. `features` are (B, S, 128, h, w), of B windows of S
        frames of 8 h by 8 w pixels, 128 or more each way; `points_px` are (N, 2), x and y. With `bfloat16` the network
        along time multiplies in bfloat16, which moves tracks by far more than rounding does.
        """
        if min(features.shape[-2:]) * STRIDE < SMALLEST_PX:
            raise ValueError(f"frames of {[n * STRIDE for n in features.shape[-2:]]}: at least {SMALLEST_PX} pixels")
        start = torch.from_numpy(points_px).to(features) / STRIDE
        step = self.delta_block.prepared(features.shape[1], bfloat16)
        parts = features.split(_windows_at_once(features.device))
        return torch.cat([_followed(part.transpose(0, 1), start, step, iterations) for part in parts]) * STRIDE


def _followed(features: Any, start: Any, step: "Step", iterations: int) -> Any:
    """Of features (S, B, 128, h, w) and points (N, 2) in their pixels: (B, S, N, 2)."""
    places = start.expand(*features.shape[:2], *start.shape).clone()
    likeness = Likeness(features, places[0])
    for iteration in range(iterations):
        if iteration:
            likeness.renew(places)
        change = step(torch.cat([likeness.around(places), _motion(places)], dim=-1).flatten(1, 2))
        change = change.unflatten(1, places.shape[1:3])
        places[1:] += change[1:] * (0.5 if iteration > 3 * iterations // 4 else 1.0)
    return places.transpose(0, 1)


def _windows_at_once(device: Any) -> int:
    """One is fastest on a CPU; on a GPU as many as fit in half of its free memory."""
    if device.type != "cuda":
        return 1
    return int(np.clip(torch.cuda.mem_get_info(device)[0] / 2 // _WINDOW_BYTES, 1, _MOST_WINDOWS))


class Encoder(nn.Module):  # type: ignore[misc]
    """Features of frames, from four scales. Instance norm looks at one frame only, so no frame changes another's."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.layer1 = nn.Sequential(Residual(64, 64, 1), Residual(64, 64, 1))
        self.layer2 = nn.Sequential(Residual(64, 96, 2), Residual(96, 96, 1))
        self.layer3 = nn.Sequential(Residual(96, 128, 2), Residual(128, 128, 1))
        self.layer4 = nn.Sequential(Residual(128, 128, 2), Residual(128, 128, 1))
        self.conv2 = nn.Conv2d(64 + 96 + 128 + 128, 2 * CHANNELS, 3, padding=1)
        self.conv3 = nn.Conv2d(2 * CHANNELS, CHANNELS, 1)

    def forward(self, frames: Any) -> Any:
        """(F, 3, H, W) in [-1, 1] to (F, 128, H / 8, W / 8)."""
        size = [length // STRIDE for length in frames.shape[-2:]]
        x = _normed(self.conv1(frames))
        scales = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            scales.append(functional.interpolate(x, size, mode="bilinear", align_corners=True))
        return self.conv3(_normed(self.conv2(torch.cat(scales, dim=1))))


class Residual(nn.Module):  # type: ignore[misc]
    """Two convolutions beside an identity, or beside a strided one by one."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride), nn.InstanceNorm2d(outputs))
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Any) -> Any:
        """(F, inputs, h, w) to (F, outputs, h / stride, w / stride)."""
        return functional.relu(self.downsample(x) + _normed(self.conv2(_normed(self.conv1(x)))))


def _normed(x: Any) -> Any:
    return functional.relu(functional.instance_norm(x))


class Likeness:
    """Correlations of what each track saw in three frames with all places of a frame, at four scales."""

    def __init__(self, features: Any, points: Any) -> None:
        """Features (S, B, 128, h, w), points (B, N, 2) in their pixels."""
        self.frames, self.windows = features.shape[:2]
        self.features = features.flatten(0, 1)
        levels = [self.features]
        for _ in range(LEVELS - 1):
            levels.append(functional.avg_pool2d(levels[-1], 2))
        self.sizes = [level.shape[-2:] for level in levels]
        places = torch.cat([level.flatten(2) for level in levels], dim=2) / sqrt(CHANNELS)
        self.places = places.unflatten(0, (self.frames, self.windows))  # (S, B, 128, P)
        seen = _sample(features[0], points).expand(self.frames, *points.shape[:2], CHANNELS)
        first = seen @ self.places  # (S, B, N, P)
        self.maps = first.expand(1 + len(LAGS), *first.shape).clone()

    def renew(self, points: Any) -> None:
        """Compare with what is seen now at points (S, B, N, 2), two and four frames before.

        Up to frame 2 (or 4) that is what was seen in frame 0, as at the beginning.
        """
        seen = _sample(self.features, points.flatten(0, 1)).unflatten(0, (self.frames, self.windows))
        for maps, lag in zip(self.maps[1:], LAGS, strict=True):
            last = max(self.frames - lag, 1)
            torch.bmm(
                seen[1:last].flatten(0, 1), self.places[1 + lag :].flatten(0, 1), out=maps[1 + lag :].flatten(0, 1)
            )

    def around(self, points: Any) -> Any:
        """The maps 7 by 7 about points (S, B, N, 2), zero outside: (S, B, N, 3 * 4 * 49)."""
        reach = torch.arange(-RADIUS, RADIUS + 1).to(points)
        offsets = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1)  # x changes along the first axis
        maps = self.maps.permute(1, 2, 3, 0, 4).flatten(0, 2)  # (S * B * N, 3, P), not moved in memory
        found, end = [], 0
        for level, (height, width) in enumerate(self.sizes):
            begin, end = end, end + height * width
            pictures = maps[..., begin:end].unflatten(-1, (height, width))
            window = points.reshape(-1, 1, 1, 2) / 2**level + offsets
            found.append(functional.grid_sample(pictures, _relative(window, height, width), align_corners=True))
        return torch.stack(found, dim=2).reshape(*points.shape[:3], -1)


def _relative(points: Any, height: int, width: int) -> Any:
    """Pixels, the first at 0, as `grid_sample` counts them: -1 to 1 from the first centre to the last."""
    return 2 * points / torch.tensor([width - 1, height - 1]).to(points) - 1


def _sample(features: Any, points: Any) -> Any:
    """Of (M, C, h, w) at (M, N, 2), clamped to the edge: (M, N, C)."""
    where = _relative(points, *features.shape[-2:]).unsqueeze(2)
    found = functional.grid_sample(features, where, padding_mode="border", align_corners=True)
    return found.squeeze(3).transpose(1, 2)


def _motion(places: Any) -> Any:
    """Steps to the next frame (the last one twice), as waves of 32 lengths and as they are: (S, B, N, 130)."""
    steps = places[1:] - places[:-1]
    steps = torch.cat([steps, steps[-1:]])
    count = CHANNELS // 4
    rates = 1 / 10000 ** (torch.arange(count).to(places) / (count - 1))
    x, y = steps[..., :1] * rates, steps[..., 1:] * rates
    return torch.cat([x.sin(), x.cos(), y.sin(), y.cos(), steps], dim=-1)


class Refiner(nn.Module):  # type: ignore[misc]
    """The parameters of the network along time that says where to move; `prepared` makes it run."""

    def __init__(self) -> None:
        super().__init__()
        self.first_block_conv = Temporal(_INPUTS, WIDTHS[0])
        self.basicblock_list = nn.ModuleList(Block(*widths) for widths in pairwise(WIDTHS))
        self.dense = nn.Linear(WIDTHS[-1], 2)

    def prepared(self, frames: int, bfloat16: bool) -> "Step":
        """For tracks of so many frames."""
        return Step(self, frames, torch.bfloat16 if bfloat16 else self.dense.weight.dtype)


class Block(nn.Module):  # type: ignore[misc]
    """Two convolutions beside an identity."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = Temporal(inputs, outputs)
        self.conv2 = Temporal(outputs, outputs)


class Temporal(nn.Module):  # type: ignore[misc]
    """Three taps along time, zero outside."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, winograd.TAPS)


class Step:
    """Where tracks should move, from what they see and how they move now: (S, tracks, 718) to (S, tracks, 2)."""

    def __init__(self, refiner: Refiner, frames: int, precision: Any) -> None:
        scheme = winograd.scheme(frames)
        weight = refiner.dense.weight
        self.enter = torch.from_numpy(scheme.enter).to(weight)
        self.leave = torch.from_numpy(scheme.leave).to(weight)
        self.dense = refiner.dense
        weigh = torch.from_numpy(scheme.weigh).to(weight.device)

        def kernel(temporal: Temporal) -> tuple[Any, Any]:
            taps = temporal.conv.weight.permute(2, 1, 0)  # (3, inputs, outputs)
            combined = (weigh @ taps.to(weigh).flatten(1)).unflatten(1, taps.shape[1:])
            return combined.to(precision), temporal.conv.bias

        self.first = kernel(refiner.first_block_conv)
        self.blocks = [(kernel(block.conv1), kernel(block.conv2)) for block in refiner.basicblock_list]
        self.at_once = _TRACKS_AT_ONCE * torch.get_num_threads() if weight.device.type == "cpu" else None

    def __call__(self, x: Any) -> Any:
        """Some tracks at a time."""
        parts: Iterable[Any] = x.split(self.at_once or x.shape[1], dim=1)
        return torch.cat([self._step(part.contiguous()) for part in parts], dim=1)

    def _step(self, x: Any) -> Any:
        x = self._convolve(x, *self.first).relu_()
        for number, (first, second) in enumerate(self.blocks):
            y = self._convolve(_normed_in_time(x) if number else x, *first)
            y = self._convolve(_normed_in_time(y), *second)
            margin = (y.shape[2] - x.shape[2]) // 2
            y[:, :, margin : margin + x.shape[2]] += x  # an identity with fewer channels sits in the middle
            x = y
        return self.dense(x.relu_())

    def _convolve(self, x: Any, kernel: Any, bias: Any) -> Any:
        """(S, tracks, inputs) to (S, tracks, outputs)."""
        tiles = self.enter @ x.flatten(1)  # (6 * tiles, tracks * inputs)
        tiles = torch.bmm(tiles.view(len(kernel), -1, x.shape[2]).to(kernel.dtype), kernel).to(x.dtype)
        y = self.leave @ tiles.view(self.leave.shape[1], -1)
        return y.view(*x.shape[:2], -1).add_(bias)


def _normed_in_time(x: Any) -> Any:
    """Instance norm over the frames of each track and channel, and what is positive of it."""
    x = x - x.mean(dim=0)
    return x.mul_((x * x).mean(dim=0).add_(1e-5).rsqrt_()).relu_()
