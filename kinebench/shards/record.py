"""The `json` member: bytes, schema, and the arrays and camera it holds. See `sample.schema.json`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.camera import Camera
from kinebench.scene.scene import Body, Ground, Light, Scene, Variant

SCHEMA_PATH = Path(__file__).with_name("sample.schema.json")


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a record."""
    return dict(json.loads(SCHEMA_PATH.read_text()))


def dump(record: dict[str, Any]) -> bytes:
    """The json member of a record: one line, keys in the record's order. Raises ValueError for NaN and infinity."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def parse(data: bytes) -> dict[str, Any]:
    """The record of a json member. Raises ValueError for what is not a JSON object, or holds NaN or infinity."""
    record = json.loads(data, parse_constant=_refuse)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(schema())


def schema_faults(record: dict[str, Any]) -> list[str]:
    """Where a record departs from the schema, one line each: "objects.0.shape: 'ball' is not one of ..."."""
    errors = sorted(_validator().iter_errors(record), key=lambda error: [str(part) for part in error.absolute_path])
    return [f"{'.'.join(map(str, error.absolute_path)) or 'record'}: {_short(error.message)}" for error in errors]


def _short(message: str) -> str:
    return message if len(message) < 200 else f"{message[:90]} ... {message[-90:]}"


def camera(record: dict[str, Any]) -> Camera:
    """The camera a record describes."""
    return Camera(
        width_px=record["video"]["width"],
        height_px=record["video"]["height"],
        focal_px=record["camera"]["focal_px"],
        rotation=tuple(tuple(row) for row in record["camera"]["rotation"]),
        translation_m=tuple(record["camera"]["translation_m"]),
    )


def scene(record: dict[str, Any]) -> Scene:
    """The scene a record describes: what `rollout` starts from."""
    return Scene(
        dataset=record["dataset"],
        split=record["split"],
        index=record["index"],
        seed=record["provenance"]["seed"],
        attempt=record["provenance"]["attempt"],
        frames=record["video"]["frames"],
        fps=record["video"]["fps"],
        bodies=tuple(map(_body, record["objects"])),
        ground=Ground(**_frozen(record["ground"])),
        camera=camera(record),
        light=Light(**_frozen(record["light"])),
        variant=_variant(record["counterfactual"]) if "counterfactual" in record else None,
    )


def _variant(row: dict[str, Any]) -> Variant:
    return Variant(int(row["group"]), row["factor"], row["value"])


def _frozen(table: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}


def _body(row: dict[str, Any]) -> Body:
    w, _, _, z = row["quaternions_wxyz"][0]
    return Body(
        **{name: row[name] for name in ("shape", "colour", "roughness", "mass_kg", "friction", "restitution")},
        size_m=tuple(row["size_m"]),
        rgb=tuple(row["rgb"]),
        position_m=tuple(row["positions_m"][0]),
        yaw_rad=float(2 * np.arctan2(z, w)),
        velocity_mps=tuple(row["velocities_mps"][0]),
    )


def rollout(record: dict[str, Any]) -> Rollout:
    """Poses, velocities and events of a record, float64; arrays are (F, N, ...)."""

    def table(name: str) -> Any:
        return np.stack([np.array(body[name], dtype=np.float64) for body in record["objects"]], axis=1)

    return Rollout(
        positions_m=table("positions_m"),
        quaternions_wxyz=table("quaternions_wxyz"),
        velocities_mps=table("velocities_mps"),
        angular_velocities_radps=table("angular_velocities_radps"),
        events=tuple(_event(event) for event in record["events"]),
        penetration_m=record["quality"]["penetration_m"],
    )


def _event(row: dict[str, Any]) -> Event:
    names = ("time_s", "end_s", "a", "b", "impulse_ns", "closing_speed_mps")
    return Event(**{name: row[name] for name in names}, point_m=tuple(row["point_m"]), normal=tuple(row["normal"]))
