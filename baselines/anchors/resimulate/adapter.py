"""Simulated from the true first state with nominal mass, friction and restitution: what hidden numbers cost."""

from dataclasses import dataclass

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.remake import check_engines, resimulated
from kinebench.methods.video import Video


@dataclass(frozen=True)
class Resimulate:
    """Knows where everything is and how fast, and takes the middle of the recipe's ranges for the rest."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        return Video(resimulated(self.truth, condition.key))


def load(setup: Setup) -> Resimulate:
    """Needs Bullet and Blender, which run in a process of their own."""
    check_engines()
    return Resimulate(ground_truth(setup))
