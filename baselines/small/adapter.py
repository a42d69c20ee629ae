"""KineBench's small backbone alone: first frame and prompt."""

from kinebench.methods.adapter import Adapter, Setup


def load(setup: Setup) -> Adapter:
    """A backbone of `kinebench train backbone`, without a branch."""
    from kinebench.kinemask.method import backbone

    from .tiny import Tiny

    return backbone("small", setup, Tiny)
