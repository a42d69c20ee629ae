"""Sixteen frames of the ground truth, evenly spread: the ceiling of a method that makes sixteen."""

from dataclasses import dataclass

import numpy as np

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.video import Span, Video

FRAMES = 16


@dataclass(frozen=True)
class Sixteen:
    """Leaves out frames."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        frames = self.truth.frames(condition.key)
        count = min(FRAMES, len(frames))
        return Video(frames[np.floor(np.linspace(0, len(frames) - 1, count) + 0.5).astype(int)], Span())


def load(setup: Setup) -> Sixteen:
    """Needs nothing but the ground truth."""
    return Sixteen(ground_truth(setup))
