"""Scene, rollout and what is known of them -> the plain JSON record of a sample. See `shards/sample.schema.json`."""

from dataclasses import asdict
from typing import Any

import numpy as np

from kinebench.acceptance import MOVED_PX, Accepted
from kinebench.physics.rollout import DECIMALS, Event, Rollout
from kinebench.recipe import Recipe
from kinebench.scene.pose import Array
from kinebench.scene.scene import Body, Scene, Variant
from kinebench.shards.sample import key_of

SCHEMA_VERSION = 1


def describe(
    recipe: Recipe, accepted: Accepted, captions: dict[str, str], provenance: dict[str, Any]
) -> dict[str, Any]:
    """The record of one sample; `provenance` holds versions and device."""
    scene, rollout = accepted.scene, accepted.rollout
    driven = list(scene.driven)
    record = {
        "schema_version": SCHEMA_VERSION,
        "key": key_of(recipe.record, scene.split, scene.index, scene.seed),
        "dataset": scene.dataset,
        "split": scene.split,
        "index": scene.index,
        "provenance": {"recipe_sha256": recipe.sha256, "seed": scene.seed, "attempt": scene.attempt, **provenance},
        "video": {
            "frames": scene.frames,
            "fps": scene.fps,
            "width": scene.camera.width_px,
            "height": scene.camera.height_px,
        },
        "camera": {
            "focal_px": scene.camera.focal_px,
            "rotation": [list(row) for row in scene.camera.rotation],
            "translation_m": list(scene.camera.translation_m),
        },
        "light": _listed(asdict(scene.light)),
        "ground": _listed(asdict(scene.ground)),
        "velocity": {"frame": "ground", "v_max_mps": recipe.motion.v_max_mps},
        "objects": [_object(scene, rollout, number, body) for number, body in enumerate(scene.bodies, 1)],
        "events": [_event(event, scene) for event in rollout.events],
        "driven": driven,
        "captions": captions,
        "quality": {
            "rejected": sum(accepted.rejected.values()),
            "penetration_m": _plain(rollout.penetration_m),
            "path_px": [round(float(accepted.path_px[i - 1]), 2) for i in driven],
            "visible_px": list(accepted.visible_px),
            "interaction": accepted.interaction,
            "moved": [int(i) + 1 for i in np.flatnonzero(accepted.path_px >= MOVED_PX)],
        },
    }
    return record if scene.variant is None else {**record, "counterfactual": _counterfactual(scene.variant)}


def _counterfactual(variant: Variant) -> dict[str, Any]:
    return {"group": f"{variant.group:06d}", "factor": variant.factor, "value": float(variant.value)}


def _object(scene: Scene, rollout: Rollout, number: int, body: Body) -> dict[str, Any]:
    def track(array: Array) -> Any:
        return array[:, number - 1].tolist()

    return {
        "id": number,
        "name": body.name,
        "shape": body.shape,
        "size_m": list(body.size_m),
        "colour": body.colour,
        "rgb": [_plain(value) for value in body.rgb],
        "roughness": body.roughness,
        "mass_kg": body.mass_kg,
        "friction": body.friction,
        "restitution": body.restitution,
        "driven": number in scene.driven,
        "positions_m": track(rollout.positions_m),
        "quaternions_wxyz": track(rollout.quaternions_wxyz),
        "velocities_mps": track(rollout.velocities_mps),
        "angular_velocities_radps": track(rollout.angular_velocities_radps),
    }


def _event(event: Event, scene: Scene) -> dict[str, Any]:
    frame = min(event.first_frame(scene.fps), scene.frames - 1)
    row = {key: list(map(_plain, v)) if isinstance(v, tuple) else v for key, v in asdict(event).items()}
    numbers = {key: _plain(value) if isinstance(value, float) else value for key, value in row.items()}
    return {"time_s": numbers.pop("time_s"), "end_s": numbers.pop("end_s"), "frame": frame, **numbers}


def _plain(value: float) -> float:
    return round(float(value), DECIMALS) + 0.0


def _listed(table: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in table.items()}
