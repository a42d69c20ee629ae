"""Recipe + (split, index, attempt) + seed -> Scene. Pure: the same arguments give the same scene anywhere."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng

from kinebench.hidden import secret
from kinebench.recipe import LightSpec, Objects, Range, Recipe
from kinebench.scene.camera import Camera, look_at
from kinebench.scene.pose import Array
from kinebench.scene.scene import Body, Ground, Light, Scene, Shape, Vector
from kinebench.scene.stream import Stream

Draws = Generator | Stream
PLACEMENT_TRIES = 60
PLACEMENT_RADIUS_M = 1.0
"""Objects start within this distance of where the camera looks."""


def sample_rng(recipe: Recipe, split: str, index: int, attempt: int, seed: int) -> Draws:
    """The one source of randomness of a candidate: never the shard, the worker or a global."""
    if recipe.dataset.season is not None:
        return Stream(secret(seed, "scene", recipe.dataset.name, split, index, attempt))
    key = (_word(recipe.dataset.name), _word(split), index, attempt)
    return default_rng(SeedSequence(seed, spawn_key=key))


def caption_rng(scene: Scene) -> Generator:
    """The randomness of a scene's caption: a child of the scene's own, so that wording never moves an object.

    The clips of a counterfactual group share it, as they share the scene's.
    """
    index = scene.index if scene.variant is None else scene.variant.group
    key = (_word(scene.dataset), _word(scene.split), index, scene.attempt)
    return default_rng(SeedSequence(scene.seed, spawn_key=key).spawn(1)[0])


def _word(name: str) -> int:
    """A name as 32 bits of its sha256, because a spawn key holds integers only."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def sample_scene(
    recipe: Recipe, split: str, index: int, seed: int, attempt: int, grounds: Mapping[str, tuple[str, float]]
) -> Scene | None:
    """Draw one candidate; None when its objects found no free places.

    `grounds` maps each texture id of the split to (phrase for captions, edge of a tile in metres), in a fixed order.
    """
    rng = sample_rng(recipe, split, index, attempt, seed)
    camera = _camera(rng, recipe)
    bodies = _bodies(rng, recipe, split, camera)
    if bodies is None:
        return None
    return Scene(
        dataset=recipe.dataset.name,
        split=split,
        index=index,
        seed=seed,
        attempt=attempt,
        frames=recipe.video.frames,
        fps=recipe.video.fps,
        bodies=bodies,
        ground=_ground(rng, recipe, grounds),
        camera=camera,
        light=_light(rng, recipe.light),
    )


def _uniform(rng: Draws, bounds: Range) -> float:
    return float(rng.uniform(*bounds))


def _camera(rng: Draws, recipe: Recipe) -> Camera:
    spec = recipe.camera
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.deg2rad(_uniform(rng, spec.elevation_deg))
    away = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    target = np.array([*_in_disc(rng, spec.target_jitter_m), 0.0])
    return look_at(
        target + away * _uniform(rng, spec.distance_m),
        target,
        width_px=recipe.video.width,
        height_px=recipe.video.height,
        field_of_view_rad=float(np.deg2rad(_uniform(rng, spec.field_of_view_deg))),
    )


def _in_disc(rng: Draws, radius_m: float) -> Array:
    """A point (2,) uniform in a disc about the origin."""
    angle, radius = rng.uniform(0, 2 * np.pi), radius_m * np.sqrt(rng.uniform())
    return radius * np.array([np.cos(angle), np.sin(angle)])


def _bodies(rng: Draws, recipe: Recipe, split: str, camera: Camera) -> tuple[Body, ...] | None:
    spec, border_px = recipe.objects, recipe.acceptance.border_px
    colours = list(recipe.split(split).colours.items())
    count = int(rng.integers(*spec.count, endpoint=True))
    driven = int(rng.integers(*spec.driven, endpoint=True))
    bodies: list[Body] = []
    for i in range(count):
        draft = _body(rng, spec, colours, _velocity(rng, recipe.motion.speed_mps) if i < driven else (0.0, 0.0, 0.0))

        def place(draft: Body = draft) -> Body:
            x, y = _in_disc(rng, PLACEMENT_RADIUS_M)
            return _placed(draft, (float(x), float(y)))

        body = _first(place, lambda b: in_view(b, camera, border_px) and _clear(b, bodies, recipe.acceptance.min_gap_m))
        if body is None:
            return None
        bodies.append(body)
    return tuple(bodies[i] for i in rng.permutation(count))


def _first(draw: Callable[[], Body], accept: Callable[[Body], bool]) -> Body | None:
    for _ in range(PLACEMENT_TRIES):
        body = draw()
        if accept(body):
            return body
    return None


def _body(rng: Draws, spec: Objects, colours: list[tuple[str, str]], velocity_mps: Vector) -> Body:
    """A body of random kind, not yet placed."""
    colour, code = colours[rng.integers(len(colours))]
    shape: Shape = "cylinder" if rng.uniform() < spec.cylinder_share else "cube"
    if shape == "cube":
        edge = _uniform(rng, spec.cube_edge_m)
        size = (edge, edge, edge)
    else:
        diameter = _uniform(rng, spec.cylinder_diameter_m)
        size = (diameter, diameter, _uniform(rng, spec.cylinder_height_m))
    return Body(
        shape=shape,
        size_m=size,
        colour=colour,
        rgb=_rgb(code),
        roughness=_uniform(rng, spec.roughness),
        mass_kg=_uniform(rng, spec.mass_kg),
        friction=_uniform(rng, spec.friction),
        restitution=_uniform(rng, spec.restitution),
        position_m=(0.0, 0.0, size[2] / 2),
        yaw_rad=float(rng.uniform(-np.pi, np.pi)),
        velocity_mps=velocity_mps,
    )


def _placed(body: Body, xy_m: tuple[float, float]) -> Body:
    return replace(body, position_m=(*xy_m, body.position_m[2]))


def _rgb(code: str) -> Vector:
    r, g, b = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return (r, g, b)


def _velocity(rng: Draws, speed_mps: Range) -> Vector:
    speed, heading = _uniform(rng, speed_mps), rng.uniform(0, 2 * np.pi)
    return (float(speed * np.cos(heading)), float(speed * np.sin(heading)), 0.0)


def footprint_radius_m(body: Body) -> float:
    """Radius of the circle about the body's axis that its footprint never leaves, whatever its yaw."""
    x, y, _ = body.size_m
    return x / 2 if body.shape == "cylinder" else float(np.hypot(x, y) / 2)


def _clear(body: Body, others: list[Body], gap_m: float) -> bool:
    here = np.array(body.position_m[:2])
    reach = footprint_radius_m(body) + gap_m
    return all(np.linalg.norm(here - o.position_m[:2]) >= reach + footprint_radius_m(o) for o in others)


def in_view(body: Body, camera: Camera, border_px: float) -> bool:
    """Whether an upright body's bounding cylinder is wholly inside the image by `border_px`."""
    angle = np.arange(0, 2 * np.pi, np.pi / 8)
    ring = footprint_radius_m(body) * np.stack([np.cos(angle), np.sin(angle)], axis=-1) + body.position_m[:2]
    z = np.repeat([0.0, body.size_m[2]], len(ring))
    px, _ = camera.project(np.column_stack([np.tile(ring, (2, 1)), z]))
    size = [camera.width_px - border_px, camera.height_px - border_px]
    return bool(np.all(px >= border_px) and np.all(px <= size))  # NaN, behind the camera, compares false


def _ground(rng: Draws, recipe: Recipe, grounds: Mapping[str, tuple[str, float]]) -> Ground:
    texture = list(grounds)[rng.integers(len(grounds))]
    phrase, tile_m = grounds[texture]
    offset = rng.uniform(0, tile_m, size=2)
    return Ground(
        texture=texture,
        phrase=phrase,
        tile_m=tile_m,
        yaw_rad=float(rng.uniform(-np.pi, np.pi)),
        offset_m=(float(offset[0]), float(offset[1])),
        friction=_uniform(rng, recipe.ground.friction),
        restitution=_uniform(rng, recipe.ground.restitution),
    )


def _light(rng: Draws, spec: LightSpec) -> Light:
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.deg2rad(_uniform(rng, spec.sun_elevation_deg))
    warmth = rng.uniform(-0.06, 0.06)  # a sky between slightly warm and slightly cool
    return Light(
        sun_direction=(
            float(np.cos(elevation) * np.cos(azimuth)),
            float(np.cos(elevation) * np.sin(azimuth)),
            float(np.sin(elevation)),
        ),
        sun_strength=_uniform(rng, spec.sun_strength),
        sun_angle_rad=float(np.deg2rad(_uniform(rng, spec.sun_angle_deg))),
        sky_rgb=(float(0.9 + warmth), 0.93, float(0.97 - warmth)),
        sky_strength=_uniform(rng, spec.sky_strength),
    )
