"""KineMask. Its weights are not published yet."""

from kinebench.errors import Unavailable
from kinebench.methods.adapter import Adapter, Setup


def load(setup: Setup) -> Adapter:
    """Raises Unavailable."""
    raise Unavailable(
        "no weights of KineMask have been published yet, and what runs a branch of your own (kinebench train) is not "
        "released; what it starts from runs: kinebench run cogvideox"
    )
