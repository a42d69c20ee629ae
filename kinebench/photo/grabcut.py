"""The object in a box or at a point, without any network: OpenCV's GrabCut.

A box says what is background: all that is around it. A point does not, so circles of growing size are tried around it.
Each gives a candidate. Taken is the one whose outline stands out most from what is around it, by colour more than by
brightness: so a shadow is left to the ground, and the sides of a box are one object. But where an object has parts of
different colours, the part may be taken for it. How good either is was measured: docs/animate.md.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinebench.methods.condition import Mask
from kinebench.metrics.optical_flow import one_thread

Field = NDArray[np.float32]

RADII_PX = (34, 48, 68, 96, 136, 192)
WORK_PX = 56
"""A larger circle is looked at in a smaller picture, in which its radius is this."""
LIGHTNESS = (0.5, 0.3)
"""What a step of lightness counts beside one of colour where GrabCut looks; both are tried."""
OUTLINE_LIGHTNESS = 0.25
"""The same where outlines are compared."""
LEAST_CONTRAST = 4.0
"""Of the weakest tenth of an outline, in CIELAB's units; the ground has less."""
SURE_PX, INNER, AROUND, ROUNDS = 3, 0.6, 1.6, 3
BOX_PX, BOX_LIGHTNESS, BOX_AROUND, BOX_ROUNDS = 240, 0.6, 0.35, 5
"""For boxes: the longest side of the picture that is looked at, and what is around the box in shares of its sides."""
LEAST_AROUND_PX = 12
LEAST_AREA_PX, MOST_SHARE, MOST_RIM = 60, 0.4, 0.5


@dataclass(frozen=True, eq=False)
class _Trial:
    """What one circle found."""

    mask: Mask = field(repr=False)  # of the small picture
    box: tuple[slice, slice]  # rows and columns of the picture that it shows
    contrast: float


def object_at(picture: NDArray[np.uint8], point_px: tuple[float, float]) -> Mask | None:
    """The mask (H, W) of the object at a point x, y of an RGB picture (H, W, 3); None if nothing there has an outline.

    The same every time. Raises MissingExtra without OpenCV.
    """
    height, width = picture.shape[:2]
    point = min(max(int(point_px[0]), 0), width - 1), min(max(int(point_px[1]), 0), height - 1)
    with one_thread() as cv2:
        lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    found = [_tried(lab, point, radius, weight) for radius in RADII_PX for weight in LIGHTNESS]
    best = max((each for each in found if each), key=lambda each: each.contrast, default=None)
    if best is None or best.contrast < LEAST_CONTRAST:
        return None
    mask = _refined(picture, best)
    return mask if LEAST_AREA_PX <= mask.sum() <= MOST_SHARE * mask.size else None


def object_in(picture: NDArray[np.uint8], box_px: tuple[float, float, float, float]) -> Mask | None:
    """The mask (H, W) of the object that fills a box x0, y0, x1, y1 of an RGB picture (H, W, 3); None if none does.

    No pixel of it is outside the box. The same every time. Raises MissingExtra without OpenCV.
    """
    height, width = picture.shape[:2]
    (left, right), (top, bottom) = sorted(box_px[::2]), sorted(box_px[1::2])
    reach_x, reach_y = (max(LEAST_AROUND_PX, BOX_AROUND * side) for side in (right - left, bottom - top))
    box = (
        slice(max(0, int(top - reach_y)), min(height, int(bottom + reach_y) + 1)),
        slice(max(0, int(left - reach_x)), min(width, int(right + reach_x) + 1)),
    )
    within = np.zeros((height, width), np.float32)
    within[round(top) : round(bottom), round(left) : round(right)] = 1
    with one_thread() as cv2:
        lab = cv2.cvtColor(picture[box].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        scale = min(1.0, BOX_PX / max(lab.shape[:2]))
        seen, inner = _seen(_smaller(lab, scale), BOX_LIGHTNESS), _smaller(within[box], scale) >= 0.5
        labels = np.where(inner, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
        if inner.sum() < LEAST_AREA_PX or inner.all():
            return None
        found = _grown(seen, labels, BOX_ROUNDS)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
        firm = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, disc)
        _, parts, sizes, _ = cv2.connectedComponentsWithStats(firm, connectivity=4)
    if len(sizes) < 2:
        return None
    largest = _filled(parts == 1 + sizes[1:, cv2.CC_STAT_AREA].argmax())
    mask = _refined(picture, _Trial(largest, box, 0.0)) & (within > 0)
    return mask if mask.sum() >= LEAST_AREA_PX else None


def _tried(lab: Field, point: tuple[int, int], radius: int, lightness: float) -> _Trial | None:
    """What GrabCut finds in a circle; None if that is nothing, or does not end within it."""
    (x, y), reach, (height, width) = point, int(radius * AROUND), lab.shape[:2]
    box = slice(max(0, y - reach), min(height, y + reach + 1)), slice(max(0, x - reach), min(width, x + reach + 1))
    scale = min(1.0, WORK_PX / radius)
    part = _smaller(lab[box], scale)
    rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
    across = part.shape[1] / (box[1].stop - box[1].start), part.shape[0] / (box[0].stop - box[0].start)
    centre = (x + 0.5 - box[1].start) * across[0] - 0.5, (y + 0.5 - box[0].start) * across[1] - 0.5
    distance = np.hypot(columns - centre[0], rows - centre[1])
    mask = _cut(_seen(part, lightness), distance, radius * scale)
    if mask.sum() < LEAST_AREA_PX or (mask & (distance > radius * scale - 2)).sum() > MOST_RIM * radius * scale:
        return None
    return _Trial(mask, box, _contrast(part, mask))


def _smaller(part: Field, scale: float) -> Field:
    size = [max(8, round(side * scale)) for side in part.shape[1::-1]]
    with one_thread() as cv2:
        small: Field = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return small


def _seen(lab: Field, lightness: float) -> NDArray[np.uint8]:
    """CIELAB as the three 8-bit channels that GrabCut takes."""
    channels = lab * np.array([2.55 * lightness, 1.6, 1.6]) + np.array([0, 128, 128])
    return np.clip(channels, 0, 255).astype(np.uint8)


def _cut(seen: NDArray[np.uint8], distance: NDArray[np.float64], radius: float) -> Mask:
    """The part that GrabCut connects to the centre, without what hangs on it by a thread, its holes filled."""
    with one_thread() as cv2:
        labels = np.full(seen.shape[:2], cv2.GC_BGD, np.uint8)
        labels[distance < radius] = cv2.GC_PR_BGD
        labels[distance < INNER * radius] = cv2.GC_PR_FGD
        labels[distance < SURE_PX] = cv2.GC_FGD
        if not (labels == cv2.GC_BGD).any():  # the circle covers all of the picture
            return np.zeros(labels.shape, bool)
        found = _grown(seen, labels)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
        firm = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, disc) | (distance < SURE_PX)
        _, parts = cv2.connectedComponents(firm.astype(np.uint8), connectivity=4)
        row, column = np.unravel_index(int(distance.argmin()), distance.shape)
    return _filled(parts == parts[row, column])


def _filled(part: Mask) -> Mask:
    """Without holes."""
    with one_thread() as cv2:
        _, outside = cv2.connectedComponents(np.pad(~part, 1, constant_values=True).astype(np.uint8), connectivity=4)
    whole: Mask = outside[1:-1, 1:-1] != outside[0, 0]
    return whole


def _grown(seen: NDArray[np.uint8], labels: NDArray[np.uint8], rounds: int = ROUNDS) -> Mask:
    """GrabCut from these labels."""
    with one_thread() as cv2:
        cv2.setRNGSeed(0)  # its clusters begin anywhere
        cv2.grabCut(seen, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), rounds, cv2.GC_INIT_WITH_MASK)
        found: Mask = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return found


def _contrast(lab: Field, mask: Mask) -> float:
    """How far apart the colours on both sides of an outline are, where they are nearest: a tenth is nearer."""
    weighed = lab * np.array([OUTLINE_LIGHTNESS, 1, 1], np.float32)
    with one_thread() as cv2:

        def mean(side: Mask) -> Field:
            one = side.astype(np.float32)
            total = cv2.boxFilter(weighed * one[..., None], -1, (5, 5), normalize=False)
            means: Field = total / np.maximum(cv2.boxFilter(one, -1, (5, 5), normalize=False), 1)[..., None]
            return means

        edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        apart = np.linalg.norm(mean(mask) - mean(~mask), axis=-1)[edge]
    return float(np.percentile(apart, 10)) if apart.size else 0.0


def _refined(picture: NDArray[np.uint8], trial: _Trial) -> Mask:
    """The mask (H, W) at the picture's own size: its outline is cut again where the small picture leaves it open."""
    out = np.zeros(picture.shape[:2], dtype=bool)
    part = picture[trial.box]
    coarse = part.shape[1] / trial.mask.shape[1]
    with one_thread() as cv2:
        large = cv2.resize(trial.mask.astype(np.float32), part.shape[1::-1], interpolation=cv2.INTER_LINEAR) >= 0.5
        reach = int(np.ceil(coarse)) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        core = cv2.erode(large.astype(np.uint8), disc, borderValue=1) > 0
        wide = cv2.dilate(large.astype(np.uint8), disc) > 0
        if coarse > 1 and core.any() and not wide.all():
            labels = np.where(large, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
            labels[core], labels[~wide] = cv2.GC_FGD, cv2.GC_BGD
            large = _grown(np.ascontiguousarray(part), labels)
    out[trial.box] = large
    return out
