"""What the coding of predictions costs, measured on the ground truth: no fault of a method, but it scores."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.metrics.pixel import decibels, mse_per_frame
from kinebench.metrics.truth import Truth
from kinebench.scoring.predictions import Look, Slot
from kinebench.shards import video
from kinebench.shards.video import Coding

FINE_RATE = 10.0
"""x264's crf or qp up to which a file with all its colours is as good as lossless: an MSE of about 1."""


@dataclass(frozen=True)
class Cost:
    """Of the ground truth coded alike, against itself."""

    mse: float
    psnr: float


@dataclass(frozen=True)
class Coded:
    """Videos that are coded alike."""

    coding: Coding
    videos: int
    fine: bool
    cost: Cost | None = None  # of the pixel format alone, where the file does not say how hard it was compressed


def fine(coding: Coding) -> bool:
    """Lossless, or close to it."""
    gentle = coding.rate is not None and coding.rate.value <= FINE_RATE
    return coding.full_colour and (coding.lossless or gentle)


def kinds(looks: Mapping[Slot, Look]) -> list[tuple[Coding, int]]:
    """Each coding that occurs, with how many videos have it, the most frequent first."""
    found = Counter(each.coding for each in looks.values() if each.coding is not None)
    return sorted(found.items(), key=lambda pair: (-pair[1], str(pair[0])))


def check(found: Iterable[tuple[Coding, int]], truth: Truth) -> tuple[Coded, ...]:
    """What each coding costs on this truth, where it costs something."""
    return tuple(
        Coded(coding, count, fine(coding), None if fine(coding) else cost(coding, truth)) for coding, count in found
    )


def cost(coding: Coding, truth: Truth) -> Cost | None:
    """Of a truth's frames; None if they cannot be coded so here."""
    coded = video.as_coded(truth.frames, truth.fps, coding)
    return None if coded is None or coded.shape != truth.frames.shape else _cost(coded, truth.frames)


def _cost(coded: NDArray[np.uint8], frames: NDArray[np.uint8]) -> Cost:
    errors = mse_per_frame(coded, frames)
    return Cost(float(errors.mean()), float(decibels(errors).mean()))
