"""The ground truth: the best value of every metric, or the ceiling of one that needs a tracker."""

from dataclasses import dataclass

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.video import Video


@dataclass(frozen=True)
class Oracle:
    """Plays every clip as it is."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        return Video(self.truth.frames(condition.key))


def load(setup: Setup) -> Oracle:
    """Needs nothing but the ground truth."""
    return Oracle(ground_truth(setup))
