"""Random numbers of training: a generator for each clip of each step, so that no arrangement of work changes them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

TRAINING, VALIDATION, INITIAL, SHOWN = range(4)
"""What numbers are for; they never share a stream."""


class Draw:
    """Numbers for a batch. Row i comes from the generator of clip i alone, whoever else is in the batch."""

    def __init__(self, rngs: Sequence[np.random.Generator]) -> None:
        self._rngs = tuple(rngs)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, float32 (B, *shape), on the CPU."""
        return torch.stack([torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)) for rng in self._rngs])

    def uniform(self) -> Tensor:
        """Uniform in [0, 1), float32 (B,), on the CPU."""
        return torch.tensor([rng.random(dtype=np.float32) for rng in self._rngs])


def rng(seed: int, purpose: int, *place: int) -> np.random.Generator:
    """The generator of one thing, such as of clip `place[1]` in the total batch of step `place[0]`."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *place)))


def torch_seed(rng: np.random.Generator) -> int:
    """A seed for torch."""
    return int(rng.integers(2**63))
