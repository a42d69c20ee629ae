"""Counterfactual groups of a split: which clips differ in one factor alone."""

from dataclasses import dataclass

from kinebench import recipe as recipes
from kinebench.scene.variant import cycle
from kinebench.scoring.truths import CheckedShards


@dataclass(frozen=True)
class Group:
    """One group, with all its clips."""

    name: str
    factor: str
    clips: tuple[tuple[str, float], ...]  # key, value of the factor; in order of the keys


def whole_groups(shards: CheckedShards, split: str) -> tuple[Group, ...]:
    """The groups of a split; without one that the dataset holds only a part of."""
    plain = shards.manifest.recipe
    spec = recipes.parse(plain, f"the recipe of {shards.folder}").counterfactual if "counterfactual" in plain else None
    if spec is None:
        return ()
    found: dict[str, list[tuple[str, float]]] = {}
    factors: dict[str, str] = {}
    for key in shards.keys(split):
        said = shards.record(key)["counterfactual"]
        found.setdefault(said["group"], []).append((key, float(said["value"])))
        factors[said["group"]] = said["factor"]
    steps = cycle(spec)
    return tuple(
        Group(name, factors[name], tuple(clips))
        for name, clips in sorted(found.items())
        if len(clips) == len(steps[factors[name]])
    )
