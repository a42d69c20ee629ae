"""Masks carried through a video by optical flow, and held to the colours that they began with.

Flow alone lets masks drift: chained over 48 frames, it loses a third of a moving object. So each frame takes two steps.
Flow from the frame before says where each mask ought to be, give or take `DOUBT_PX` at its rim. Then each pixel there
goes to the object, or to the ground, that explains it best:

    log P(object here, by flow) - log P(ground here, by flow) + log p(colour | object) - log p(colour | ground)

with the colours of the first frame (`appearance`). An object that vanishes therefore loses its mask to the ground that
is seen in its place, and one that changes its shape keeps what has its colours. Between two objects flow decides, and
colour where they differ. What is lost waits where it was last, and is found again if it reappears there.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kinebench.metrics.flow.appearance import Appearance, appearance, colour_numbers
from kinebench.metrics.optical_flow import Box, backward_flow, blurred, carried, gray, parts

REACH_PX = 32
"""Farther than this from its last mask an object is not looked for."""
DOUBT_PX = 4.0
"""Deviation of where flow puts the rim of a mask."""
MIXING = 0.2
"""How much of this doubt there is between objects. They touch for long, and doubt would wear the smaller one away."""
COLOUR_PX = 0.6
"""Colours are averaged over this neighbourhood."""
LEAST_PRIOR = 1e-3
LEAST_PART, LEAST_PX = 0.15, 8
"""Parts of a mask below this share of its largest are dropped, and masks below this size."""
WAITING = 0.99
"""Weight of a lost mask where it waits; a mask that is there weighs 1."""

Field = NDArray[np.float32]


def carry(
    frames: NDArray[np.uint8], first: NDArray[np.uint8], instances: NDArray[np.uint8], ids: Sequence[int]
) -> dict[int, NDArray[np.bool_]]:
    """Masks (F, H, W) by object id in frames (F, H, W, 3); no two share a pixel.

    They begin with the instance map (H, W) of the true first frame (H, W, 3), whose colours they keep, whatever the
    frames begin with.
    """
    looks = appearance(first, instances, ids)
    masks = {id: np.zeros(frames.shape[:3], dtype=np.bool_) for id in ids}
    last = [(instances == id).astype(np.float32) for id in ids]
    luma = gray(frames)
    for frame in range(len(frames)):
        if frame:
            last = _next(last, luma[frame - 1], luma[frame], frames[frame], looks)
        for id, mask in zip(ids, last, strict=True):
            masks[id][frame] = mask == 1
    return masks


def _next(
    masks: Sequence[Field],
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    frame: NDArray[np.uint8],
    looks: Appearance,
) -> list[Field]:
    """The masks (H, W) of the next frame: 1 where an object is, `WAITING` where a lost one was last."""
    if not masks:
        return []
    boxes = [_around(mask) for mask in masks]
    flow = _flow_around(boxes, before, after)
    priors = [carried(mask, flow, box) for mask, box in zip(masks, boxes, strict=True)]
    doubts = [blurred(prior, DOUBT_PX) for prior in priors]
    owners = _owners(boxes, priors, doubts, frame, looks)
    found = []
    for number, (box, prior) in enumerate(zip(boxes, priors, strict=True), 1):
        mask = np.zeros(frame.shape[:2], dtype=np.float32)
        kept = _largest(owners[box] == number)
        mask[box] = kept if kept.any() else np.minimum(prior, WAITING)
        found.append(mask)
    return found


def _flow_around(boxes: Sequence[Box], before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Field:
    """Backward flow (H, W, 2) where there are objects; the rest would cost as much again, and carry nothing."""
    rows, columns = (
        slice(min(box[axis].start for box in boxes), max(box[axis].stop for box in boxes)) for axis in (0, 1)
    )
    flow = np.zeros((*after.shape, 2), dtype=np.float32)
    flow[rows, columns] = backward_flow(before[rows, columns], after[rows, columns])
    return flow


def _owners(
    boxes: Sequence[Box],
    priors: Sequence[Field],
    doubts: Sequence[Field],
    frame: NDArray[np.uint8],
    looks: Appearance,
) -> NDArray[np.int32]:
    """Which object explains each pixel best, (H, W): 1 for the first, 0 for the ground."""
    shape = frame.shape[:2]
    objects, claims = np.zeros(shape, dtype=np.float32), np.full(shape, 1e-9, dtype=np.float32)
    for box, prior, doubt in zip(boxes, priors, doubts, strict=True):
        objects[box] += doubt
        claims[box] += prior + MIXING * doubt
    numbers = colour_numbers(frame)
    ground = looks.ground_evidence(frame, numbers)
    free = np.log(np.clip(1 - objects, LEAST_PRIOR, 1))
    best, owners = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.int32)
    for number, (box, prior, doubt) in enumerate(zip(boxes, priors, doubts, strict=True), 1):
        likely = objects[box] * (prior + MIXING * doubt) / claims[box]
        colour = blurred(looks.objects[number - 1][numbers[box]] - ground[box], COLOUR_PX)
        score = np.log(np.maximum(likely, LEAST_PRIOR)) - free[box] + colour
        better = (likely > LEAST_PRIOR) & (score > best[box])
        best[box][better], owners[box][better] = score[better], number
    return owners


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask without its small parts."""
    numbers, areas = parts(mask)
    areas[0] = 0
    least = max(LEAST_PART * areas.max(), LEAST_PX)
    kept: NDArray[np.bool_] = (areas >= least)[numbers]
    return kept


def _around(mask: Field) -> Box:
    """The box of a mask and `REACH_PX` about it; some corner of the image if the mask is empty."""
    lines = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    bounds = ((int(line[0]), int(line[-1]) + 1) if len(line) else (0, 1) for line in lines)
    rows, columns = (
        slice(max(low - REACH_PX, 0), min(high + REACH_PX, size))
        for (low, high), size in zip(bounds, mask.shape, strict=True)
    )
    return rows, columns
