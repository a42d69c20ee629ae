"""Counterfactual groups: clips of one base scene that differ in one factor. Pure arithmetic on the clip's index.

Each group is of one factor and has one clip for each of the factor's steps, in order; the groups take the factors in
turn. So one cycle of indices holds each factor once, and any prefix holds each as often as any other, to within one
group.
"""

from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np

from kinebench import rejection
from kinebench.recipe import Counterfactual, Range, Recipe
from kinebench.scene.pose import Array
from kinebench.scene.sampler import footprint_radius_m, sample_scene
from kinebench.scene.scene import Body, Scene, Variant

FACTORS = {
    "speed_mps": "speed",
    "direction_deg": "direction",
    "presence": "presence",
    "mass_kg": "mass",
    "ground_friction": "friction",
}
"""The recipe's lists, and what a sample's record calls their factors."""
DECIMALS = 9
"""Turned velocities are kept to these, so that a quarter turn of (1, 0) is exactly (0, 1)."""


def cycle(spec: Counterfactual) -> dict[str, tuple[float, ...]]:
    """The factors that the recipe varies, in their order, and the steps of each."""
    lists = {FACTORS[field.name]: getattr(spec, field.name) for field in fields(spec)}
    return {factor: steps for factor, steps in lists.items() if steps}


def variant_of(spec: Counterfactual, index: int) -> Variant:
    """Group, factor and value of clip `index`."""
    factors = cycle(spec)
    rounds, place = divmod(index, sum(map(len, factors.values())))
    for rank, (factor, steps) in enumerate(factors.items()):
        if place < len(steps):
            return Variant(rounds * len(factors) + rank, factor, steps[place])
        place -= len(steps)
    raise AssertionError("place is below the length of a cycle")


def siblings(spec: Counterfactual, variant: Variant) -> tuple[Variant, ...]:
    """All variants of the group, in order of value."""
    return tuple(replace(variant, value=value) for value in cycle(spec)[variant.factor])


def liveliest(spec: Counterfactual, variant: Variant) -> Variant:
    """The variant of the group in which the struck object must be struck: where most is to be expected.

    The fastest speed, the base's own direction, the struck object present, the lightest, the smoothest ground.
    """
    steps = cycle(spec)[variant.factor]
    return replace(variant, value=steps[-1] if variant.factor in ("speed", "presence") else steps[0])


def draw(
    recipe: Recipe, split: str, index: int, seed: int, attempt: int, grounds: Mapping[str, tuple[str, float]]
) -> Scene | str:
    """Candidate `attempt` of clip `index`, of a recipe with or without [counterfactual]; or why there is none.

    `grounds` as for `sample_scene`.
    """
    if recipe.counterfactual is None:
        return sample_scene(recipe, split, index, seed, attempt, grounds) or rejection.NO_PLACE
    variant = variant_of(recipe.counterfactual, index)
    base = draw_base(recipe, split, variant.group, seed, attempt, grounds)
    return base if isinstance(base, str) else vary(base, variant, index)


def draw_base(
    recipe: Recipe, split: str, group: int, seed: int, attempt: int, grounds: Mapping[str, tuple[str, float]]
) -> Scene | str:
    """What the clips of a group are variants of: a scene whose last object is the struck one; or why there is none."""
    scene = sample_scene(recipe, split, group, seed, attempt, grounds)
    return rejection.NO_PLACE if scene is None else with_struck_last(scene) or rejection.NOTHING_IN_THE_WAY


def widened(recipe: Recipe) -> Recipe:
    """The recipe with ranges that hold the values of its variants too."""
    spec = recipe.counterfactual
    if spec is None:
        return recipe
    low, high = recipe.objects.count
    objects = replace(recipe.objects, mass_kg=_span(recipe.objects.mass_kg, spec.mass_kg))
    return replace(
        recipe,
        objects=replace(objects, count=(low - 1, high)) if spec.presence else objects,
        motion=replace(recipe.motion, speed_mps=_span(recipe.motion.speed_mps, spec.speed_mps)),
        ground=replace(recipe.ground, friction=_span(recipe.ground.friction, spec.ground_friction)),
    )


def _span(bounds: Range, steps: tuple[float, ...]) -> Range:
    return min(*bounds, *steps), max(*bounds, *steps)


def with_struck_last(scene: Scene) -> Scene | None:
    """The scene with the first object in the driven one's straight way as its last; None if its way is free.

    Being last, it can be taken away without changing the ids of the others.
    """
    (driven,) = (body for body in scene.bodies if body.driven)
    ahead = {body: _distance_m(driven, body) for body in scene.bodies if body is not driven}
    hit = {body: metres for body, metres in ahead.items() if metres is not None}
    if not hit:
        return None
    struck = min(hit, key=lambda body: hit[body])
    return replace(scene, bodies=(*(body for body in scene.bodies if body is not struck), struck))


def _distance_m(driven: Body, other: Body) -> float | None:
    """How far along its way the driven object meets the other's middle; None if their footprints' middles miss."""
    heading = np.array(driven.velocity_mps[:2]) / np.linalg.norm(driven.velocity_mps)
    away = np.subtract(other.position_m, driven.position_m)[:2]
    aside = abs(float(heading[0] * away[1] - heading[1] * away[0]))
    along = float(heading @ away)
    return along if along > 0 and aside < (footprint_radius_m(driven) + footprint_radius_m(other)) / 2 else None


def vary(base: Scene, variant: Variant, index: int) -> Scene:
    """The base scene, whose last object is the struck one, as clip `index`: with its own value of the factor."""
    scene = replace(base, index=index, variant=variant)
    *others, struck = base.bodies
    if variant.factor == "presence":
        return scene if variant.value else replace(scene, bodies=tuple(others))
    if variant.factor == "mass":
        return replace(scene, bodies=(*others, replace(struck, mass_kg=variant.value)))
    if variant.factor == "friction":
        return replace(scene, ground=replace(base.ground, friction=variant.value))
    return replace(scene, bodies=tuple(_driven_otherwise(body, variant) for body in base.bodies))


def _driven_otherwise(body: Body, variant: Variant) -> Body:
    """The body with the variant's speed or direction, if it is the driven one."""
    velocity = np.array(body.velocity_mps)
    if not body.driven or (variant.factor, variant.value) == ("direction", 0):
        return body
    if variant.factor == "speed":
        changed: Array = velocity * (variant.value / np.linalg.norm(velocity))
    else:
        turn = np.radians(variant.value)
        x, y = velocity[:2]
        changed = np.array([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn), 0.0])
    vx, vy, vz = changed.round(DECIMALS).tolist()
    return replace(body, velocity_mps=(vx, vy, vz))
