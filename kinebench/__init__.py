"""KineBench: synthetic clips of rigid-body interaction, with the velocity masks and scores of the KineMask paper."""

__version__ = "0.7.0"
