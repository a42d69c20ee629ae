"""Wan2.2-TI2V-5B, image to video: first frame and prompt, with its authors' settings, which stand in `samplers/`."""

from kinebench.methods.adapter import Adapter, Setup


def load(setup: Setup) -> Adapter:
    """The published pipeline, without a branch."""
    from kinebench.kinemask.method import backbone

    from .tiny import pipeline as tiny

    return backbone("wan", setup, tiny)
