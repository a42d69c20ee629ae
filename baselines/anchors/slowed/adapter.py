"""The ground truth at half speed, up to its middle: a sensible motion, right in everything but its timing."""

from dataclasses import dataclass

import numpy as np

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.video import Video


@dataclass(frozen=True)
class Slowed:
    """Shows every frame twice."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        frames = self.truth.frames(condition.key)
        return Video(frames[np.arange(len(frames)) // 2])


def load(setup: Setup) -> Slowed:
    """Needs nothing but the ground truth."""
    return Slowed(ground_truth(setup))
