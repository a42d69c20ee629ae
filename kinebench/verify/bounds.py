"""A scene against its recipe and its seed: every quantity within its range, and the scene that the seed draws."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from kinebench.recipe import Range, Recipe
from kinebench.scene.sampler import footprint_radius_m
from kinebench.scene.scene import Scene
from kinebench.scene.variant import draw, widened

SLACK = 1e-5
"""Records are rounded to 6 decimals; a direction from rounded numbers is off by a little more."""

Bound = tuple[str, float, Range]


def range_faults(scene: Scene, recipe: Recipe) -> Iterator[str]:
    """Quantities of a scene outside the ranges of its recipe."""
    recipe = widened(recipe)
    for name, value, (low, high) in [*_counts(scene, recipe), *_bodies(scene, recipe), *_surroundings(scene, recipe)]:
        if not low - SLACK <= value <= high + SLACK:
            yield f"{name} is {value:.6g}, and the recipe's range is {low:g} to {high:g}"
    for number, body in enumerate(scene.bodies, 1):
        edges = body.size_m if body.shape == "cube" else body.size_m[:2]
        if max(edges) - min(edges) > SLACK:
            yield f"object {number} is a {body.shape} with edges {body.size_m}"
    yield from _colour_faults(scene, recipe)
    yield from _ground_faults(scene, recipe)
    yield from _gap_faults(scene, recipe.acceptance.min_gap_m)


def _counts(scene: Scene, recipe: Recipe) -> Iterator[Bound]:
    yield "the number of objects", len(scene.bodies), recipe.objects.count
    yield "the number of driven objects", len(scene.driven), recipe.objects.driven
    yield "attempt", scene.attempt, (0, recipe.acceptance.max_attempts - 1)


def _bodies(scene: Scene, recipe: Recipe) -> Iterator[Bound]:
    spec = recipe.objects
    for number, body in enumerate(scene.bodies, 1):
        name = f"object {number}:"
        if body.shape == "cube":
            yield f"{name} edge in m", body.size_m[0], spec.cube_edge_m
        else:
            yield f"{name} diameter in m", body.size_m[0], spec.cylinder_diameter_m
            yield f"{name} height in m", body.size_m[2], spec.cylinder_height_m
        yield f"{name} mass_kg", body.mass_kg, spec.mass_kg
        yield f"{name} friction", body.friction, spec.friction
        yield f"{name} restitution", body.restitution, spec.restitution
        yield f"{name} roughness", body.roughness, spec.roughness
        if body.driven:
            yield f"{name} speed at frame 0 in m/s", float(np.linalg.norm(body.velocity_mps)), recipe.motion.speed_mps
            yield f"{name} vertical speed at frame 0 in m/s", body.velocity_mps[2], (0.0, 0.0)


def _surroundings(scene: Scene, recipe: Recipe) -> Iterator[Bound]:
    yield "ground.friction", scene.ground.friction, recipe.ground.friction
    yield "ground.restitution", scene.ground.restitution, recipe.ground.restitution
    camera, spec = scene.camera, recipe.camera
    right, _, forward = camera.rotation_array
    distance_m = camera.position_m[2] / max(-forward[2], 1e-9)  # to where it looks, on the ground
    target = camera.position_m + distance_m * forward
    yield "the camera's roll", right[2], (0.0, 0.0)
    yield "the camera's elevation in degrees", float(np.rad2deg(np.arcsin(-forward[2]))), spec.elevation_deg
    yield "the camera's distance in m", distance_m, spec.distance_m
    yield "the camera's aim, in m from the origin,", float(np.hypot(*target[:2])), (0.0, spec.target_jitter_m)
    view = 2 * np.arctan(camera.width_px / 2 / camera.focal_px)
    yield "the camera's field of view in degrees", float(np.rad2deg(view)), spec.field_of_view_deg
    light, sun = scene.light, recipe.light
    yield "the sun's elevation in degrees", float(np.rad2deg(np.arcsin(light.sun_direction[2]))), sun.sun_elevation_deg
    yield "light.sun_strength", light.sun_strength, sun.sun_strength
    yield "the sun's angle in degrees", float(np.rad2deg(light.sun_angle_rad)), sun.sun_angle_deg
    yield "light.sky_strength", light.sky_strength, sun.sky_strength


def _colour_faults(scene: Scene, recipe: Recipe) -> Iterator[str]:
    colours = recipe.splits[scene.split].colours
    for number, body in enumerate(scene.bodies, 1):
        code = "#" + "".join(f"{round(255 * value):02x}" for value in body.rgb)
        if body.colour not in colours:
            yield f"object {number} is {body.colour}, which is no colour of split {scene.split}"
        elif code != colours[body.colour].lower():
            yield f"object {number} has rgb {code}, and {body.colour} is {colours[body.colour]} in split {scene.split}"


def _ground_faults(scene: Scene, recipe: Recipe) -> Iterator[str]:
    ground, names = scene.ground.texture, recipe.splits[scene.split].textures
    if not {ground, family(ground)} & {name.rstrip("/").rpartition("/")[2] for name in names}:
        yield f"its ground {ground} is none of split {scene.split}: {', '.join(names)}"


def family(ground: str) -> str:
    """The family of a ground of the catalogue; a ground of the user's own is its own family."""
    from kinebench.textures.catalogue import catalogue

    return next((entry.family for entry in catalogue() if entry.id == ground), ground)


def _gap_faults(scene: Scene, min_gap_m: float) -> Iterator[str]:
    for (i, one), (j, other) in combinations(enumerate(scene.bodies, 1), 2):
        apart = np.linalg.norm(np.subtract(one.position_m, other.position_m)[:2])
        gap_m = apart - footprint_radius_m(one) - footprint_radius_m(other)
        if gap_m < min_gap_m - SLACK:
            yield f"objects {i} and {j} start {gap_m:.4f} m apart, and min_gap_m is {min_gap_m:g}"


def origin_faults(scene: Scene, recipe: Recipe, grounds: Mapping[str, tuple[str, float]]) -> Iterator[str]:
    """Draw the scene again from recipe, seed and attempt: it must be the same. `grounds` as for `draw`."""
    drawn = draw(recipe, scene.split, scene.index, scene.seed, scene.attempt, grounds)
    seed = "its seed" if recipe.dataset.season is not None else f"seed {scene.seed}"
    stream = f"{seed}, attempt {scene.attempt}"
    if not isinstance(drawn, Scene):
        yield f"{stream} draws no scene at all"
    elif len(drawn.bodies) != len(scene.bodies):
        yield f"{stream} draws {len(drawn.bodies)} objects, and it has {len(scene.bodies)}"
    else:
        wanted, found = _values("", _plain(drawn)), _values("", _plain(scene))
        for name, value in wanted.items():
            if not _same(value, found.get(name)):
                yield f"its {name} is {_short(found.get(name))}, and {stream} draws {_short(value)}"
                return


def _plain(scene: Scene) -> dict[str, Any]:
    plain = asdict(scene)
    for body in plain["bodies"]:
        body["turn"] = (np.cos(body["yaw_rad"]), np.sin(body.pop("yaw_rad")))  # a full turn is none
    return plain


def _values(name: str, value: Any) -> dict[str, Any]:
    """Nested content as flat names and values: "bodies.0.mass_kg"."""
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: v for key, part in items for k, v in _values(f"{name}.{key}".lstrip("."), part).items()}
    return {name: value}


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, float) and isinstance(found, float | int):
        return abs(wanted - found) <= SLACK * max(1.0, abs(wanted))
    return bool(wanted == found)


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
