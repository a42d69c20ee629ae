"""SAM2 as a tracker: masks of frame 0 carried through a clip, by either of two interchangeable back ends."""

from kinebench.metrics.sam2.meter import Sam2Masks
from kinebench.metrics.sam2.tracking import Tracker, track

__all__ = ["Sam2Masks", "Tracker", "track"]
