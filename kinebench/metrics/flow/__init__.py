"""Masks carried through a video by optical flow and the colours that they began with, and what they say."""

from kinebench.metrics.flow.meter import FlowMasks

__all__ = ["FlowMasks"]
