"""The first frame, then the others in an order drawn by key and seed: each is right, the motion is not."""

from dataclasses import dataclass

import numpy as np

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.video import Video


@dataclass(frozen=True)
class Scrambled:
    """Plays every clip in disorder."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """Another order for every seed."""
        frames = self.truth.frames(condition.key)
        rng = np.random.default_rng([seed, *condition.key.encode()])
        return Video(frames[[0, *(1 + rng.permutation(len(frames) - 1))]])


def load(setup: Setup) -> Scrambled:
    """Needs nothing but the ground truth."""
    return Scrambled(ground_truth(setup))
