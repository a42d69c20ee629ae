"""A folder of predictions while it is written: `run.json`, and for each seed videos with their sidecars.

A video is written last, so that one without sidecar never is; and a stale one goes before its new sidecar comes.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.methods.delivery import Delivery, dump, parse
from kinebench.methods.task import Failed, Task
from kinebench.shards.files import disk_room, sweep, sync_folder, write_atomic

RUN = "run.json"
COMPARED = ("method", "options", "weights", "source", "device")
"""What must be the same of all videos in a folder."""
_OTHER_CODE = "the method's code or method.toml has changed"


@dataclass(frozen=True)
class Outbox:
    """Where the predictions of one method go."""

    folder: Path  # absolute
    run: Mapping[str, Any]  # run.json: what makes them, of what

    def seed(self, seed: int) -> Path:
        """The folder of a seed."""
        return self.folder / f"seed-{seed}"

    def job(self, seed: int) -> Path:
        """Where a run.py works."""
        return self.folder / f".job-seed-{seed}"

    def video(self, task: Task) -> Path:
        """The video of a task."""
        return self.seed(task.seed) / f"{task.key}.mkv"

    def sidecar(self, task: Task) -> Path:
        """What is said of it."""
        return self.seed(task.seed) / f"{task.key}.json"

    def error(self, task: Task) -> Path:
        """Why there is none."""
        return self.seed(task.seed) / f"{task.key}.error.json"

    def begin(self) -> None:
        """See that what is there was made by the same method of the same conditions.

        Raises KineBenchError if not, or if the folder holds something else.
        """
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            if (self.folder / RUN).exists():
                self._compare()
            elif foreign := sorted(path.name for path in self.folder.iterdir() if _says_something(path)):
                raise KineBenchError(
                    f"{self.folder} holds {foreign[0]}, but no {RUN}: it is of something else; name another --out"
                )

    def _sign(self) -> None:
        """Write run.json ahead of the first result: a method that does not even load leaves no word."""
        with _held(self.folder / ".lock", wait=True):
            if (self.folder / RUN).exists():
                self._compare()  # by whoever was quicker
            else:
                write_atomic(self.folder / RUN, (json.dumps(self.run, indent=2) + "\n").encode())

    def _compare(self) -> None:
        path = self.folder / RUN
        try:
            there = json.loads(path.read_bytes())
            differences = [line for name in COMPARED for line in _differences(name, there.get(name), self.run[name])]
        except (ValueError, AttributeError) as error:
            raise KineBenchError(f"{path} is damaged: {error}; name another --out") from error
        if differences:
            told = [line for line in differences if line != _OTHER_CODE] or [_OTHER_CODE]
            raise KineBenchError(f"{self.folder} was begun otherwise: {'; '.join(told)}; name another --out")

    @contextlib.contextmanager
    def held(self, seeds: Sequence[int]) -> Iterator[None]:
        """Be the only one who makes these seeds here. Raises KineBenchError if somebody else does."""
        with contextlib.ExitStack() as stack:
            for seed in sorted(seeds):
                with _writing(self.folder):
                    self.seed(seed).mkdir(exist_ok=True)
                    stack.enter_context(_held(self.seed(seed) / ".lock", wait=False))
                    sweep(self.seed(seed))
            yield

    def found(self, task: Task) -> Delivery | None:
        """What the sidecar of a video says that is there; None if something is missing or damaged."""
        try:
            return parse(self.sidecar(task).read_bytes()) if self.video(task).is_file() else None
        except (OSError, KineBenchError):
            return None

    def put(self, task: Task, data: bytes, delivery: Delivery) -> None:
        """Write a video. Raises KineBenchError if there is no room or it cannot be written."""
        with _writing(self.seed(task.seed)), disk_room("writing videos", self.seed(task.seed), len(data)):
            self._sign()
            self.withdraw(task)
            write_atomic(self.sidecar(task), dump(delivery))
            write_atomic(self.video(task), data)
            self.error(task).unlink(missing_ok=True)

    def refuse(self, failed: Failed) -> None:
        """Write why there is no video."""
        task = failed.task
        plain = {"key": task.key, "seed": task.seed, "kind": failed.kind, "message": failed.message}
        data = (json.dumps(plain) + "\n").encode()
        with _writing(self.seed(task.seed)), disk_room("writing", self.seed(task.seed), len(data)):
            self._sign()
            self.withdraw(task)
            write_atomic(self.error(task), data)

    def withdraw(self, task: Task) -> None:
        """Take a video of another condition away, so that nobody scores it."""
        with _writing(self.seed(task.seed)):
            if self.video(task).exists():
                self.video(task).unlink()
                sync_folder(self.seed(task.seed))
            self.sidecar(task).unlink(missing_ok=True)


def _says_something(path: Path) -> bool:
    """Whether this is more than the folder of a seed of which nothing was made."""
    if path.name.startswith("."):
        return False
    return not path.name.startswith("seed-") or any(not each.name.startswith(".") for each in path.iterdir())


def _differences(name: str, there: Any, now: Any) -> Iterator[str]:
    """Where two values of run.json differ, in words."""
    if isinstance(there, dict) and isinstance(now, dict):
        for key in sorted({*there, *now}):
            yield from _differences(f"{name}.{key}", there.get(key), now.get(key))
    elif there != now:
        same = name == "method.identity"
        yield _OTHER_CODE if same else f"{name} was {json.dumps(there)}, now it is {json.dumps(now)}"


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise KineBenchError(f"cannot write in {folder}: {error.strerror}; name another --out") from error


@contextlib.contextmanager
def _held(path: Path, wait: bool) -> Iterator[None]:
    """Hold a lock that dies with the process. Raises KineBenchError if it is taken and we do not wait."""
    import fcntl

    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise KineBenchError(
                f"another process is making {path.parent}; wait for it, or make another seed meanwhile"
            ) from error
        yield
