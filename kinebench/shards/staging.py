"""Many files replaced as one: staged beside the dataset, then renamed by a list that survives a crash."""

import contextlib
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.shards.files import disk_room, sync_folder, write_atomic
from kinebench.shards.spool import FOLDER as SPOOL

FOLDER = ".pack"
_COMMIT = "commit.json"


@contextlib.contextmanager
def locked(out_dir: Path) -> Iterator[None]:
    """Hold the folder's packing lock, which dies with the process. Raises KineBenchError if it is taken."""
    import fcntl

    with disk_room("locking", out_dir, 4096):
        (out_dir / SPOOL).mkdir(parents=True, exist_ok=True)
        file = (out_dir / SPOOL / "pack.lock").open("w")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise KineBenchError(f"another process is packing {out_dir}; wait for it to end") from error
        except OSError as error:
            raise KineBenchError(
                f"{out_dir} cannot be locked ({error.strerror}), so that two might pack it at once; "
                "ask for locks on this disk (the mount option flock), or pack a copy of the folder elsewhere"
            ) from error
        yield


def interrupted(out_dir: Path) -> bool:
    """Whether a pack was killed while it renamed its files, so that old and new stand side by side."""
    return (out_dir / FOLDER / _COMMIT).exists()


def settle(out_dir: Path) -> None:
    """Finish what a killed pack had begun to rename, or throw away what it had only staged. Call it `locked`."""
    if interrupted(out_dir):
        _rename(out_dir)
    shutil.rmtree(out_dir / FOLDER, ignore_errors=True)


@contextlib.contextmanager
def staged(out_dir: Path) -> Iterator[Path]:
    """An empty folder on the same disk as `out_dir`; it is gone afterwards unless the process is killed."""
    folder = out_dir / FOLDER
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        if not interrupted(out_dir):
            shutil.rmtree(folder, ignore_errors=True)


def commit(out_dir: Path, remove: Iterable[str]) -> None:
    """Move every staged file into `out_dir`, which is already durable, and remove the named ones there."""
    folder = out_dir / FOLDER
    replace = sorted(path.name for path in folder.iterdir())
    sync_folder(folder)
    write_atomic(folder / _COMMIT, json.dumps({"replace": replace, "remove": sorted(remove)}).encode())
    _rename(out_dir)


def _rename(out_dir: Path) -> None:
    folder = out_dir / FOLDER
    todo = json.loads((folder / _COMMIT).read_bytes())
    for name in todo["replace"]:
        with contextlib.suppress(FileNotFoundError):  # already renamed before a crash
            (folder / name).replace(out_dir / name)
    for name in todo["remove"]:
        (out_dir / name).unlink(missing_ok=True)
    sync_folder(out_dir)
    (folder / _COMMIT).unlink()
