"""Which candidates become clips: decided on the rollout, in milliseconds, before any pixel is paid for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from kinebench.annotate.raster import rasterise
from kinebench.annotate.sighting import Sighting, gaps_m, sight
from kinebench.errors import KineBenchError
from kinebench.physics.rollout import Rollout
from kinebench.recipe import Acceptance, Recipe
from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array
from kinebench.scene.sampler import sample_scene
from kinebench.scene.scene import Scene

MOVED_PX = 2.0
"""An object moved if its centre travels at least this far in the image."""


@dataclass(frozen=True)
class Accepted:
    """A candidate that passed, and what it took to find it."""

    scene: Scene
    rollout: Rollout
    rejected: dict[str, int]  # rule -> candidates it rejected before this one
    path_px: Array  # (N,) length of each object's path in the image
    visible_px: tuple[int, ...]  # per object, at frame 0
    interaction: bool  # a driven object struck another and moved it


def wants_interaction(rule: Acceptance, index: int) -> bool:
    """Whether clip `index` must hold a strike. Exact for any prefix: of n clips, floor(n * share) do."""
    share = rule.interaction_share
    return int(np.floor((index + 1) * share + 1e-9)) > int(np.floor(index * share + 1e-9))


def find(recipe: Recipe, split: str, index: int, seed: int, grounds: Mapping[str, tuple[str, float]]) -> Accepted:
    """Try candidates until one passes; KineBenchError with the count of each rule if none of them does."""
    from kinebench.physics.bullet import simulate

    rejected: Counter[str] = Counter()
    for attempt in range(recipe.acceptance.max_attempts):
        scene = sample_scene(recipe, split, index, seed, attempt, grounds)
        if scene is None:
            rejected["no free place in view for every object"] += 1
            continue
        rollout = simulate(scene)
        judged = judge(recipe.acceptance, scene, rollout)
        if isinstance(judged, Accepted):
            return replace(judged, rejected=dict(rejected))
        rejected[judged] += 1
    counts = "\n".join(f"  {count:6d}  {rule}" for rule, count in rejected.most_common())
    raise KineBenchError(
        f"{recipe.source}: no candidate for {split} clip {index} passed in {recipe.acceptance.max_attempts} attempts; "
        f"rejected by\n{counts}\nloosen the rule at the top in [acceptance], or the ranges that it depends on"
    )


def judge(rule: Acceptance, scene: Scene, rollout: Rollout) -> Accepted | str:
    """The candidate with its facts, or the rule that rejects it. Cheap rules come first."""
    px, _ = scene.camera.project(rollout.positions_m)
    path_px = np.linalg.norm(np.diff(px, axis=0), axis=-1).sum(axis=0)
    if (fault := _contact_fault(rule, scene, rollout, path_px)) is not None:
        return fault
    driven = [i - 1 for i in scene.driven]
    seen = sight(scene, rollout)
    if not all(_stays_in_view(scene.camera, seen[i], rule.border_px) for i in driven):
        return f"a driven object comes within border_px = {rule.border_px:g} of the image's edge"
    if path_px[driven].min() < rule.min_path_px:
        return f"a driven object travels less than min_path_px = {rule.min_path_px:g}"
    if rollout.penetration_m > rule.max_penetration_m:
        return f"objects overlap by more than max_penetration_m = {rule.max_penetration_m:g}"
    visible = _visible_px(scene, rollout)
    if min(visible) < rule.min_visible_px:
        return f"an object shows less than min_visible_px = {rule.min_visible_px} at frame 0"
    return Accepted(scene, rollout, {}, path_px, visible, bool(strikes(scene, rollout, path_px, rule.struck_path_px)))


def strikes(scene: Scene, rollout: Rollout, path_px: Array, struck_path_px: float) -> list[tuple[int, int]]:
    """Pairs (driven, struck) of ids in which a driven object struck one at rest and moved it in the image."""
    pairs = []
    for event in rollout.events:
        for striker, struck in ((event.a, event.b), (event.b, event.a)):
            if striker in scene.driven and struck not in scene.driven and path_px[struck - 1] >= struck_path_px:
                pairs.append((striker, struck))
    return pairs


def _contact_fault(rule: Acceptance, scene: Scene, rollout: Rollout, path_px: Array) -> str | None:
    if rule.contact == "forbidden":
        return "two objects touch (contact = forbidden)" if rollout.events else None
    if wants_interaction(rule, scene.index):
        if not rollout.events:
            return "nothing is struck (contact = required)"
        if not strikes(scene, rollout, path_px, rule.struck_path_px):
            return f"no struck object travels struck_path_px = {rule.struck_path_px:g}"
        return None
    if rollout.events:
        return "two objects touch where a near miss is wanted (interaction_share)"
    if _closest_gap_m(scene, rollout) > rule.near_miss_m:
        return f"no driven object passes another within near_miss_m = {rule.near_miss_m:g}"
    return None


def _closest_gap_m(scene: Scene, rollout: Rollout) -> float:
    """Smallest gap between a driven object's footprint and any other's, over the clip."""
    seen, driven = sight(scene, rollout), set(scene.driven)
    pairs = [(a, b) for a, b in combinations(range(len(seen)), 2) if {a + 1, b + 1} & driven]
    return float(min(gaps_m(seen[a], seen[b]).min() for a, b in pairs))


def _stays_in_view(camera: Camera, sighting: Sighting, border_px: float) -> bool:
    """Whether the whole object is inside the image by `border_px` in every frame."""
    low, high = sighting.boxes_px[:, :2], sighting.boxes_px[:, 2:]
    size = np.array([camera.width_px, camera.height_px])
    return bool(np.all(low >= border_px) and np.all(high <= size - border_px))  # NaN, behind it, compares false


def _visible_px(scene: Scene, rollout: Rollout) -> tuple[int, ...]:
    first = replace(rollout, positions_m=rollout.positions_m[:1], quaternions_wxyz=rollout.quaternions_wxyz[:1])
    counts = np.bincount(rasterise(scene, first).segmentation.ravel(), minlength=len(scene.bodies) + 1)
    return tuple(int(count) for count in counts[1:])
