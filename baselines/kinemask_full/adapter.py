"""KineMask told more than anybody is: the velocity masks of all frames, taken from the clip itself."""

from kinebench.methods.adapter import Adapter, Setup


def load(setup: Setup) -> Adapter:
    """The backbone and the branch of a checkpoint, of any family."""
    from kinebench.kinemask.method import told_all

    return told_all(setup)
