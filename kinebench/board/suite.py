"""The version of all metrics together, under which results are filed: numbers of two versions are never compared."""

METRICS_VERSION = 1
"""Raised with the version of any metric, or a change of its defaults; tests hold each metric's version against it."""
