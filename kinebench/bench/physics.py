"""How fast candidates are simulated, how many become clips, and what rejects the others."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from kinebench.acceptance import find
from kinebench.recipe import load
from kinebench.textures.selection import choices


@dataclass
class Tally:
    """Candidates of one recipe so far."""

    accepted: int = 0
    cpu_s: float = 0.0
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def candidates(self) -> int:
        """Accepted and rejected ones."""
        return self.accepted + self.rejected.total()


def tally(dataset: str, clips: int) -> Iterator[Tally]:
    """Find clips 0..clips-1 of a recipe's train split; yields the tally after each."""
    recipe = load(dataset)
    grounds = choices(recipe.split("train").textures, "train", recipe.source)
    described = {name: (ground.phrase, ground.tile_m) for name, ground in grounds.items()}
    result = Tally()
    for index in range(clips):
        start = time.process_time()
        found = find(recipe, "train", index, 0, described)
        result.cpu_s += time.process_time() - start
        result.accepted += 1
        result.rejected.update(found.rejected)
        yield result
