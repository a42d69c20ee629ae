"""The loss on clips that are not trained on, with the same noise and times each time: steps and runs compare."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinebench.kinemask.batches import Clips, collated
from kinebench.kinemask.conditioning import Truncation
from kinebench.kinemask.draw import VALIDATION, Draw, rng

MASKS: tuple[Truncation, ...] = ("full", "early", "first")
"""Whole, cut as in the paper's second stage, and as at inference."""
_CUT, _NOISE = range(2)


def losses(clips: Clips, loss: Callable[[dict[str, Any], Draw], Tensor], seed: int, work: Any) -> dict[str, float]:
    """The mean loss with each kind of mask; a clip has the same noise with all of them."""
    totals = torch.zeros(len(MASKS), dtype=torch.float64)
    for number in range(work.process_index, len(clips.keys), work.num_processes):
        for place, truncation in enumerate(MASKS):
            cut: np.random.Generator = rng(seed, VALIDATION, number, _CUT)
            batch = collated([clips.item(clips.keys[number], truncation, cut, dropout=0.0)])
            totals[place] += float(loss(batch, Draw([rng(seed, VALIDATION, number, _NOISE)])).sum())
    means = work.reduce(totals.to(work.device, torch.float32), "sum") / len(clips.keys)
    return dict(zip(MASKS, means.tolist(), strict=True))
