"""The loss on clips that are not trained on, with the same noise and times each time: steps and runs compare."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from kinebench.kinemask.batches import Clips, Course, collated
from kinebench.kinemask.conditioning import Truncation
from kinebench.kinemask.draw import VALIDATION, Draw, rng

MASKS: tuple[Truncation, ...] = ("full", "early", "first")
"""Whole, cut as in the paper's second stage, and as at inference."""
STEERED: dict[str, Course] = {mask: Course(mask) for mask in MASKS}
ALONE: dict[str, Course] = {"captioned": Course(None), "plain": Course(None, plain=1.0)}
"""Of a backbone without a branch: told what happens, and told c_0 alone."""
_CUT, _NOISE = range(2)


def losses(
    clips: Clips,
    courses: Mapping[str, Course],
    loss: Callable[[dict[str, Any], Draw], Tensor],
    seed: int,
    batch: int,
    work: Any,
) -> dict[str, float]:
    """The mean loss of each course, `batch` clips at once; a clip has the same noise in all of them."""
    totals = torch.zeros(len(courses), dtype=torch.float64)
    mine, most = (range(first, len(clips.keys), work.num_processes) for first in (work.process_index, 0))
    for first in range(0, len(most), batch):
        counted = mine[first : first + batch]
        numbers = counted or most[:1]  # a model that is shared out runs in all processes, or in none
        for place, course in enumerate(courses.values()):
            items = [clips.item(clips.keys[each], course, rng(seed, VALIDATION, each, _CUT)) for each in numbers]
            draw = Draw([rng(seed, VALIDATION, each, _NOISE) for each in numbers])
            found = float(loss(collated(items), draw).sum())
            totals[place] += found if counted else 0.0
    means = work.reduce(totals.to(work.device, torch.float32), "sum") / len(clips.keys)
    return dict(zip(courses, means.tolist(), strict=True))
