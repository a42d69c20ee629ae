"""How far a task is that runs somewhere: told from the files that it leaves, at little cost."""

import contextlib
import json
import os
from pathlib import Path

from kinebench.ablations.task import Task
from kinebench.kinemask.log import LINES
from kinebench.shards.index import NAME as INDEX
from kinebench.shards.spool import FOLDER as SPOOL

_TAIL_BYTES = 4096


def units_done(out: Path, task: Task) -> int | None:
    """Clips, steps or videos that are done of a task; None if its files do not tell."""
    made = out / task.made
    with contextlib.suppress(OSError):
        match task.kind:
            case "data":
                return _count(made / SPOOL, ".tar") or _lines(made / INDEX)
            case "backbone":
                return _last_step(made.with_name(f"{made.name}-training"))
            case "stage1" | "stage2":
                return _last_step(made / task.kind)
            case "videos":
                return sum(_count(each, ".mkv") for each in made.glob("seed-*"))
    return None


def _count(folder: Path, suffix: str) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(each.name.endswith(suffix) and not each.name.startswith(".") for each in entries)
    except FileNotFoundError:
        return 0


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _last_step(place: Path) -> int:
    """Of the last whole line of a log that may be long."""
    try:
        with (place / LINES).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return 0
    for line in reversed(lines):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return int(json.loads(line)["step"])
    return 0
