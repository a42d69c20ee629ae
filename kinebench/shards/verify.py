"""A dataset folder against itself. Trusts nothing: hashes, tars, index, schema, pictures, masks, motion."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinebench.errors import KineBenchError
from kinebench.shards import index, soundness, staging, tar
from kinebench.shards import manifest as manifests
from kinebench.shards import record as records
from kinebench.shards.files import Progress, sha256_file
from kinebench.shards.index import Row
from kinebench.shards.manifest import Manifest
from kinebench.shards.sample import MEMBERS
from kinebench.shards.stock import read_member

COPY = "copy or download the file again, or run the same kinebench generate command again"
REPACK = "run the same kinebench generate command again: it packs anew"
REMAKE = "the sample was made wrongly: report it with this line, and make the dataset anew"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    subject: str  # a sample's key, or a file's name
    fact: str
    remedy: str


@dataclass(frozen=True)
class Report:
    """What was looked at, and what is wrong with it."""

    folder: Path
    files: int  # hashed
    samples: int  # whose bytes and record were checked
    decoded: int  # of those, whose pictures were decoded too
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(folder: Path | str, sample: int | None = None, progress: Progress | None = None) -> Report:
    """Check a dataset folder: every file, every record, and the pictures of all samples or of `sample` evenly spaced.

    Raises KineBenchError if the folder is no dataset at all.
    """
    folder = Path(folder)
    note: Progress = progress or (lambda stage, done, whole: None)
    if staging.interrupted(folder):
        fault = Fault(folder.name, "packing was interrupted: old and new files stand side by side", REPACK)
        return Report(folder, 0, 0, 0, (fault,))
    try:
        manifest, rows = _claims(folder)
    except _DamagedError as error:
        hashed = dict(_hashes(folder, (index.NAME, manifests.NAME), note))
        return Report(folder, len(hashed), 0, 0, (*_sum_faults(folder, hashed), Fault(error.name, str(error), COPY)))
    names = [shard.name for shard in manifest.all_shards]
    hashed = dict(_hashes(folder, (*names, index.NAME, manifests.NAME, manifests.CROISSANT), note))
    faults = [
        *_sum_faults(folder, hashed),
        *_manifest_faults(folder, manifest, hashed),
        *_index_faults(manifest, rows),
        *_tar_faults(folder, [name for name in names if name in hashed], rows),
    ]
    chosen = _evenly(len(rows), sample)
    textures: dict[str, str] = {}
    clips: dict[str, str] = {}
    for number, row in enumerate(rows):
        note("samples", number, len(rows))
        faults += _sample_faults(folder, manifest, row, number in chosen, textures)
        if "mp4" in row.members and (twin := clips.setdefault(row.members["mp4"].sha256, row.key)) != row.key:
            faults.append(Fault(row.key, f"its clip is the same as that of {twin}", REMAKE))
    note("samples", len(rows), len(rows))
    return Report(folder, len(hashed), len(rows), len(chosen), tuple(dict.fromkeys(faults)))


class _DamagedError(Exception):
    def __init__(self, name: str, fact: str) -> None:
        super().__init__(fact)
        self.name = name


def _claims(folder: Path) -> tuple[Manifest, tuple[Row, ...]]:
    """What the folder says it holds."""
    for name in (manifests.NAME, index.NAME):
        if not (folder / name).is_file():
            raise KineBenchError(f"{folder} is no packed dataset: it has no {name}; run: kinebench generate")
    try:
        manifest = manifests.parse((folder / manifests.NAME).read_bytes())
    except ValueError as error:
        raise _DamagedError(manifests.NAME, str(error)) from error
    try:
        return manifest, index.parse((folder / index.NAME).read_bytes())
    except ValueError as error:
        raise _DamagedError(index.NAME, str(error)) from error


def _evenly(count: int, sample: int | None) -> frozenset[int]:
    if sample is None or sample >= count:
        return frozenset(range(count))
    return frozenset(np.linspace(0, count - 1, max(sample, 0)).round().astype(int).tolist())


def _hashes(folder: Path, names: Iterable[str], note: Progress) -> Iterator[tuple[str, str]]:
    """The sha256 of every file of these that is there."""
    present = [folder / name for name in names if (folder / name).is_file()]
    whole = sum(path.stat().st_size for path in present)
    done = 0
    for path in present:
        note("files", done, whole)
        yield path.name, sha256_file(path)
        done += path.stat().st_size
    note("files", whole, whole)


def _sum_faults(folder: Path, hashed: dict[str, str]) -> Iterator[Fault]:
    """SHA256SUMS against the files."""
    path = folder / manifests.SUMS
    if not path.is_file():
        yield Fault(manifests.SUMS, "is missing", COPY)
        return
    lines = path.read_text(errors="replace").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in sorted(set(listed) | set(hashed)):
        if name not in listed:
            yield Fault(manifests.SUMS, f"does not list {name}", REPACK)
        elif not (folder / name).is_file():
            yield Fault(name, "is missing", COPY)
        elif name in hashed and hashed[name] != listed[name]:
            yield Fault(name, f"sha256 is {hashed[name][:12]}..., SHA256SUMS says {listed[name][:12]}...", COPY)


def _manifest_faults(folder: Path, manifest: Manifest, hashed: dict[str, str]) -> Iterator[Fault]:
    """Tars on disk and in the Croissant file against the manifest."""
    shards = {shard.name: shard for shard in manifest.all_shards}
    for path in sorted(folder.glob("*.tar")):
        if path.name not in shards:
            yield Fault(path.name, "is no shard of this dataset", "move it elsewhere: loaders would read it")
    for name, shard in shards.items():
        size = (folder / name).stat().st_size if name in hashed else 0
        if name not in hashed:
            yield Fault(name, "is missing", COPY)
        elif size != shard.bytes:
            yield Fault(name, f"has {size} bytes, the manifest says {shard.bytes}", COPY)
        elif hashed[name] != shard.sha256:
            yield Fault(name, f"sha256 is {hashed[name][:12]}..., the manifest says {shard.sha256[:12]}...", COPY)
    try:
        described = json.loads((folder / manifests.CROISSANT).read_bytes())["distribution"]
        digests = {entry["name"]: entry["sha256"] for entry in described if "sha256" in entry}
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Fault(manifests.CROISSANT, f"cannot be read: {error}", REPACK)
        return
    if digests != {name: shard.sha256 for name, shard in shards.items()}:
        yield Fault(manifests.CROISSANT, "does not list the tars as the manifest does", REPACK)


def _index_faults(manifest: Manifest, rows: tuple[Row, ...]) -> Iterator[Fault]:
    """Keys once, in order, and as many as the manifest says."""
    seen: set[str] = set()
    for row in rows:
        if row.key in seen:
            yield Fault(row.key, "is in the index twice", REPACK)
        seen.add(row.key)
    places = [(row.split, row.index) for row in rows]
    if places != sorted(places):
        yield Fault(index.NAME, "is not in order of split and index", REPACK)
    for name in sorted({*manifest.splits, *(row.split for row in rows)}):
        count = sum(row.split == name for row in rows)
        wanted = manifest.splits[name].count if name in manifest.splits else 0
        if count != wanted:
            yield Fault(index.NAME, f"has {count} samples of split {name}, the manifest {wanted}", REPACK)


def _tar_faults(folder: Path, names: list[str], rows: tuple[Row, ...]) -> Iterator[Fault]:
    """The entries of each tar against the index: the same names at the same places, in the same order."""
    wanted: dict[str, list[tar.Entry]] = {name: [] for name in names}
    for row in rows:
        for suffix, place in row.members.items():
            if place.shard in wanted:
                wanted[place.shard].append(tar.Entry(f"{row.key}.{suffix}", place.offset, place.size))
    for name in names:
        try:
            with (folder / name).open("rb") as file:
                found = list(tar.entries(file))
        except tar.TarError as error:
            yield Fault(name, str(error), COPY)
        else:
            yield from (Fault(name, fact, REPACK) for fact in _entry_facts(found, wanted[name]))


def _entry_facts(found: list[tar.Entry], wanted: list[tar.Entry]) -> Iterator[str]:
    if found == wanted:
        return
    held, listed = {entry.name: entry for entry in found}, {entry.name: entry for entry in wanted}
    if len(held) < len(found):
        yield "holds a member twice"
    yield from (f"lacks {name}, which the index has" for name in listed if name not in held)
    yield from (f"holds {name}, which the index lacks" for name in held if name not in listed)
    for name, entry in held.items():
        if name in listed and entry != listed[name]:
            yield f"has {name} at byte {entry.offset}, {entry.size} long; the index at {listed[name].offset}"
    if list(held) != list(listed):
        yield "has its members in another order than the index"


def _sample_faults(
    folder: Path, manifest: Manifest, row: Row, decode: bool, textures: dict[str, str]
) -> Iterator[Fault]:
    """One sample: its bytes, its record, and if `decode` its pictures. `textures` collects the split of each ground."""
    members: dict[str, bytes] = {}
    cut: dict[str, list[str]] = {}
    for suffix, place in row.members.items():
        data = read_member(folder, place)
        if len(data) != place.size:
            cut.setdefault(place.shard, []).append(f"{suffix} at {len(data)} of {place.size} bytes")
        elif hashlib.sha256(data).hexdigest() != place.sha256:
            yield Fault(row.key, f"{suffix} is damaged: its bytes in {place.shard} have another sha256", COPY)
        else:
            members[suffix] = data
    yield from (Fault(row.key, f"is cut short in {shard}: {', '.join(parts)}", COPY) for shard, parts in cut.items())
    for suffix in MEMBERS:
        if suffix not in row.members:
            yield Fault(row.key, f"has no {suffix}", REPACK)
    if "json" in members:
        for fact in _facts(manifest, row, members, decode, textures):
            yield Fault(row.key, fact, REMAKE)


def _facts(
    manifest: Manifest, row: Row, members: dict[str, bytes], decode: bool, textures: dict[str, str]
) -> Iterator[str]:
    try:
        record = records.parse(members["json"])
    except ValueError as error:
        yield f"json cannot be read: {error}"
        return
    if broken := records.schema_faults(record):
        yield from (f"json: {fact}" for fact in broken)
        return
    yield from _row_facts(manifest, row, record, members)
    if broken := list(soundness.structure_faults(record)):
        yield from broken
        return
    yield from soundness.record_faults(record, manifest.recipe)
    other = textures.setdefault(record["ground"]["texture"], record["split"])
    if other != record["split"]:
        yield f"its ground {record['ground']['texture']} also lies under split {other}"
    yield from soundness.motion_faults(record)
    if decode:
        yield from soundness.picture_faults(record, members)


def _row_facts(manifest: Manifest, row: Row, record: dict[str, Any], members: dict[str, bytes]) -> Iterator[str]:
    """The record against manifest and index."""
    provenance = record["provenance"]
    wanted = {
        "key": (record["key"], row.key),
        "dataset": (record["dataset"], manifest.dataset),
        "split": (record["split"], row.split),
        "index": (record["index"], row.index),
        "recipe_sha256": (provenance["recipe_sha256"], manifest.recipe_sha256),
        "seed": (provenance["seed"], manifest.seed),
        "number of objects": (len(record["objects"]), row.objects),
        "number of driven objects": (len(record["driven"]), row.driven),
        "number of events": (len(record["events"]), row.events),
    }
    for name, (said, listed) in wanted.items():
        if said != listed:
            yield f"its json says {name} {said}, manifest and index say {listed}"
    if "txt" in members and members["txt"].decode(errors="replace").strip() != record["captions"]["c"]:
        yield "txt is not caption c of the json"
