"""The job folder: what a worker is asked, and where it answers.

job.json                   the orders
kinebench_worker.py        for a worker in Python
in/<key>/                  a condition: see `condition_folder.py`
out/seed-<n>/<key>/        the answer, made by the worker
log.txt                    what it prints
lock                       see `lock.py`
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder
from kinebench.methods.condition import KEY
from kinebench.methods.method import Method, Value
from kinebench.methods.protocol import lock
from kinebench.methods.task import Conditions, Task
from kinebench.shards.files import disk_room, write_atomic

PROTOCOL = 1
LOG = "log.txt"
HELPER = Path(__file__).with_name("kinebench_worker.py")


@dataclass(frozen=True)
class Order:
    """A task, and what its answer must repeat."""

    task: Task
    condition_sha256: str
    identity: str

    @property
    def inputs(self) -> str:
        """Where the condition is, below the job folder."""
        return f"in/{self.task.key}"

    @property
    def outputs(self) -> str:
        """Where the answer goes."""
        return f"out/seed-{self.task.seed}/{self.task.key}"


@dataclass(frozen=True)
class Job:
    """A folder, and what is the same for all of its tasks."""

    folder: Path  # absolute
    method: Method
    settings: Mapping[str, Value]
    device: str
    tiny: bool

    def orders(self, tasks: Sequence[Task], conditions: Conditions) -> list[Order]:
        """Write down every condition. Raises KineBenchError for a key that can be no name of a folder."""
        remove(self.folder / "in")
        identity = self.method.identity(self.settings)
        hashes: dict[str, str] = {}
        for key in dict.fromkeys(task.key for task in tasks):
            if not KEY.fullmatch(key):
                raise KineBenchError(f"the key {key!r} can be no name of a folder; letters, digits, _ . - can")
            condition = conditions(key)
            condition_folder.write(self.folder / "in" / key, condition)
            hashes[key] = condition.sha256
        return [Order(task, hashes[task.key], identity) for task in tasks]

    def ask(self, orders: Sequence[Order]) -> None:
        """Write job.json for a launch, and the helper."""
        plain = {
            "protocol": PROTOCOL,
            "method": {"name": self.method.name, "version": self.method.version},
            "options": dict(self.settings),
            "device": self.device,
            "tiny": self.tiny,
            "tasks": [
                {
                    "key": order.task.key,
                    "seed": order.task.seed,
                    "in": order.inputs,
                    "out": order.outputs,
                    "condition_sha256": order.condition_sha256,
                    "identity": order.identity,
                }
                for order in orders
            ],
        }
        data = json.dumps(plain, indent=1).encode()
        with disk_room("writing a job", self.folder, len(data)):
            write_atomic(self.folder / "job.json", data)
            write_atomic(self.folder / HELPER.name, HELPER.read_bytes())

    def answers(self) -> Iterator[Path]:
        """Every folder below out/ that a worker has made. Raises KineBenchError if it leads elsewhere."""
        out = self.folder / "out"
        for each in (out, *_entries(out)):
            if each.is_symlink():
                raise KineBenchError(f"{each} is a link, which no worker should make; remove {self.folder}")
            if each is not out and each.is_dir():
                yield from _entries(each)

    def sweep(self) -> None:
        """Remove every answer, half or whole."""
        for path in list(self.answers()):
            remove(path)

    def clear(self, log: bool) -> None:
        """Remove the folder; with `log`, all of it but the log. Call it with the lock held."""
        kept = {lock.NAME, LOG} if log else {lock.NAME}
        for path in _entries(self.folder):
            if path.name not in kept:
                remove(path)
        remove(self.folder / lock.NAME)
        if not log:
            with contextlib.suppress(OSError):  # the next one to come is already there
                self.folder.rmdir()


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it. Raises KineBenchError if that is not allowed."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    except OSError as error:
        if path.exists():  # else a worker has renamed something meanwhile
            raise KineBenchError(f"cannot remove {path}: {error.strerror}; remove it yourself") from error


def _entries(folder: Path) -> list[Path]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return [Path(entry.path) for entry in os.scandir(folder)]
    return []
