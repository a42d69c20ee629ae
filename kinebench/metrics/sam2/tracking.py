"""Masks of frame 0 carried through a clip, whichever back end carries them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Tracker(Protocol):
    """A SAM2 network with its weights, on its device."""

    def logits(self, frames: NDArray[np.uint8], prompts: Sequence[NDArray[np.bool_]]) -> Iterator[NDArray[np.float32]]:
        """For each frame of (F, H, W, 3), the logits (N, H, W) of the N objects prompted with masks (H, W) on frame 0.

        The objects know nothing of each other. Where SAM2 says that an object is not there, its logits are -1024.
        """


def track(
    tracker: Tracker, frames: NDArray[np.uint8], first: Mapping[int, NDArray[np.bool_]]
) -> dict[int, NDArray[np.bool_]]:
    """Masks (F, H, W) by object id, from masks (H, W) on frame 0: logits above 0, no holes filled, overlaps kept.

    Frame 0 is the prompt itself. An object without a pixel there is nowhere.
    """
    found = {id: np.zeros(frames.shape[:3], dtype=bool) for id in first}
    prompted = [id for id, mask in first.items() if mask.any()]
    if prompted:
        for frame, logits in enumerate(tracker.logits(frames, [first[id] for id in prompted])):
            for id, seen in zip(prompted, logits > 0, strict=True):
                found[id][frame] = seen
    for id, mask in first.items():
        found[id][0] = mask
    return found
