"""Predictions into a submission: tars of a gigabyte, a statement, hashes. The same input gives the same bytes."""

import contextlib
import glob
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench.board import about, archive, known, submission, validation
from kinebench.board.archive import ArchiveError
from kinebench.board.clips import Clips, open_clips, splits
from kinebench.board.submission import RUN, STATEMENT, SUMS, VIDEOS
from kinebench.board.validation import Report
from kinebench.errors import KineBenchError
from kinebench.scoring import predictions, sidecar
from kinebench.scoring.predictions import Predictions, Slot
from kinebench.scoring.sidecar import Told
from kinebench.shards import tar
from kinebench.shards.files import Progress, disk_room, sha256_file, sweep, sync_folder, write_atomic, write_durable

SHARD_BYTES = 1_000_000_000
_LISTED = 5


@dataclass(frozen=True)
class Order:
    """What is to be packed, and where to."""

    predictions: Path
    data: Path
    about: Path
    out: Path


def pack(order: Order, note: Progress) -> Report:
    """Pack predictions, and validate what came of it; the folder is there whole, or as it was before.

    Raises KineBenchError if about.toml is not there, when a template is written in its place, or has problems, all of
    which are listed; if a video is missing; or if `order.out` is something else than a submission of the same method.
    """
    split = "test" if "test" in (names := splits(order.data)) else names[0]
    clips = open_clips(order.data, split)
    found = predictions.find(order.predictions, clips.keys)
    told = sidecar.read(found, clips.frames)
    _check_source(told, clips)
    _check_missing(found, clips, told)
    facts = known.known(clips, found, told)
    if not order.about.exists():
        _ask(order.about, about.template(facts, known.offered(told)))
    said = about.read(order.about)
    stand_in = {"videos.files": [{"name": "seed-0-000000.tar", "bytes": 1, "sha256": "0" * 64}]}
    about.refuse(order.about, list(about.problems(said, facts | stand_in)))
    _check_place(order, said["method.name"])
    with _staged(order.out, sum(_size(found, slot) for slot in found.places)) as folder:
        files = _write_tars(found, folder / VIDEOS, note)
        for place in found.runs[:1]:
            write_durable(folder / RUN, place.read())
        statement = about.filled(said, facts | {"videos.files": files})
        write_durable(folder / STATEMENT, submission.dump(statement))
        sums = {f"{VIDEOS}/{row['name']}": row["sha256"] for row in files}
        beside = [name for name in (STATEMENT, RUN) if (folder / name).exists()]
        sums |= {name: sha256_file(folder / name) for name in beside}
        write_durable(folder / SUMS, submission.dump_sums(sums))
    return validation.validate(order.out, order.data, note)


def _ask(path: Path, template: str) -> None:
    if not path.absolute().parent.is_dir():
        raise KineBenchError(f"--about {path}: there is no folder {path.absolute().parent}; make it first")
    write_atomic(path, template.encode())
    raise KineBenchError(
        f"{path} was not there, and is now: a form with what KineBench knows filled in. "
        f'Put a value in the place of each "{about.OPEN}" and run the same command again'
    )


def _check_source(told: Told, clips: Clips) -> None:
    if told.run is None:
        return
    source = told.run["source"]
    names = {"recipe_sha256": "recipe_sha256", "seed": "seed", "split": "split"}
    differing = [
        f"{name} {source.get(name)}, not {clips.dataset[key]}"
        for name, key in names.items()
        if source.get(name) != clips.dataset[key]
    ]
    if differing:
        raise KineBenchError(
            f"these videos were made for other clips: run.json says {'; '.join(differing)}; "
            "give --data the dataset that they were made for"
        )


def _check_missing(found: Predictions, clips: Clips, told: Told) -> None:
    """Raises KineBenchError if a clip has no video of a seed: a board does not take a part."""
    slots = [(key, seed) for seed in found.seeds for key in clips.keys]
    missing = [slot for slot in slots if slot not in found.places]
    if missing:
        whole = f"{len(missing)} of {len(slots)} videos are missing, and nothing was packed"
        shown = "".join(f"\n  {_absent(slot, told)}" for slot in missing[:_LISTED])
        more = f"\n  and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        raise KineBenchError(f"{whole}; kinebench run makes what is missing:{shown}{more}")


def _absent(slot: Slot, told: Told) -> str:
    why = told.unusable.get(slot)
    return f"seed {slot[1]}, {slot[0]}" + (f": {why.reason}" if why else "")


def _check_place(order: Order, name: str) -> None:
    """Raises KineBenchError if something would be lost by putting the submission there."""
    out = order.out.absolute()
    for what, path in (("PRED", order.predictions), ("--data", order.data), ("--about", order.about)):
        if path.resolve().is_relative_to(out.resolve()) or (
            path.is_dir() and out.resolve().is_relative_to(path.resolve())
        ):
            raise KineBenchError(f"--out {order.out} and {what} {path} lie in each other; name another folder")
    if not out.parent.is_dir():
        raise KineBenchError(f"--out {order.out}: there is no folder {out.parent}; make it first")
    if not out.exists() and not out.is_symlink():
        return
    try:
        there = archive.inventory(out)
        old, _ = submission.parse(archive.read_plain(out / STATEMENT, submission.MOST_STATEMENT_BYTES))
        method = old.get("method") if old else None
        mine = isinstance(method, dict) and method.get("name") == name
    except ArchiveError:
        mine, there = out.is_dir() and not any(out.iterdir()), archive.Inventory({}, {})
    tars = {file for file in there.files if file.startswith(f"{VIDEOS}/") and file.endswith(".tar")}
    if not mine or there.refused or there.files.keys() - tars - {STATEMENT, SUMS, RUN}:
        raise KineBenchError(f"--out {order.out} holds something else than a submission of {name}; name another folder")


@contextlib.contextmanager
def _staged(out: Path, needed_bytes: int) -> Iterator[Path]:
    """An empty folder beside `out`, which takes its place when the block ends, and is gone if it raises."""
    out = out.absolute()
    mark = f"{os.uname().nodename}.{os.getpid()}.tmp"
    folder, old = out.with_name(f".{out.name}.{mark}"), out.with_name(f".{out.name}.old.{mark}")
    sweep(out.parent, f".{glob.escape(out.name)}.*.tmp")
    try:
        with disk_room("packing", out.parent, needed_bytes):
            folder.mkdir()
            yield folder
        sync_folder(folder)
        if out.exists():
            out.rename(old)
        folder.rename(out)
        sync_folder(out.parent)
    finally:
        if old.exists() and not out.exists():
            old.rename(out)
        for each in (folder, old):
            shutil.rmtree(each, ignore_errors=True)


def _write_tars(found: Predictions, folder: Path, note: Progress) -> list[dict[str, Any]]:
    """Every video with its sidecar, seed by seed and key by key; what the statement says of each tar."""
    folder.mkdir()
    rows, done = [], 0
    for name, slots in _shards(found):
        with (folder / name).open("xb") as file:
            for slot in slots:
                for member, data in _entries(found, slot):
                    tar.add(file, member, data)
                done += 1
                note("packing", done, len(found.places))
            tar.close(file)
            file.flush()
            os.fsync(file.fileno())
        rows.append({"name": name, "bytes": (folder / name).stat().st_size, "sha256": sha256_file(folder / name)})
    return rows


def _shards(found: Predictions) -> Iterator[tuple[str, list[Slot]]]:
    """Names of tars of one seed and at most `SHARD_BYTES` each, and which videos are in them."""
    for seed in found.seeds:
        number, slots, size = 0, list[Slot](), 0
        for slot in sorted(slot for slot in found.places if slot[1] == seed):
            more = _size(found, slot)
            if slots and size + more + tar.RECORD > SHARD_BYTES:
                yield f"seed-{seed}-{number:06d}.tar", slots
                number, slots, size = number + 1, [], 0
            slots.append(slot)
            size += more
        yield f"seed-{seed}-{number:06d}.tar", slots


def _size(found: Predictions, slot: Slot) -> int:
    """Bytes of a video and its sidecar in a tar."""
    places = (found.places[slot], found.sidecars.get(slot))
    sizes = (each.path.stat().st_size if each.size < 0 else each.size for each in places if each is not None)
    return sum(map(tar.tar_bytes, sizes))


def _entries(found: Predictions, slot: Slot) -> Iterator[tuple[str, bytes]]:
    key, seed = slot
    place = found.places[slot]
    suffix = place.name.rpartition(".")[2].lower()
    yield f"seed-{seed}/{key}.{suffix}", place.read()
    if beside := found.sidecars.get(slot):
        yield f"seed-{seed}/{key}.{predictions.SIDECAR}", beside.read()
