"""A referring expression for every object: name, and where that is shared, initial place in the image."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from kinebench.annotate.sighting import Sighting
from kinebench.scene.scene import Scene

# Namesakes are told apart as nearer and farther if they are this much less apart across the image than down it.
BESIDE_SHARE = 0.6
ORDINALS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


@dataclass(frozen=True)
class Reference:
    """What singles an object out, and its place among its namesakes from left to right or from near to far."""

    text: str
    rank: int


def references(scene: Scene, sightings: tuple[Sighting, ...], shown: tuple[int, ...]) -> dict[int, Reference]:
    """One expression for each id in `shown`, all different: "the red cube", "the white cube on the left"."""
    named: dict[str, list[int]] = defaultdict(list)
    for identity in shown:
        named[scene.bodies[identity - 1].name].append(identity)
    found: dict[int, Reference] = {}
    for name, ids in named.items():
        if len(ids) == 1:
            found[ids[0]] = Reference(f"the {name}", 0)
            continue
        across = {i: float(sightings[i - 1].centres_px[0, 0]) for i in ids}
        down = {i: float(sightings[i - 1].centres_px[0, 1]) for i in ids}
        ordered, words = sorted(ids, key=lambda i: (across[i], i)), _by_column(name, len(ids))
        beside = float(np.diff([across[i] for i in ordered]).min())
        behind = float(np.diff(sorted(down.values())).min())
        if len(ids) <= 3 and beside < BESIDE_SHARE * behind:
            ordered = sorted(ids, key=lambda i: (float(sightings[i - 1].depths_m[0]), i))
            words = _by_depth(name, len(ids))
        found |= {i: Reference(text, rank) for rank, (i, text) in enumerate(zip(ordered, words, strict=True))}
    return found


def _by_column(name: str, count: int) -> list[str]:
    """Expressions from left to right."""
    if count == 2:
        return [f"the {name} on the left", f"the {name} on the right"]
    if count == 3:
        return [f"the leftmost {name}", f"the middle {name}", f"the rightmost {name}"]
    inner = [f"the {ordinal} {name} from the left" for ordinal in ORDINALS[: count - 2]]
    return [f"the leftmost {name}", *inner, f"the rightmost {name}"]


def _by_depth(name: str, count: int) -> list[str]:
    """Expressions from the nearest to the farthest, for two or three."""
    if count == 2:
        return [f"the nearer {name}", f"the farther {name}"]
    return [f"the nearest {name}", f"the second nearest {name}", f"the farthest {name}"]
