"""What finding a clip costs: candidates, what rejects them, and CPU time against simulating each to its end."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kinebench.acceptance import Accepted, find, judge
from kinebench.physics.bullet import simulate
from kinebench.recipe import Recipe, load
from kinebench.scene.sampler import sample_scene
from kinebench.textures.selection import choices

Grounds = Mapping[str, tuple[str, float]]


@dataclass
class Tally:
    """Candidates of one recipe so far."""

    accepted: int = 0
    cpu_s: float = 0.0
    in_full_cpu_s: float | None = None  # None where groups of clips are searched for: there is no such search
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def candidates(self) -> int:
        """Accepted and rejected ones."""
        return self.accepted + self.rejected.total()


def tally(dataset: str, clips: int) -> Iterator[Tally]:
    """Find clips 0..clips-1 of a recipe's train split, in both ways; yields the tally after each."""
    recipe = load(dataset)
    grounds = choices(recipe.split("train").textures, "train", recipe.source)
    described = {name: (ground.phrase, ground.tile_m) for name, ground in grounds.items()}
    result = Tally(in_full_cpu_s=0.0 if recipe.counterfactual is None else None)
    for index in range(clips):
        start = time.process_time()
        found = find(recipe, "train", index, 0, described)
        result.cpu_s += time.process_time() - start
        result.accepted += 1
        result.rejected.update(found.rejected)
        if result.in_full_cpu_s is not None:
            start = time.process_time()
            attempt = _find_in_full(recipe, index, described)
            result.in_full_cpu_s += time.process_time() - start
            assert attempt == found.scene.attempt, f"the two searches differ: {attempt}, {found.scene.attempt}"
        yield result


def _find_in_full(recipe: Recipe, index: int, grounds: Grounds) -> int:
    """The attempt that passes, if every candidate is simulated to its end."""
    for attempt in range(recipe.acceptance.max_attempts):
        scene = sample_scene(recipe, "train", index, 0, attempt, grounds)
        if scene is not None and isinstance(judge(recipe.acceptance, scene, simulate(scene)), Accepted):
            return attempt
    raise AssertionError("the other search has found one")
