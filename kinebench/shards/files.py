"""Whole files or none: temporary name, fsync, rename. And what to say when the disk is full."""

import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kinebench.errors import KineBenchError

Progress = Callable[[str, int, int], None]
"""`note(stage, done, whole)`: how far a stage of something long has come."""

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "no larger file fits",
}
_BLOCK = 1 << 20
_ABANDONED_S = 3600
"""No file takes so long to write."""


def write_atomic(path: Path, data: bytes) -> None:
    """Put `data` at `path` at once: readers see the old content or the new, also after a power cut.

    The temporary file stands beside `path`, named by machine and process, so that two writers do not meet.
    """
    temporary = path.with_name(f".{path.name}.{os.uname().nodename}.{os.getpid()}.tmp")
    try:
        write_durable(temporary, data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_durable(path: Path, data: bytes) -> None:
    """Write a file that is not yet anybody's: it is on the disk when this returns, or half of it if this raises."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sweep(folder: Path, pattern: str = ".*.tmp") -> None:
    """Remove what killed writers left: of this machine if the process is gone, of another if it is an hour old.

    Files and folders alike.
    """
    for path in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            if _abandoned(path):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def _abandoned(path: Path) -> bool:
    machine, _, process = path.name.removesuffix(".tmp").rpartition(".")
    if not machine.endswith(f".{os.uname().nodename}") or not process.isdecimal():
        return time.time() - path.stat().st_mtime > _ABANDONED_S
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's process
        return False
    return int(process) == os.getpid()  # left by an earlier process of this number: this one writes nothing now


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_file(path: Path) -> str:
    """Hash of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def disk_room(task: str, folder: Path, needed_bytes: int) -> Iterator[None]:
    """Turn "no space left" inside the block into a KineBenchError that says what, where and how much is needed."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        free = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free
        raise KineBenchError(
            f"{_FULL[error.errno]} while {task} in {folder}: it needs {megabytes(needed_bytes)}, "
            f"{megabytes(free)} are free. What was finished before is kept; make room and run the same command again"
        ) from error


def megabytes(count: int) -> str:
    """A size for people, rounded up so that enough is enough."""
    return f"{-(-count // 100_000) / 10:.1f} MB"
