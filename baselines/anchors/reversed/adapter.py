"""The ground truth backwards: every frame belongs to the clip, and the first is another than was given."""

from dataclasses import dataclass

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.video import Video


@dataclass(frozen=True)
class Reversed:
    """Plays every clip from its end."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        return Video(self.truth.frames(condition.key)[::-1])


def load(setup: Setup) -> Reversed:
    """Needs nothing but the ground truth."""
    return Reversed(ground_truth(setup))
