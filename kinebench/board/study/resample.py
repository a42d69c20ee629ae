"""Participants drawn with replacement, each with all of his answers: those of one person are not independent."""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kinebench.metrics.resampling import CONFIDENCE, RESAMPLES


def weights(participants: int, content: str) -> NDArray[np.float64]:
    """How often each participant is drawn, (resamples, participants); the draws follow from `content` alone."""
    rng = np.random.default_rng(list(hashlib.sha256(content.encode()).digest()))
    return rng.multinomial(participants, np.full(participants, 1 / participants), RESAMPLES).astype(np.float64)


def totals(drawn: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over drawn participants, (resamples, ...), of counts (participants, ...)."""
    return (drawn @ counts.reshape(len(counts), -1)).reshape(len(drawn), *counts.shape[1:])


def ends(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """The 95 % percentile interval of resampled values (resamples,); those that are NaN had nothing to measure."""
    there = values[np.isfinite(values)]
    if not len(there):
        return None
    low, high = np.quantile(there, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def content(parts: Iterable[object]) -> str:
    """One text of many values."""
    return "\n".join(map(str, parts))
