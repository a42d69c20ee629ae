"""The `json` member: bytes, schema, and the arrays and camera it holds. See `sample.schema.json`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.camera import Camera

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
