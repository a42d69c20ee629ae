"""What masks say of motion, whichever tracker made them: trajectories, collisions, stability."""

from kinebench.metrics.motion.summary import METRICS, motion, worst

__all__ = ["METRICS", "motion", "worst"]
