"""The small backbone from nothing: a codec fitted to clips, then a transformer that makes clips from their captions."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kinebench.kinemask.draw import INITIAL, TRAINING, Draw, rng
from kinebench.kinemask.families.parts import Parts
from kinebench.kinemask.families.small import Small, save, untrained
from kinebench.kinemask.small.codec import Clip, fitted

PATCH_PX, CHANNELS, WHITENING, DEVIATION = 8, 64, 0.0, 0.3
"""Of the codec, for 96x64 pixels: 16x16 pixels of four frames make a token."""
MATRICES_RATE, OTHERS_RATE, WARMUP_STEPS, LAST_SHARE = 8e-3, 4e-3, 30, 0.02
"""Learning rates of Muon, for the matrices of blocks, and of AdamW; they rise in the first steps and end at a share."""
MAX_GRAD_NORM = 1.0

Tell = Callable[[int, float], None]
"""Steps that are done, and the loss of the last."""


@dataclass(frozen=True)
class Captioned:
    """Clips uint8 (N, F, H, W, 3) and what is said of each; `unsaid` is said instead in a share of the steps."""

    clips: Sequence[Clip]
    captions: Sequence[str]
    unsaid: str
    unsaid_share: float = 0.2


def pretrained(data: Captioned, out: Path, *, steps: int, batch: int, seed: int, bfloat16: bool, tell: Tell) -> Small:
    """Train a backbone and write it to the folder `out`, which `open_family("small", ...)` opens."""
    codec = fitted(data.clips, PATCH_PX, CHANNELS, WHITENING, DEVIATION)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng(seed, INITIAL).integers(2**63)))
        save(out, untrained(codec, *data.clips[0].shape[:3]), codec)
    family = Small(Parts(out, "cpu", "float32"))
    family.transformer.requires_grad_(True).train()
    latents = torch.stack([family.latents(clip)["latents"] for clip in data.clips])
    text, unsaid = family.text(data.captions), family.text([data.unsaid])[0]
    optimizers, schedules = optimization(family.transformer, steps)
    for step, chosen in zip(range(steps), _orders(len(latents), batch, seed), strict=False):
        rngs = [rng(seed, TRAINING, step, place) for place in range(batch)]
        said = torch.stack(
            [unsaid if r.random() < data.unsaid_share else text[i] for r, i in zip(rngs, chosen, strict=True)]
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss = family.loss({"latents": latents[chosen], "text": said}, Draw(rngs)).mean()
        stepped(loss, family.transformer, optimizers, schedules)
        tell(step + 1, loss.item())
    save(out, family.transformer, codec)
    family.transformer.requires_grad_(False).eval()
    return family


def optimization(model: nn.Module, steps: int) -> tuple[list[Any], list[Any]]:
    """Muon for the matrices of the blocks, AdamW for the rest, and the cosine that both follow."""
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    matrices = [weight for name, weight in named if weight.ndim == 2 and ("blocks" in name or "projections" in name)]
    others = [weight for _, weight in named if not any(weight is matrix for matrix in matrices)]
    optimizers = [
        torch.optim.Muon(matrices, lr=MATRICES_RATE, adjust_lr_fn="match_rms_adamw", weight_decay=0.0),
        torch.optim.AdamW(others, lr=OTHERS_RATE, weight_decay=0.0),
    ]

    def share(step: int) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
        return min(1.0, (step + 1) / WARMUP_STEPS) * (LAST_SHARE + (1 - LAST_SHARE) * cosine)

    return optimizers, [torch.optim.lr_scheduler.LambdaLR(one, share) for one in optimizers]


def stepped(loss: Tensor, model: nn.Module, optimizers: Iterable[Any], schedules: Iterable[Any]) -> None:
    """One step of training."""
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
    for one in optimizers:
        one.step()
        one.zero_grad()
    for schedule in schedules:
        schedule.step()


def _orders(count: int, batch: int, seed: int) -> Iterator[Any]:
    """Endless batches of numbers below `count`; every clip once before any twice."""
    draw, left = rng(seed, TRAINING), np.empty(0, np.int64)
    while True:
        while len(left) < batch:
            left = np.concatenate([left, draw.permutation(count)])
        yield left[:batch]
        left = left[batch:]
