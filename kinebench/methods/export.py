"""Conditions written out, for people and for programs that know nothing of KineBench."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder, listing
from kinebench.methods.condition import Condition
from kinebench.methods.listing import Listing
from kinebench.methods.picture import overview, picture
from kinebench.methods.source import Source
from kinebench.shards.files import Progress, disk_room, sweep, write_atomic

PICTURE, OVERVIEW = "condition.png", "overview.png"
SHOWN = 24
"""Conditions on the overview, evenly spaced."""


@dataclass(frozen=True)
class Exported:
    """What an export did."""

    written: int
    kept: int  # that were there already


def export(source: Source, out: Path, note: Progress) -> Exported:
    """Write every condition as a folder `out/<key>`, with a picture in each, a listing and an overview.

    Those that are there and the same stay. Raises KineBenchError if `out` holds anything else, or cannot be written.
    """
    if listing.is_exported(source.where):
        raise KineBenchError(f"{source.where} holds exported conditions already; copy the folder")
    try:
        listing.begin(out, source.facts)
        sweep(out)
        hashes, kept = {}, 0
        for number, key in enumerate(source.keys, 1):
            condition = source[key]
            hashes[key] = condition.sha256
            if _is_there(out / key, condition):
                kept += 1
            else:
                condition_folder.write(out / key, condition, {PICTURE: _png(picture(condition))})
            note("conditions", number, len(source.keys))
        with disk_room("writing the overview", out, 10 << 20):
            write_atomic(out / OVERVIEW, _overview(out, source.keys))
            listing.finish(out, Listing(source.facts, hashes))
    except OSError as error:
        raise KineBenchError(f"cannot write conditions to {out}: {error.strerror or error}") from error
    return Exported(len(hashes) - kept, kept)


def _is_there(folder: Path, condition: Condition) -> bool:
    if not (folder / PICTURE).is_file():
        return False
    try:
        return condition_folder.read(folder).sha256 == condition.sha256
    except KineBenchError:
        return False


def _overview(out: Path, keys: tuple[str, ...]) -> bytes:
    from PIL import Image

    chosen = np.unique(np.linspace(0, len(keys) - 1, min(SHOWN, len(keys))).round().astype(int))
    pictures = []
    for number in chosen:
        with Image.open(out / keys[number] / PICTURE) as image:
            pictures.append(np.asarray(image))
    return _png(overview(pictures))


def _png(image: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
