"""What is written down of a task that was worked on: `tasks/<id>.json` in the folder of an ablation."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from kinebench.ablations.task import Task
from kinebench.errors import KineBenchError
from kinebench.shards.files import disk_room, write_atomic

FOLDER = "tasks"
_BYTES = 4096


@dataclass(frozen=True)
class Stamp:
    """How a task went so far. `done`: it came to its end, and what it made is there."""

    id: str
    done: bool
    seconds: float  # wall time of all attempts, but for the last minute of one that was killed with its executor
    cpu_s: float  # of its processes, in attempts that came to an end
    memory_gb: float  # the most that the largest of its processes held at a time
    attempts: int  # that were begun
    versions: Mapping[str, str]  # of kinebench, python, numpy, torch, ... at the last attempt
    machine: Mapping[str, str]  # processor, cores, memory, GPU
    units_before: int = 0  # that were there when it was first begun, and that nobody timed


def read(out: Path, task: str) -> Stamp | None:
    """The stamp of a task by its id; None if it was never worked on. Raises KineBenchError if it is damaged."""
    path = _path(out, task)
    try:
        return Stamp(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise KineBenchError(f"{out} is no folder, or lies in a file; name another --out") from error
    except (OSError, ValueError, TypeError) as error:
        raise KineBenchError(f"{path} cannot be read ({error}); remove it, and the task is looked at anew") from error


def found(out: Path, task: Task) -> Stamp | None:
    """The stamp of a task that is done, and whose work is there; else None. Raises KineBenchError if it is damaged."""
    stamp = read(out, task.id)
    return stamp if stamp and stamp.done and (out / task.made).exists() else None


def write(out: Path, stamp: Stamp) -> None:
    """Put a stamp down, at once or not at all. Raises KineBenchError if the disk is full."""
    path = _path(out, stamp.id)
    with disk_room(f"noting how {stamp.id} went", path.parent, _BYTES):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(asdict(stamp), indent=1).encode() + b"\n")


def _path(out: Path, task: str) -> Path:
    return out / FOLDER / f"{task}.json"
