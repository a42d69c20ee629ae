"""KineMask on the small backbone: the method `small`, and a branch that is told how objects move in the first frame."""

from pathlib import Path

from kinebench.methods.adapter import Adapter, Setup
from kinebench.methods.method import read


def load(setup: Setup) -> Adapter:
    """The backbone as its own folder opens it, and the branch of a checkpoint."""
    from kinebench.kinemask.method import steered

    return steered(read(Path(__file__).parent), "small", setup)
