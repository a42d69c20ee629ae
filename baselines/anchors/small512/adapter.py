"""The ground truth at 512x320, padded and not stretched: the ceiling of a method that works in this size."""

from dataclasses import dataclass

import numpy as np

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.placement import fitted, to_native
from kinebench.methods.video import Video


@dataclass(frozen=True)
class Small:
    """Makes every frame as small as the condition it is given."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        frames = self.truth.frames(condition.key)
        height, width = frames.shape[1:3]
        place = fitted((width, height), condition.size)
        return Video(np.stack([to_native(frame, place, condition.size) for frame in frames]))


def load(setup: Setup) -> Small:
    """Needs nothing but the ground truth."""
    return Small(ground_truth(setup))
