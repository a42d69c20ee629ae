"""Measurements of KineBench itself, each a command: ratios of two ways of doing a thing, taken in one run."""
