"""One harness for a job folder, and no second one while a worker of a dead one still writes there."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kinebench.errors import KineBenchError

NAME = "lock"
WAIT_S = 3.0
"""A worker notices soon that its harness is gone."""


@dataclass(frozen=True)
class Lock:
    """A lock that is held. A process that inherits the descriptor holds it too, whatever becomes of this one."""

    descriptor: int

    def name_worker(self, group: int) -> None:
        """Write down who inherits it, for the message of the next one to come."""
        text = json.dumps({"machine": os.uname().nodename, "harness": os.getpid(), "worker": group}).encode()
        with contextlib.suppress(OSError):  # a full disk costs that message, no more
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, text, 0)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[Lock]:
    """Hold the folder's lock, which dies with this process and its workers. Raises KineBenchError if it is taken."""
    until_s = time.monotonic() + WAIT_S
    while (descriptor := _taken_by_us(folder, refuse=time.monotonic() > until_s)) is None:
        time.sleep(0.1)
    try:
        lock = Lock(descriptor)
        lock.name_worker(0)
        yield lock
    finally:
        os.close(descriptor)  # no more than that: to unlock would unlock a worker's too


def _taken_by_us(folder: Path, refuse: bool) -> int | None:
    """The descriptor of the lock, or None while somebody else has it."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == (folder / NAME).stat().st_ino:
            return descriptor
    except FileNotFoundError:  # whoever held it has removed it with the folder
        pass
    except BlockingIOError:
        if refuse:
            message = _holder(folder, descriptor)
            os.close(descriptor)
            raise KineBenchError(message) from None
    except OSError as error:
        os.close(descriptor)
        raise KineBenchError(
            f"{folder} cannot be locked ({error.strerror}), so that two might work there at once; "
            "ask for locks on this disk (the mount option flock), or name an --out elsewhere"
        ) from error
    os.close(descriptor)
    return None


def _holder(folder: Path, descriptor: int) -> str:
    try:
        who = json.loads(os.pread(descriptor, 4096, 0))
        machine, harness, worker = str(who["machine"]), int(who["harness"]), int(who["worker"])
    except (ValueError, KeyError, TypeError):
        return f"{folder} is in use by another process; wait for it to end"
    if worker and machine == os.uname().nodename and not _runs(harness):
        return (
            f"{folder} is in use by a worker that outlived its kinebench, process {worker}; "
            f"wait for it to end, or end it: kill -- -{worker}"
        )
    return f"{folder} is in use by kinebench, process {harness} on {machine}; wait for it to end, or end it"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
