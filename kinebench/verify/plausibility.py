"""Whether a dataset as a whole is what its recipe promises: distributions beside the ranges wanted."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinebench.acceptance import wants_interaction
from kinebench.recipe import Recipe
from kinebench.scene.variant import widened
from kinebench.shards import record as records
from kinebench.stats.facts import facts
from kinebench.verify.laws import ENERGY_J, FLOAT_M, SINK_M, energy_j, lowest_m

DIRECTIONS = 8

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Measures:
    """What one sample adds to the report."""

    values: dict[str, tuple[float, ...]]  # by quantity
    names: dict[str, tuple[str, ...]]  # by kind: what occurs


@dataclass(frozen=True)
class Quantity:
    """How one quantity is spread over a dataset, and the range that its recipe wants."""

    name: str
    digits: int
    wanted: Bounds
    count: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Statement:
    """One fact about a dataset, and what is wanted."""

    name: str
    wanted: str
    measured: str


@dataclass(frozen=True)
class Plausibility:
    """The report."""

    quantities: tuple[Quantity, ...]
    statements: tuple[Statement, ...]


def measure(record: dict[str, Any], recipe: Recipe, redrawn: bool) -> Measures:
    """The quantities of one sound record."""
    scene, rollout, quality, moves = records.scene(record), records.rollout(record), record["quality"], facts(record)
    driven = [body for body in scene.bodies if body.driven]
    cubes = [body.size_m[0] for body in scene.bodies if body.shape == "cube"]
    tubes = [body.size_m for body in scene.bodies if body.shape == "cylinder"]
    heights_m = [lowest_m(body, rollout, number) for number, body in enumerate(scene.bodies, 1)]
    required = recipe.acceptance.contact == "required"
    wanted = required and wants_interaction(recipe.acceptance, scene.index)
    values: dict[str, Iterable[float]] = {
        "objects": [len(scene.bodies)],
        "driven": [len(driven)],
        "edge": cubes,
        "diameter": [size[0] for size in tubes],
        "height": [size[2] for size in tubes],
        "mass": [body.mass_kg for body in scene.bodies],
        "friction": [body.friction for body in scene.bodies],
        "restitution": [body.restitution for body in scene.bodies],
        "speed": [math.hypot(*body.velocity_mps) for body in driven],
        "heading": moves.direction_rad,
        "fastest": [float(np.linalg.norm(rollout.velocities_mps, axis=-1).max())],
        "braking": [rate / mu_g for mu_g, rate in moves.slides if mu_g > 0],
        "growth": [1000 * float(np.diff(energy_j(scene, rollout)).max(initial=0.0))],
        "lowest": [1000 * float(height_m.min()) for height_m in heights_m],
        "highest": [1000 * float(height_m.max()) for height_m in heights_m],
        "penetration": [1000 * rollout.penetration_m],
        "first contact": [] if moves.first_contact_s is None else [moves.first_contact_s],
        "path": quality["path_px"],
        "visible": quality["visible_px"],
        "interaction wanted": [wanted],
        "interaction": [quality["interaction"]],
        "near miss wanted": [required and not wanted],
        "near miss": [required and not rollout.events],
        "contact": [bool(rollout.events)],
        "redrawn": [redrawn],
    }
    names = {f"colours of {scene.split}": tuple(body.colour for body in scene.bodies)}
    names |= {f"grounds of {scene.split}": (scene.ground.texture,)}
    return Measures({name: tuple(map(float, numbers)) for name, numbers in values.items()}, names)


def report(measures: Sequence[Measures], recipe: Recipe, choices: dict[str, int | None]) -> Plausibility:
    """What the samples are together. `choices` says how many grounds each split may use, None if that is not known."""
    values: dict[str, list[float]] = {}
    names: dict[str, Counter[str]] = {}
    for one in measures:
        for name, numbers in one.values.items():
            values.setdefault(name, []).extend(numbers)
        for kind, found in one.names.items():
            names.setdefault(kind, Counter()).update(found)
    if not measures:
        return Plausibility((), ())
    return Plausibility(tuple(_quantities(values, recipe)), tuple(_statements(values, names, recipe, choices)))


def _quantities(values: dict[str, list[float]], recipe: Recipe) -> Iterable[Quantity]:
    recipe = widened(recipe)
    objects, rule = recipe.objects, recipe.acceptance
    rows: list[tuple[str, str, int, Bounds]] = [
        ("objects", "objects in a clip", 0, objects.count),
        ("driven", "driven objects in a clip", 0, objects.driven),
        ("edge", "edge of cubes, m", 3, objects.cube_edge_m),
        ("diameter", "diameter of cylinders, m", 3, objects.cylinder_diameter_m),
        ("height", "height of cylinders, m", 3, objects.cylinder_height_m),
        ("mass", "mass, kg", 2, objects.mass_kg),
        ("friction", "friction of objects", 3, objects.friction),
        ("restitution", "restitution of objects", 3, objects.restitution),
        ("speed", "speed of driven objects at frame 0, m/s", 3, recipe.motion.speed_mps),
        ("fastest", "highest speed in a clip, m/s", 3, (None, recipe.motion.v_max_mps)),
        ("braking", "deceleration before contact / (mu g)", 3, (None, None)),
        ("growth", "energy gained in the worst step of a clip, mJ", 3, (None, 1000 * ENERGY_J)),
        ("lowest", "lowest point of an object, at its lowest, mm", 2, (-1000 * SINK_M, None)),
        ("highest", "lowest point of an object, at its highest, mm", 2, (None, 1000 * FLOAT_M)),
        ("penetration", "deepest overlap in a clip, mm", 2, (None, 1000 * rule.max_penetration_m)),
        ("first contact", "time of the first contact, s", 2, (None, None)),
        ("path", "path of driven objects, px", 0, (rule.min_path_px, None)),
        ("visible", "visible pixels of objects at frame 0", 0, (rule.min_visible_px, None)),
    ]
    for key, name, digits, wanted in rows:
        if found := values.get(key):
            spread = (float(number) for number in (np.min(found), np.median(found), np.max(found)))
            yield Quantity(name, digits, wanted, len(found), *spread)


def _statements(
    values: dict[str, list[float]], names: dict[str, Counter[str]], recipe: Recipe, choices: dict[str, int | None]
) -> Iterable[Statement]:
    clips = len(values["objects"])

    def share(key: str) -> str:
        return f"{sum(values[key]):.0f} of {clips} ({np.mean(values[key]):.1%})"

    contact = recipe.acceptance.contact
    if contact == "required":
        yield Statement("clips with interaction", share("interaction wanted"), share("interaction"))
        yield Statement("near misses", share("near miss wanted"), share("near miss"))
    else:
        yield Statement("clips with contact", f"0 of {clips}" if contact == "forbidden" else "any", share("contact"))
    if recipe.counterfactual is None:  # the clips of a group share theirs
        wanted = "drawn uniformly"
        yield Statement(f"first directions, {DIRECTIONS} sectors", wanted, _directions(values["heading"]))
    for kind, counts in sorted(names.items()):
        split = kind.rpartition(" ")[2]
        known = len(recipe.splits[split].colours) if kind.startswith("colours") else choices[split]
        wanted = "evenly" if known is None else f"{known}, evenly"
        yield Statement(kind, wanted, _evenness(counts))
    yield Statement("scenes drawn again from seed", "the same", share("redrawn"))


def _directions(headings_rad: Sequence[float]) -> str:
    sectors = np.floor(np.array(headings_rad) / (2 * np.pi) * DIRECTIONS).astype(int) % DIRECTIONS
    counts = np.bincount(sectors, minlength=DIRECTIONS)
    return f"{counts.min()} to {counts.max()} in each, p = {uniform_p(counts):.2f}"


def uniform_p(counts: Sequence[int] | np.ndarray[Any, Any]) -> float:
    """How often uniform draws would be at least as uneven as these 8 counts: Pearson's chi-squared test."""
    expected = np.sum(counts) / len(counts)
    x = float(np.sum(np.square(np.asarray(counts) - expected)) / expected)
    # The upper tail for 7 degrees of freedom, in closed form.
    return math.erfc(math.sqrt(x / 2)) + math.sqrt(2 * x / math.pi) * math.exp(-x / 2) * (1 + x / 3 + x * x / 15)


def _evenness(counts: Counter[str]) -> str:
    most, fewest = counts.most_common(1)[0], counts.most_common()[-1]
    return f"{len(counts)}: {fewest[0]} {fewest[1]} to {most[0]} {most[1]}"
