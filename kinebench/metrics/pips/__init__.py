"""PIPs++, the network of FVMD: follows points through a window of frames."""

from kinebench.metrics.pips.network import PipsPlusPlus

__all__ = ["PipsPlusPlus"]
