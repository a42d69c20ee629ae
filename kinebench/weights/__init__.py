"""Published weights: where they come from, whether they are whole, where they lie."""

from kinebench.weights.library import Weights, chosen, locate, sha256

__all__ = ["Weights", "chosen", "locate", "sha256"]
