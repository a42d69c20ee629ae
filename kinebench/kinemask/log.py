"""What training says of itself: a line of JSON for each step, and the same numbers for TensorBoard; and pictures."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from kinebench.kinemask.events import Events
from kinebench.shards.files import disk_room, sweep, write_atomic

LINES, BOARD, STRIPS = "log.jsonl", "tensorboard", "strips"
_LINE_BYTES = 400


class Log:
    """The log of a run that goes on after step `start`: what was said of later steps, before it stopped, is dropped.

    A run that starts at 0 starts anew.
    """

    def __init__(self, place: Path, start: int) -> None:
        self._place = place
        with disk_room("writing the log", place, _LINE_BYTES):
            kept = [line for line in lines(place) if line["step"] <= start and start]
            write_atomic(place / LINES, b"".join(_line(row) for row in kept))
            self._file = (place / LINES).open("ab")
            self._events = Events(place / BOARD, start + 1)
        sweep(place / STRIPS)
        for path in (place / STRIPS).glob("step-*.png"):
            with contextlib.suppress(ValueError):  # named by somebody else
                if int(path.stem.removeprefix("step-")) > start or not start:
                    path.unlink()

    def write(self, step: int, kind: str, values: Mapping[str, float]) -> None:
        """Numbers of a step; `kind` is "train" or "validation". Raises KineBenchError if the disk is full."""
        with disk_room("writing the log", self._place, _LINE_BYTES):
            self._file.write(_line({"step": step, "kind": kind, **values}))
            self._file.flush()
            self._events.write(step, {f"{kind}/{name}": value for name, value in values.items()})

    def strips(self, step: int, png: bytes) -> None:
        """Sample strips of a step: a file, and a picture for TensorBoard. Raises KineBenchError if the disk is full."""
        with disk_room("writing sample strips", self._place, 2 * len(png)):
            (self._place / STRIPS).mkdir(exist_ok=True)
            write_atomic(self._place / STRIPS / f"step-{step:06d}.png", png)
            self._events.picture(step, STRIPS, png)

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._file, self._events):
            with contextlib.suppress(OSError):  # on a full disk, of which has been told: each write is flushed
                each.close()


def lines(place: Path) -> list[dict[str, Any]]:
    """The lines of a log, as far as they are whole; none if there is no log."""
    try:
        data = (place / LINES).read_bytes()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in data.splitlines(keepends=True) if line.endswith(b"\n")]


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"
