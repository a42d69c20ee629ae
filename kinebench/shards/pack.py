"""Finished samples -> tars, index, manifest, checksums, card. The same samples give the same bytes in any order.

Everything is staged first and renamed together, so that a kill or a full disk leaves the previous dataset whole.
"""

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from kinebench import __version__
from kinebench.errors import KineBenchError
from kinebench.hidden import KEY_DIGITS, is_hidden
from kinebench.shards import index, manifest, tar
from kinebench.shards.binding import check_bound
from kinebench.shards.card import card
from kinebench.shards.croissant import croissant
from kinebench.shards.files import Progress, disk_room, sha256_file, write_durable
from kinebench.shards.index import Member, Row
from kinebench.shards.manifest import Manifest, Shard, SplitShards, shard_name
from kinebench.shards.sample import COMPANIONS, MEMBERS, Sample
from kinebench.shards.staging import commit, locked, settle, staged
from kinebench.shards.stock import Stock

_AGAIN = "run the same kinebench generate command again"
_MAIN = ""


@dataclass(frozen=True)
class _Batch:
    """The samples of one main shard and of the companion shards beside it."""

    split: str
    keys: tuple[str, ...]
    names: dict[str, str]  # companion, `_MAIN` first -> file name of its tar


@dataclass(frozen=True)
class _Packed:
    """A batch in its tars."""

    split: str
    shards: dict[str, Shard]  # by companion, `_MAIN` first
    rows: tuple[Row, ...]


def pack(
    out_dir: Path,
    keys: Iterable[str],
    *,
    dataset: str,
    recipe: dict[str, Any],
    recipe_sha256: str,
    seed: int,
    samples_per_shard: int = 100,
    progress: Progress | None = None,
) -> Manifest:
    """Pack these finished samples beside those that `out_dir` already holds; returns what it now holds.

    `recipe` is the recipe's plain content. Samples come from the spool, else from the present shards. Raises
    KineBenchError, leaving the folder's dataset as it was, if a sample is missing, if the samples of a split do not all
    have the same members, if the folder belongs to another recipe or seed, or if the disk is full.
    """
    note: Progress = progress or (lambda stage, done, whole: None)
    out_dir = Path(out_dir)
    check_bound(out_dir, recipe_sha256, seed, dataset)
    with locked(out_dir):
        settle(out_dir)
        stock = Stock(out_dir, recipe_sha256)
        before = manifest.read(out_dir).all_shards if (out_dir / manifest.NAME).exists() else ()
        places = sorted(_place(key, dataset, hidden=is_hidden(recipe)) for key in {*keys, *stock.rows})
        batches = _batches(stock, places, dataset, samples_per_shard, note)
        kept = _kept(batches, stock, {shard.name: shard for shard in before}, note)
        fresh = [key for batch, same in zip(batches, kept, strict=True) if same is None for key in batch.keys]
        with disk_room("packing", out_dir, sum(map(stock.size_bytes, fresh))), staged(out_dir) as folder:
            tell = _counter(note, "packing", len(fresh))
            packed = [same or _write(folder, batch, stock, tell) for batch, same in zip(batches, kept, strict=True)]
            splits = {name: _split([p for p in packed if p.split == name]) for name in {p.split: 0 for p in packed}}
            after = Manifest(__version__, dataset, recipe, recipe_sha256, seed, samples_per_shard, splits)
            rows = [row for part in packed for row in part.rows]
            _write_beside(folder, after, rows)
            commit(out_dir, {shard.name for shard in before} - {shard.name for shard in after.all_shards})
        stock.spool.drop([row.key for row in rows])
    return after


def _counter(note: Progress, stage: str, whole: int) -> Callable[[], None]:
    """Something to call once for each sample of a stage."""
    counted = itertools.count(1)
    return lambda: note(stage, next(counted), whole)


def _batches(
    stock: Stock, places: Sequence[tuple[str, int, str]], dataset: str, samples_per_shard: int, note: Progress
) -> list[_Batch]:
    """Cut each split into shards of samples, both in order of their places."""
    batches = []
    tell = _counter(note, "reading", len(places))
    for split, some in groupby(places, key=lambda place: place[0]):
        ordered = tuple(key for _, _, key in some)
        companions = _companions(stock, ordered, split, tell)
        for number, start in enumerate(range(0, len(ordered), samples_per_shard)):
            names = {name: shard_name(dataset, split, number, name or None) for name in (_MAIN, *companions)}
            batches.append(_Batch(split, ordered[start : start + samples_per_shard], names))
    return batches


def _place(key: str, dataset: str, hidden: bool) -> tuple[str, int, str]:
    """Split, number and key, by which samples are sorted: by index, or in a hidden season as the keys are."""
    split, _, number = key.removeprefix(f"{dataset}_").rpartition("_")
    form, base = (rf"[0-9a-f]{{{KEY_DIGITS}}}", 16) if hidden else (r"\d+", 10)
    if not key.startswith(f"{dataset}_") or not split or not re.fullmatch(form, number, re.ASCII):
        wanted = f"{KEY_DIGITS} hexadecimal digits" if hidden else "<index:06d>"
        raise KineBenchError(f"{key!r} is no key of dataset {dataset}; keys are {dataset}_<split>_{wanted}")
    return split, int(number, base), key


def _companions(stock: Stock, keys: tuple[str, ...], split: str, tell: Callable[[], None]) -> list[str]:
    """The companions of a split; all its samples must have the same members."""
    found = {}
    for key in keys:
        found[key] = stock.members(key)
        tell()
    missing = [key for key, suffixes in found.items() if not suffixes]
    if missing:
        raise KineBenchError(
            f"{stock.out_dir}: {len(missing)} samples are not finished, such as {missing[0]}; {_AGAIN}"
        )
    wanted = frozenset(MEMBERS).union(*found.values())
    for key, suffixes in found.items():
        if lacking := sorted(wanted - suffixes):
            raise KineBenchError(
                f"{stock.out_dir}: {key} has no {', '.join(lacking)}, which other samples of split {split} have; "
                "make all samples of a split with the same companions (--with)"
            )
    return [name for name, suffixes in COMPANIONS.items() if wanted & set(suffixes)]


def _suffixes(companion: str) -> tuple[str, ...]:
    return COMPANIONS[companion] if companion else MEMBERS


def _kept(batches: list[_Batch], stock: Stock, known: dict[str, Shard], note: Progress) -> list[_Packed | None]:
    kept = []
    for done, batch in enumerate(batches, 1):
        kept.append(_unchanged(batch, stock, known))
        note("checking", done, len(batches))
    return kept


def _unchanged(batch: _Batch, stock: Stock, known: dict[str, Shard]) -> _Packed | None:
    """The present tars of a batch, if they hold exactly its samples and every byte is as it was packed."""
    if any(key in stock.waiting for key in batch.keys):
        return None
    for name in batch.names.values():
        path = stock.out_dir / name
        if stock.held.get(name) != batch.keys or not path.exists() or sha256_file(path) != known[name].sha256:
            return None
    shards = {companion: known[name] for companion, name in batch.names.items()}
    return _Packed(batch.split, shards, tuple(stock.rows[key] for key in batch.keys))


def _write(folder: Path, batch: _Batch, stock: Stock, tell: Callable[[], None]) -> _Packed:
    """Write the tars of a batch into `folder`, sample by sample."""
    rows = []
    files = {companion: (folder / name).open("wb") for companion, name in batch.names.items()}
    try:
        for key in batch.keys:
            sample = stock.load(key)
            if sample is None:
                raise KineBenchError(f"{stock.out_dir}: sample {key} is damaged or of another recipe; {_AGAIN}")
            rows.append(_add(files, batch, sample))
            tell()
        for file in files.values():
            tar.close(file)
            file.flush()
            os.fsync(file.fileno())
    finally:
        for file in files.values():
            file.close()
    shards = {companion: _shard(folder / name, batch) for companion, name in batch.names.items()}
    return _Packed(batch.split, shards, tuple(rows))


def _add(files: Mapping[str, BinaryIO], batch: _Batch, sample: Sample) -> Row:
    members = {}
    for companion, name in batch.names.items():
        for suffix in _suffixes(companion):
            data = sample.members[suffix]
            entry = tar.add(files[companion], f"{sample.key}.{suffix}", data)
            members[suffix] = Member(name, entry.offset, entry.size, hashlib.sha256(data).hexdigest())
    record = sample.record
    return Row(
        key=sample.key,
        split=record["split"],
        index=record["index"],
        shard=batch.names[_MAIN],
        seed=record["provenance"]["seed"],
        objects=len(record["objects"]),
        driven=len(record["driven"]),
        events=len(record["events"]),
        members=members,
    )


def _shard(path: Path, batch: _Batch) -> Shard:
    return Shard(path.name, path.stat().st_size, sha256_file(path), len(batch.keys), batch.keys[0], batch.keys[-1])


def _split(parts: list[_Packed]) -> SplitShards:
    tars = {companion: tuple(part.shards[companion] for part in parts) for companion in parts[0].shards}
    main = tars.pop(_MAIN)
    return SplitShards(sum(shard.samples for shard in main), main[0].first, main[-1].last, main, tars)


def _write_beside(folder: Path, after: Manifest, rows: list[Row]) -> None:
    """Write what stands beside the tars. The card has no checksum, because people edit cards."""
    contents = {
        index.NAME: index.dump(rows),
        manifest.NAME: manifest.dump(after),
        manifest.CROISSANT: croissant(after),
    }
    sums = {shard.name: shard.sha256 for shard in after.all_shards}
    sums |= {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    contents[manifest.SUMS] = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()
    contents[manifest.CARD] = card(after)
    for name, data in contents.items():
        write_durable(folder / name, data)
