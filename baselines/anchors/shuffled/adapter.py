"""The ground truth of another clip of the split: perfect as a set, wrong for every clip."""

from dataclasses import dataclass

from kinebench.errors import KineBenchError
from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.video import Video


@dataclass(frozen=True)
class Shuffled:
    """Plays the clip that follows, by key, after the last one the first."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """With seed 1 it is the clip after the next, and so on; never the clip itself."""
        keys = self.truth.keys
        if len(keys) < 2:
            raise KineBenchError("a split of one clip cannot be shuffled; generate two or more")
        step = 1 + seed % (len(keys) - 1)
        return Video(self.truth.frames(keys[(keys.index(condition.key) + step) % len(keys)]))


def load(setup: Setup) -> Shuffled:
    """Needs nothing but the ground truth."""
    return Shuffled(ground_truth(setup))
