"""The ground truth rendered again with another sampling seed: what the renderer's noise alone costs."""

from dataclasses import dataclass

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.remake import check_engines, rerendered
from kinebench.methods.video import Video


@dataclass(frozen=True)
class Rerender:
    """Renders the true motion."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """Other noise for every seed."""
        return Video(rerendered(self.truth, condition.key, seed))


def load(setup: Setup) -> Rerender:
    """Needs Blender, which runs in a process of its own."""
    check_engines()
    return Rerender(ground_truth(setup))
