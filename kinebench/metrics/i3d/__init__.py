"""I3D, the network of FVD: its layers, a folded copy that runs faster, both published layouts of its weights."""

from kinebench.metrics.i3d.network import InceptionI3d

__all__ = ["InceptionI3d"]
