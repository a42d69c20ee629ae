"""A folder belongs to one recipe and one seed; nothing else is ever written into it."""

import contextlib
import json
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.shards import manifest
from kinebench.shards.files import disk_room, sweep, write_atomic
from kinebench.shards.spool import FOLDER
from kinebench.shards.staging import FOLDER as STAGING
from kinebench.shards.staging import locked, settle

NAME = "recipe.json"


def bind(out_dir: Path, recipe_sha256: str, seed: int, dataset: str) -> None:
    """Claim a folder for a recipe and seed, making it if need be, and settle what a killed pack left in it.

    Raises KineBenchError, and touches nothing, if it holds samples of another recipe or seed, or files that packing
    would overwrite and that are no dataset.
    """
    check_bound(out_dir, recipe_sha256, seed, dataset)
    folder = out_dir / FOLDER
    mine = {"dataset": dataset, "recipe_sha256": recipe_sha256, "seed": seed}
    try:
        with disk_room("claiming the folder", out_dir.parent, 4096):
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / NAME).exists():
                write_atomic(folder / NAME, json.dumps(mine).encode() + b"\n")
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise KineBenchError(f"{out_dir} cannot be written: {error.strerror}; choose another output folder") from error
    sweep(folder)
    if (out_dir / STAGING).exists():
        with contextlib.suppress(KineBenchError), locked(out_dir):  # if it is locked, that pack is alive and well
            settle(out_dir)


def check_bound(out_dir: Path, recipe_sha256: str, seed: int, dataset: str) -> None:
    """Raise KineBenchError if the folder may not be written for this recipe and seed."""
    mine = {"dataset": dataset, "recipe_sha256": recipe_sha256, "seed": seed}
    claims = [path for path in (out_dir / manifest.NAME, out_dir / FOLDER / NAME) if path.exists()]
    for path in claims:
        _compare(path, mine, out_dir)
    taken = [name for name in manifest.BESIDE if (out_dir / name).exists()]
    if taken and not claims:
        raise KineBenchError(f"{out_dir} is no dataset, and has a {taken[0]} of its own; choose another output folder")
    if out_dir.exists() and not out_dir.is_dir():
        raise KineBenchError(f"{out_dir} is a file; choose another output folder")


def _compare(path: Path, mine: dict[str, Any], out_dir: Path) -> None:
    try:
        found = json.loads(path.read_bytes())
        theirs = {name: found[name] for name in mine}
    except (ValueError, KeyError, TypeError) as error:
        raise KineBenchError(f"{path} is damaged; delete it, or choose another output folder") from error
    if theirs == mine:
        return
    differ = ", ".join(f"{name} {theirs[name]} (now {mine[name]})" for name in mine if theirs[name] != mine[name])
    raise KineBenchError(f"{out_dir} holds samples of another {differ}; choose another output folder")
