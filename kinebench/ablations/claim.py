"""A task belongs to one process at a time, so that several may work on one ablation and share it out."""

import fcntl
import os
from pathlib import Path

from kinebench.ablations.stamp import FOLDER
from kinebench.errors import KineBenchError


def claimed(out: Path, task: str) -> int | None:
    """The descriptor of a task's lock, or None while another process has it.

    Whoever inherits the descriptor holds it too: it is free when all of them have closed it or are dead. Raises
    KineBenchError if nothing can be locked there.
    """
    path = out / FOLDER / f"{task}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise KineBenchError(f"{path} cannot be written: {error.strerror}; name another --out") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise KineBenchError(
            f"{path} cannot be locked ({error.strerror}), so that two might do the same work at once; "
            "ask for locks on this disk (the mount option flock), or name an --out elsewhere"
        ) from error
    return descriptor
