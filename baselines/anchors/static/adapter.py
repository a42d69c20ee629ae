"""The first frame, standing still: what a model shows that does nothing."""

import numpy as np

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.video import Video


class Static:
    """Repeats the first frame."""

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        return Video(np.repeat(condition.first_frame[None], condition.frames, axis=0))


def load(setup: Setup) -> Static:
    """Needs nothing."""
    return Static()
