"""Periodic random fields, and the few image operations that keep them periodic."""

import numpy as np

from kinebench.textures.canvas import Canvas, Image


def fractal(
    canvas: Canvas,
    layer: str,
    largest_m: float,
    smallest_m: float = 0.0,
    slope: float = 1.6,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> Image:
    """Gaussian noise with a power-law spectrum, mean 0 and standard deviation 1, (H, W).

    Features are between `smallest_m` and `largest_m` across; the amplitude at f cycles per metre falls as
    f ** -slope. `stretch` makes the features longer along (x, y).
    """
    n = canvas.pixels
    f_x = np.fft.rfftfreq(n, canvas.texel_m)[None, :] * stretch[0]
    f_y = np.fft.fftfreq(n, canvas.texel_m)[:, None] * stretch[1]
    f = np.hypot(f_x, f_y)
    f[0, 0] = 1.0 / canvas.tile_m
    low = (f * largest_m) ** 4
    amplitude = f**-slope * low / (1.0 + low) * np.exp(-((f * max(smallest_m, canvas.texel_m)) ** 2))
    amplitude[0, 0] = 0.0
    rng = canvas.rng(layer)
    waves = rng.standard_normal(f.shape) + 1j * rng.standard_normal(f.shape)
    field = np.fft.irfft2(waves * amplitude, s=(n, n))
    return np.asarray(field / (field.std() + 1e-12), np.float32)


def rank(field: Image) -> Image:
    """Map a standard normal field to 0..1 so that every value is about equally frequent."""
    return np.asarray(1.0 / (1.0 + np.exp(-1.702 * field)), np.float32)


def smoothstep(low: float | Image, high: float | Image, value: Image) -> Image:
    """0 below `low`, 1 above `high`, a smooth S between; `low` may be the greater one."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def blur(image: Image, radius_px: float) -> Image:
    """Periodic Gaussian blur of an (H, W) image; `radius_px` is the standard deviation."""
    rows, columns = image.shape
    f_x = np.fft.rfftfreq(columns)[None, :]
    f_y = np.fft.fftfreq(rows)[:, None]
    window = np.exp(-2.0 * (np.pi * radius_px) ** 2 * (f_x**2 + f_y**2))
    return np.asarray(np.fft.irfft2(np.fft.rfft2(image.astype(np.float64)) * window, s=image.shape), np.float32)


def sample(image: Image, x_px: Image, y_px: Image) -> Image:
    """Read an (H, W) image at pixel positions, bilinear and periodic; the result has the positions' shape."""
    rows, columns = image.shape
    x = x_px - 0.5
    y = y_px - 0.5
    left, top = np.floor(x), np.floor(y)
    a, b = (x - left).astype(np.float32), (y - top).astype(np.float32)
    c0, r0 = left.astype(np.int32) % columns, top.astype(np.int32) % rows
    c1, r1 = (c0 + 1) % columns, (r0 + 1) % rows
    flat = image.ravel()
    upper = flat[r0 * columns + c0] * (1 - a) + flat[r0 * columns + c1] * a
    lower = flat[r1 * columns + c0] * (1 - a) + flat[r1 * columns + c1] * a
    return np.asarray(upper * (1 - b) + lower * b, np.float32)


def double(image: Image) -> Image:
    """Repeat every pixel twice along both axes: (H, W, ...) to (2H, 2W, ...)."""
    return np.asarray(image.repeat(2, axis=0).repeat(2, axis=1))


def halve(image: Image) -> Image:
    """Average 2x2 blocks: (2H, 2W, ...) to (H, W, ...)."""
    return np.asarray((image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) * 0.25, np.float32)
