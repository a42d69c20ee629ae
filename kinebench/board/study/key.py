"""key.json: what a study's opaque names mean. It stays with the one who runs the study and is never served."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kinebench.board.study.design import Design, Film, Trial
from kinebench.errors import KineBenchError
from kinebench.shards.files import write_atomic

FILE, PUBLIC = "key.json", "public"
KIND = "kinebench study key"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Key:
    """A study as its owner knows it."""

    secret: str  # hex digits that draw the design
    design: Design
    made_of: Mapping[str, Any]  # dataset, methods, hashes of their videos; plain JSON
    frames: tuple[int, ...]  # of each clip, that every film shows
    fps: float  # at which they are played


def write(folder: Path, key: Key) -> None:
    """Write STUDY/key.json."""
    write_atomic(folder / FILE, json.dumps(plain(key), indent=2, ensure_ascii=False).encode() + b"\n")


def read(folder: Path) -> Key:
    """Raises KineBenchError if there is no study, or its key is damaged or of another version."""
    path = folder / FILE
    try:
        return _parse(json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise KineBenchError(f"{folder} is no study: it has no {FILE}; make one: kinebench board study new") from error
    except OSError as error:
        raise KineBenchError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KineBenchError(f"{path} is damaged ({error}); restore it, or the answers cannot be told apart") from error


def plain(key: Key) -> dict[str, Any]:
    """As JSON values."""
    told = key.design
    return {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "study": told.study,
        "secret": key.secret,
        "made_of": key.made_of,
        "frames": list(key.frames),
        "fps": key.fps,
        "groups": told.groups,
        "methods": list(told.methods),
        "rule": {"catch_trials": len(told.catches), "right_needed": told.needed},
        "films": {name: asdict(film) for name, film in told.films.items()},
        "trials": {name: asdict(trial) | {"films": list(trial.films)} for name, trial in told.trials.items()},
        "conditions": dict(told.conditions),
    }


def _parse(said: Any) -> Key:
    if said["kind"] != KIND:
        raise ValueError(f"it is no {KIND}")
    if said["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema version {said['schema_version']}; this KineBench reads {SCHEMA_VERSION}")
    told = Design(
        said["study"],
        tuple(said["methods"]),
        int(said["groups"]),
        {name: Film(**film) for name, film in said["films"].items()},
        {name: Trial(**trial | {"films": tuple(trial["films"])}) for name, trial in said["trials"].items()},
        said["conditions"],
    )
    return Key(said["secret"], told, said["made_of"], tuple(said["frames"]), float(said["fps"]))
