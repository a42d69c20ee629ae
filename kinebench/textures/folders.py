"""Folders that appear whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(target: Path, keep_existing: bool) -> Iterator[Path]:
    """A fresh folder to fill, which becomes `target` in one step when the block ends without an error.

    Where `target` is there by then, it stays (`keep_existing`: another process was first, with the same content), or
    gives way to the new one. After an error nothing is left behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    fresh = work / "new"
    fresh.mkdir()
    try:
        yield fresh
        for file in fresh.iterdir():
            _sync(file)
        _sync(fresh)
        if target.exists() and not keep_existing:
            target.rename(work / "old")
        try:
            fresh.rename(target)
        except OSError:
            if not (keep_existing and target.is_dir()):
                raise
        _sync(target.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sync(path: Path) -> None:
    """Flush a file or a folder's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a small text file whole: readers see the old text or the new one."""
    partial = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
