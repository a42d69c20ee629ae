"""Published weights: where they come from, whether they are whole, where they lie."""

from kinebench.weights.library import locate, sha256

__all__ = ["locate", "sha256"]
