"""Which candidates become clips: decided on the rollout, in milliseconds, before any pixel is paid for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from kinebench import rejection
from kinebench.annotate.raster import rasterise
from kinebench.annotate.sighting import Sighting, gaps_m, sight
from kinebench.errors import KineBenchError
from kinebench.outlook import doomed
from kinebench.physics.rollout import Rollout, start
from kinebench.recipe import Acceptance, Recipe
from kinebench.rejection import Wish
from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array
from kinebench.scene.scene import Scene, Variant
from kinebench.scene.variant import draw, draw_base, liveliest, siblings, variant_of, vary

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


def wish_of(rule: Acceptance, index: int) -> Wish:
    """What clip `index` must hold."""
    if rule.contact == "required":
        return "strike" if wants_interaction(rule, index) else "near miss"
    return "no contact" if rule.contact == "forbidden" else "anything"


def find(recipe: Recipe, split: str, index: int, seed: int, grounds: Mapping[str, tuple[str, float]]) -> Accepted:
    """Try candidates until one passes; KineBenchError with the count of each rule if none of them does."""
    rejected: Counter[str] = Counter()
    for attempt in range(recipe.acceptance.max_attempts):
        if recipe.counterfactual is None:
            scene = draw(recipe, split, index, seed, attempt, grounds)
            judged = scene if isinstance(scene, str) else _try(recipe.acceptance, scene)
        else:
            variant = variant_of(recipe.counterfactual, index)
            base = draw_base(recipe, split, variant.group, seed, attempt, grounds)
            judged = base if isinstance(base, str) else _try_group(recipe, base, variant, index)
        if isinstance(judged, Accepted):
            return replace(judged, rejected=dict(rejected))
        rejected[judged] += 1
    counts = "\n".join(f"  {count:6d}  {rule}" for rule, count in rejected.most_common())
    raise KineBenchError(
        f"{recipe.source}: no candidate for {split} clip {index} passed in {recipe.acceptance.max_attempts} attempts; "
        f"rejected by\n{counts}\nloosen the rule at the top in [acceptance], or the ranges that it depends on"
    )


def _try(rule: Acceptance, scene: Scene) -> Accepted | str:
    """Simulate a candidate, for as long as it may pass, and judge it."""
    wish = wish_of(rule, scene.index)
    return doomed(rule, wish, scene, start(scene)) or _simulate(rule, wish, scene)


def _try_group(recipe: Recipe, base: Scene, variant: Variant, index: int) -> Accepted | str:
    """Clip `index`, if every variant of its group passes; the liveliest must be an interaction, and is tried first."""
    assert recipe.counterfactual is not None
    rule, lead = recipe.acceptance, liveliest(recipe.counterfactual, variant)
    group = [lead, *(other for other in siblings(recipe.counterfactual, variant) if other != lead)]
    wishes: dict[Variant, Wish] = {other: "strike" if other == lead else "anything" for other in group}
    scenes = {other: vary(base, other, index) for other in group}
    for other, scene in scenes.items():
        if (reason := doomed(rule, wishes[other], scene, start(scene))) is not None:
            return reason
    found: dict[Variant, Accepted] = {}
    for other, scene in scenes.items():
        judged = _simulate(rule, wishes[other], scene)
        if isinstance(judged, str):
            return judged
        if other == lead and (fault := _lead_fault(rule, judged)) is not None:
            return fault
        found[other] = judged
    return found[variant]


def _lead_fault(rule: Acceptance, lead: Accepted) -> str | None:
    """What a group's liveliest variant lacks: that the driven object first strikes the last one, and moves it."""
    pair, events = (*lead.scene.driven, len(lead.scene.bodies)), lead.rollout.events
    if not events:
        return rejection.nothing_struck(rule)
    if (events[0].a, events[0].b) != pair:
        return rejection.NOT_THE_STRUCK_ONE
    if pair not in strikes(lead.scene, lead.rollout, lead.path_px, rule.struck_path_px):
        return rejection.not_moved(rule)
    return None


def _simulate(rule: Acceptance, wish: Wish, scene: Scene) -> Accepted | str:
    from kinebench.physics.bullet import simulate_unless

    rollout = simulate_unless(scene, lambda moment: doomed(rule, wish, scene, moment))
    return rollout if isinstance(rollout, str) else judge(rule, scene, rollout)


def judge(rule: Acceptance, scene: Scene, rollout: Rollout) -> Accepted | str:
    """The candidate with its facts, or the rule that rejects it. Cheap rules come first."""
    px, _ = scene.camera.project(rollout.positions_m)
    path_px = np.linalg.norm(np.diff(px, axis=0), axis=-1).sum(axis=0)
    if (fault := _contact_fault(rule, scene, rollout, path_px)) is not None:
        return fault
    driven = [i - 1 for i in scene.driven]
    if path_px[driven].min() < rule.min_path_px:
        return rejection.short_path(rule)
    if rollout.penetration_m > rule.max_penetration_m:
        return rejection.overlap(rule)
    seen = sight(scene, rollout)
    if not all(_stays_in_view(scene.camera, seen[i], rule.border_px) for i in driven):
        return rejection.leaves_view(rule)
    visible = _visible_px(scene, rollout)
    if min(visible) < rule.min_visible_px:
        return rejection.hidden(rule)
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
    wish = wish_of(rule, scene.index)
    if wish == "anything":
        return None
    if wish == "strike":
        if not rollout.events:
            return rejection.nothing_struck(rule)
        return None if strikes(scene, rollout, path_px, rule.struck_path_px) else rejection.not_moved(rule)
    if rollout.events:
        return rejection.touch(wish)
    if wish == "near miss" and _closest_gap_m(scene, rollout) > rule.near_miss_m:
        return rejection.no_near_miss(rule)
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
