"""Errors pixel by pixel: MSE, PSNR, SSIM, and MSE where something moves and where nothing ever is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinebench.errors import KineBenchError
from kinebench.metrics.metric import Meter, Metric, Reading
from kinebench.metrics.truth import Truth

PEAK = 255.0
MOST_DB = 100.0
"""PSNR of two frames that are equal, and of any that are nearer to it: a mean must stay finite. It stands for seven
values of a 720x480 frame that are off by one level."""

SIGMA_PX, RADIUS_PX = 1.5, 5
"""SSIM's window: a Gaussian over 11x11 pixels."""
LUMINANCE, CONTRAST = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
ROWS, COLUMNS = 8, 32
"""Outputs of one small matrix product of the SSIM filter; the fastest of 4 to 64."""
STRIP = 96
"""Rows of SSIM made at once, so that they stay in a core's cache."""

Frames = NDArray[np.uint8]


def mse(a: ArrayLike, b: ArrayLike) -> float:
    """Mean squared error of 0-255 RGB (the paper's scale: its 24.9 is 34 dB) of uint8 videos (N, F, H, W, 3).

    Mean over pixels, channels and frames of each video, then over videos. Frame 0 counts, although a method is given
    it. Raises KineBenchError for anything but two arrays of that shape and type.
    """
    a, b = _checked(a, b, 5)
    return float(np.mean([mse_per_frame(x, y).mean() for x, y in zip(a, b, strict=True)]))


def psnr(a: ArrayLike, b: ArrayLike) -> float:
    """Peak signal-to-noise ratio in dB: mean of the frames' own, of each video, then over videos.

    As most public codes do; the PSNR of a video's mean MSE is lower. Equal frames count as `MOST_DB`. Shapes
    and errors as `mse`.
    """
    a, b = _checked(a, b, 5)
    return float(np.mean([decibels(mse_per_frame(x, y)).mean() for x, y in zip(a, b, strict=True)]))


def ssim(a: ArrayLike, b: ArrayLike) -> float:
    """Structural similarity (Wang et al. 2004): mean over frames of each video, then over videos.

    Gaussian window of 11x11 pixels and sigma 1.5, covariances divided by N, only where the window lies inside the
    frame, each colour channel by itself. Shapes and errors as `mse`; frames need 11x11 pixels.

    torchmetrics also averages the padded border, which raises or lowers the value; scikit-image agrees with
    `gaussian_weights=True, use_sample_covariance=False`.
    """
    a, b = _checked(a, b, 5)
    return float(np.mean([ssim_per_frame(x, y).mean() for x, y in zip(a, b, strict=True)]))


def mse_per_frame(a: Frames, b: Frames) -> NDArray[np.float64]:
    """MSE of each frame of one video, uint8 (F, H, W, 3) to float64 (F,)."""
    a, b = _checked(a, b, 4)
    return np.array([squared_error(x, y).sum(dtype=np.uint64) / x.size for x, y in zip(a, b, strict=True)])


def decibels(mean_squared_error: NDArray[np.float64]) -> NDArray[np.float64]:
    """PSNR of mean squared errors of 0-255 values, at most `MOST_DB`."""
    least = PEAK**2 / 10 ** (MOST_DB / 10)
    return 10 * np.log10(PEAK**2 / np.maximum(mean_squared_error, least))


def squared_error(a: Frames, b: Frames) -> NDArray[np.uint16]:
    """(a - b)^2, exact, of the shape of both."""
    difference = np.maximum(a, b) - np.minimum(a, b)
    return np.multiply(difference, difference, dtype=np.uint16)


def ssim_per_frame(a: Frames, b: Frames) -> NDArray[np.float64]:
    """SSIM of each frame of one video, uint8 (F, H, W, 3) to float64 (F,)."""
    a, b = _checked(a, b, 4)
    return np.array([_ssim(x, y) for x, y in zip(a, b, strict=True)])


def _ssim(a: Frames, b: Frames) -> float:
    height, width = a.shape[0] - 2 * RADIUS_PX, a.shape[1] - 2 * RADIUS_PX
    if min(height, width) < 1:
        raise KineBenchError(f"SSIM needs frames of 11x11 pixels or more, not {a.shape[1]}x{a.shape[0]}")
    lost = 0.0
    for top in range(0, height, STRIP):
        rows = slice(top, min(top + STRIP, height) + 2 * RADIUS_PX)
        lost += sum(_dissimilarity(a[rows, :, channel], b[rows, :, channel]) for channel in range(3))
    return 1 - lost / (3 * height * width)


def _dissimilarity(a: Frames, b: Frames) -> float:
    """Sum of 1 - SSIM over the places of one channel (H, W) where the window fits.

    It is made from local moments of a + b and a - b: 1 minus each of SSIM's two factors is then a ratio whose numerator
    vanishes as b nears a, so that float32 is enough, and equal pictures give exactly 0.
    """
    height, width = a.shape
    fields = np.empty((height, 4, width), np.float32)
    np.add(a, b, out=fields[:, 0], dtype=np.float32)
    np.subtract(a, b, out=fields[:, 1], dtype=np.float32)
    fields[:, 0] -= PEAK  # moments about the middle lose less to rounding
    np.multiply(fields[:, :2], fields[:, :2], out=fields[:, 2:])
    moments = _filtered(fields)
    moments[:, 2:] -= moments[:, :2] ** 2
    moments[:, 0] += PEAK
    moments[:, :2] *= moments[:, :2]
    sum_mean, difference_mean, sum_variance, difference_variance = moments.swapaxes(0, 1)
    structure = difference_variance / ((sum_variance + difference_variance) / 2 + CONTRAST)
    luminance = difference_mean / ((sum_mean + difference_mean) / 2 + LUMINANCE)
    return float(np.sum(structure + luminance - structure * luminance, dtype=np.float64))


def _filtered(fields: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gaussian means where the window fits, (H, K, W) to (H - 10, K, W - 10).

    A filter along rows or columns is a product with a banded matrix; cut into small blocks along the band, BLAS does it
    several times faster than a loop over taps.
    """
    height, count, width = fields.shape
    inner, across = height - 2 * RADIUS_PX, width - 2 * RADIUS_PX
    rows = fields.reshape(height, count * width)
    down = np.empty((inner, count * width), np.float32)
    for top in range(0, inner, ROWS):
        end = min(top + ROWS, inner)
        np.matmul(_band(end - top), rows[top : end + 2 * RADIUS_PX], out=down[top:end])
    lines = down.reshape(inner * count, width)
    means = np.empty((len(lines), across), np.float32)
    for left in range(0, across, COLUMNS):
        end = min(left + COLUMNS, across)
        np.matmul(lines[:, left : end + 2 * RADIUS_PX], _band(end - left).T, out=means[:, left:end])
    return means.reshape(inner, count, across)


@cache
def _band(outputs: int) -> NDArray[np.float32]:
    """Rows of Gaussian weights, each a pixel further, (outputs, outputs + 10)."""
    offsets = np.arange(-RADIUS_PX, RADIUS_PX + 1)
    exact = np.exp(-0.5 * (offsets / SIGMA_PX) ** 2)
    weights = (exact / exact.sum()).astype(np.float32)
    weights[[0, -1]] += np.float32((1 - weights.sum(dtype=np.float64)) / 2)  # else rounding shows as variance
    band = np.zeros((outputs, outputs + 2 * RADIUS_PX), np.float32)
    for row in range(outputs):
        band[row, row : row + len(weights)] = weights
    return band


def _checked(a: ArrayLike, b: ArrayLike, dimensions: int) -> tuple[Frames, Frames]:
    a, b = np.asarray(a), np.asarray(b)
    shape = "(N, F, H, W, 3)" if dimensions == 5 else "(F, H, W, 3)"
    for video in (a, b):
        if video.dtype != np.uint8 or video.ndim != dimensions or video.shape[-1] != 3 or video.size == 0:
            raise KineBenchError(f"frames are {video.dtype} of shape {video.shape}; they must be uint8 {shape}, RGB")
    if a.shape != b.shape:
        raise KineBenchError(f"frames of shapes {a.shape} and {b.shape} cannot be compared pixel by pixel")
    return a, b


@dataclass(frozen=True)
class Pixel(Meter):
    """MSE, PSNR and SSIM of whole frames, and MSE in two regions of the ground truth.

    Both regions stay the same for the whole clip. `mse_moving`: wherever a moving object is seen in any frame of the
    truth, so that an object left behind, smeared along its path or ahead of its time is seen at both places.
    `mse_background`: wherever no object is ever seen, so that a misplaced object counts there only if it has left the
    truth's path. Pixels of objects at rest belong to neither.
    """

    name: ClassVar[str] = "pixel"
    light: ClassVar[bool] = True
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("mse", 1, "mean squared error of 0-255 RGB", "", "lower", 0, headline=True),
        Metric("psnr", 1, "peak signal-to-noise ratio, mean of the frames' own", "dB", "higher", MOST_DB),
        Metric("ssim", 1, "structural similarity", "", "higher", 1),
        Metric("mse_moving", 1, "the same error where moving objects pass in the truth", "", "lower", 0),
        Metric("mse_background", 1, "the same error where the truth never shows an object", "", "lower", 0),
    )

    @property
    def configuration(self) -> dict[str, Any]:
        """Versions alone: there is no option."""
        return {metric.name: metric.version for metric in self.metrics}

    def read(self, truth: Truth, frames: Frames) -> Reading:
        """All five, in one pass over the frames (F, H, W, 3)."""
        _checked(truth.frames, frames, 4)
        regions = _regions(truth)
        whole, similar = [], []
        parts = dict.fromkeys(regions, 0)
        for true, made in zip(truth.frames, frames, strict=True):
            error = squared_error(true, made)
            whole.append(error.sum(dtype=np.uint64) / error.size)
            similar.append(_ssim(true, made) if whole[-1] else 1.0)  # what equal frames give, and nothing else
            for name, region in regions.items():
                parts[name] += int(error[region].sum(dtype=np.uint64))
        values: dict[str, float | None] = {
            "mse": float(np.mean(whole)),
            "psnr": float(decibels(np.array(whole)).mean()),
            "ssim": float(np.mean(similar)),
        }
        for name, region in regions.items():
            pixels = int(region.sum()) * 3 * len(frames)
            values[name] = parts[name] / pixels if pixels else None
        return Reading(values)

    def worst(self, truth: Truth) -> Mapping[str, float | None]:
        """The ends of the scales; None for a region that is empty."""
        worst: dict[str, float | None] = {"mse": PEAK**2, "psnr": 0.0, "ssim": -1.0}
        return worst | {name: PEAK**2 if region.any() else None for name, region in _regions(truth).items()}


def _regions(truth: Truth) -> dict[str, NDArray[np.bool_]]:
    """Where the two partial errors are taken, (H, W)."""
    moving = np.zeros(256, bool)
    moving[list(truth.moving)] = True
    return {
        "mse_moving": moving[truth.instances].any(axis=0),
        "mse_background": ~truth.instances.any(axis=0),
    }
