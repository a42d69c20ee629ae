"""Where an object is on the ground, by its masks: also while something hides a part of it.

A mask's centroid is seen along a ray, which is met by the horizontal plane at the height of the object's centre. The
centroid of a part is not that of the whole: an object pushed from behind another seemed to move by 9 cm where it moved
by 2. So where a mask touches another object's or the edge of the image, the mask of frame 0 is laid over it instead, in
the size that it has at that distance, at the shift of the largest intersection over union of the pixels that can be
compared: those that nothing hides in either frame.

Against the simulation, in 115 clips of the recipe `counterfactual` at 360x240, of the 152 driven and struck objects
that touch another mask: the last place is off by 4 mm in the median, by 20 at the 90th percentile and by 43 at most; by
the centroid alone it is by 5, 79 and 171 mm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.scene.camera import Camera

Mask = NDArray[np.bool_]
Path = NDArray[np.float64]
"""Places on the ground, (F, 2), world x and y in metres."""

FINE_PX = 40
"""An object twice as large is laid over another frame's by every second pixel, and so on."""


def ground_path(camera: Camera, mask: Mask, others: Mask, height_m: float) -> Path:
    """Where an object's middle is in each frame, `height_m` above the ground; NaN where its mask is empty.

    `mask` and `others` are (F, H, W): where it is seen, and where any other object is. NaN too at and above the horizon
    of that plane.
    """
    centres_px = centroids_px(mask)
    places, depths_m = _on_plane(camera, centres_px, height_m)
    hidden = _hidden(mask, others)
    if not hidden.any() or np.isnan(places[0]).any():
        return places
    if hidden[0]:  # the centroid of what is seen then is no measure of the whole later
        hidden[1:] = True
    first = _outline(mask[0], others[0])
    for frame in np.flatnonzero(hidden[1:] & np.isfinite(depths_m[1:])) + 1:
        if hidden[frame - 1] and _same(mask, frame) and _same(others, frame):
            centres_px[frame] = centres_px[frame - 1]
        else:
            scale = float(depths_m[0] / depths_m[frame])
            outline = first.scaled(scale)
            centres_px[frame] = _laid_over(outline, mask[frame], others[frame], centres_px[frame])
    return _on_plane(camera, centres_px, height_m)[0]


def held(path: Path) -> Path:
    """A path without gaps: where an object is not seen it stays where it was last, before it is first seen there.

    Never seen at all: it stays at the origin.
    """
    seen = np.isfinite(path).all(axis=1)
    if not seen.any():
        return np.zeros_like(path)
    latest = np.maximum.accumulate(np.where(seen, np.arange(len(path)), -1))
    filled: Path = path[np.where(latest < 0, np.flatnonzero(seen)[0], latest)]
    return filled


def centroids_px(mask: Mask) -> NDArray[np.float64]:
    """Means of the pixels' centres, x and y, (F, 2); NaN where a mask (F, H, W) is empty."""
    if not mask.any():
        return np.full((len(mask), 2), np.nan)
    rows, columns = _box(mask.any(axis=0))
    part = mask[:, rows, columns]
    across, down = part.sum(axis=1), part.sum(axis=2)  # pixels in each column (F, W'), in each row (F, H')
    with np.errstate(invalid="ignore"):
        x = across @ (np.arange(columns.start, columns.stop) + 0.5) / across.sum(axis=1)
        y = down @ (np.arange(rows.start, rows.stop) + 0.5) / down.sum(axis=1)
    return np.stack([x, y], axis=1)


def _on_plane(camera: Camera, centres_px: NDArray[np.float64], height_m: float) -> tuple[Path, NDArray[np.float64]]:
    """Where rays (F,) meet the plane, (F, 2), and how deep, (F,); NaN where they do not."""
    rays = camera.rays(centres_px[:, 0], centres_px[:, 1])
    with np.errstate(invalid="ignore", divide="ignore"):
        depths_m = (height_m - camera.position_m[2]) / rays[:, 2]
    depths_m = np.where(np.isfinite(depths_m) & (depths_m > 0), depths_m, np.nan)
    return camera.position_m[:2] + depths_m[:, None] * rays[:, :2], depths_m


def _hidden(mask: Mask, others: Mask) -> NDArray[np.bool_]:
    """In which frames (F,) a mask touches another object's, or the edge of the image."""
    near = np.zeros(len(mask), dtype=bool)
    for part in (mask[:, 0], mask[:, -1], mask[:, :, 0], mask[:, :, -1]):
        near |= part.any(axis=1)
    for ours, theirs in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        near |= (mask[:, ours] & others[:, theirs]).any(axis=(1, 2))
        near |= (mask[:, :, ours] & others[:, :, theirs]).any(axis=(1, 2))
    return near


def _same(masks: Mask, frame: int) -> bool:
    return np.array_equal(masks[frame], masks[frame - 1])


def _box(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns of a mask (H, W) that is not empty."""
    (top, bottom), (left, right) = (np.flatnonzero(mask.any(axis=axis))[[0, -1]] for axis in (1, 0))
    return slice(int(top), int(bottom) + 1), slice(int(left), int(right) + 1)


@dataclass(frozen=True)
class _Outline:
    """An object's mask in frame 0 and what hid more of it, (h, w)."""

    seen: Mask
    unknown: Mask
    size_px: int  # of the object, the larger of height and width

    def scaled(self, scale: float) -> "_Outline":
        rows, columns = (
            np.minimum((np.arange(max(1, round(n * scale))) + 0.5) / scale, n - 1).astype(int) for n in self.seen.shape
        )
        at = np.ix_(rows, columns)
        return _Outline(self.seen[at], self.unknown[at], max(1, round(self.size_px * scale)))


def _outline(mask: Mask, others: Mask) -> _Outline:
    """Of frame 0, with half as much around it as it is large."""
    rows, columns = _box(mask)
    size = max(rows.stop - rows.start, columns.stop - columns.start)
    rows, columns = (slice(part.start - size // 2, part.stop + size // 2) for part in (rows, columns))
    return _Outline(_window(mask, rows, columns, False), _window(others & ~mask, rows, columns, True), size)


def _window(image: Mask, rows: slice, columns: slice, beyond: bool) -> Mask:
    """A part of an image (H, W) that may reach `beyond` its edges."""
    top, left = rows.start, columns.start
    filled = np.full((rows.stop - top, columns.stop - left), beyond)
    inside = image[max(top, 0) : max(rows.stop, 0), max(left, 0) : max(columns.stop, 0)]
    below, beside = max(-top, 0), max(-left, 0)
    filled[below : below + inside.shape[0], beside : beside + inside.shape[1]] = inside
    return filled


def _laid_over(outline: _Outline, mask: Mask, others: Mask, centre_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """The centroid x, y of an outline where it fits a mask (H, W) best, half its size or less from the mask's own.

    Whole shifts of every `step`-th pixel are tried, the best is refined by parabolas.
    """
    step = max(1, outline.size_px // FINE_PX)
    seen, unknown = outline.seen[::step, ::step], outline.unknown[::step, ::step]
    inner_y, inner_x = np.nonzero(seen)
    if not len(inner_x):
        return centre_px
    middle = np.array([inner_x.mean(), inner_y.mean()]) * step
    left, top = np.round(centre_px - middle).astype(int) - outline.size_px // 2
    height, width = (n * step + outline.size_px for n in seen.shape)
    rows, columns = slice(top, top + height), slice(left, left + width)
    ours = _window(mask, rows, columns, False)[::step, ::step]
    known = ~_window(others & ~mask, rows, columns, True)[::step, ::step]
    fit = _overlap(ours, known, seen, unknown)
    y, x = np.unravel_index(int(fit.argmax()), fit.shape)
    shift = np.array([x + _vertex(fit[y], int(x)), y + _vertex(fit[:, x], int(y))])
    found: NDArray[np.float64] = shift * step + middle + (left + 0.5, top + 0.5)
    return found


def _overlap(image: Mask, known: Mask, part: Mask, unknown: Mask) -> NDArray[np.float64]:
    """Intersection over union of an image and a smaller part, at every shift at which this lies wholly inside.

    Counted are pixels that are `known` in the image and not `unknown` in the part.
    """
    whole = tuple(-(-n // 32) * 32 for n in image.shape)
    ours, theirs = np.fft.rfft2(image, whole), np.conj(np.fft.rfft2(part, whole))
    sums = np.fft.rfft2(known, whole) * theirs
    if unknown.any():
        sums -= ours * np.conj(np.fft.rfft2(unknown, whole))
    inside = tuple(slice(n - m + 1) for n, m in zip(image.shape, part.shape, strict=True))
    both = np.fft.irfft2(ours * theirs, whole)[inside]
    either = np.fft.irfft2(sums, whole)[inside] + image.sum() - both
    fit: NDArray[np.float64] = both / np.maximum(either, 1)
    return fit


def _vertex(values: NDArray[np.float64], top: int) -> float:
    """Where the parabola through a maximum and its neighbours is highest, from the maximum, -0.5 to 0.5."""
    if not 0 < top < len(values) - 1:
        return 0.0
    before, here, after = values[top - 1 : top + 2]
    bend = before - 2 * here + after
    return float((before - after) / (2 * bend)) if bend < 0 else 0.0
