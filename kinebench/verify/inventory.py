"""What a dataset folder says it holds against what it holds: manifest, sums, index and tars. No sample is read."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.hidden import is_hidden
from kinebench.shards import index, tar
from kinebench.shards import manifest as manifests
from kinebench.shards.files import Progress, sha256_file
from kinebench.shards.index import Row
from kinebench.shards.manifest import Manifest

COPY = "copy or download the file again, or run the same kinebench generate command again"
REPACK = "run the same kinebench generate command again: it packs anew"
REMAKE = "the sample was made wrongly: report it with this line, and make the dataset anew"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    subject: str  # a sample's key, or a file's name
    fact: str
    remedy: str


class DamagedError(Exception):
    """A description of the folder that cannot be read."""

    def __init__(self, name: str, fact: str) -> None:
        super().__init__(fact)
        self.name = name


def claims(folder: Path) -> tuple[Manifest, tuple[Row, ...]]:
    """What the folder says it holds. Raises KineBenchError for no dataset, DamagedError for what cannot be read."""
    for name in (manifests.NAME, index.NAME):
        if not (folder / name).is_file():
            raise KineBenchError(f"{folder} is no packed dataset: it has no {name}; run: kinebench generate")
    try:
        manifest = manifests.parse((folder / manifests.NAME).read_bytes())
    except ValueError as error:
        raise DamagedError(manifests.NAME, str(error)) from error
    try:
        return manifest, index.parse((folder / index.NAME).read_bytes())
    except ValueError as error:
        raise DamagedError(index.NAME, str(error)) from error


def hashes(folder: Path, names: Iterable[str], threads: int, note: Progress) -> dict[str, str]:
    """The sha256 of every file of these that is there, in order of the names."""
    present = [folder / name for name in names if (folder / name).is_file()]
    whole = sum(path.stat().st_size for path in present)
    found, done = {}, 0
    with ThreadPoolExecutor(threads) as pool:  # hashing lets go of the interpreter
        try:
            for path, digest in zip(present, pool.map(sha256_file, present), strict=True):
                note("files", done, whole)
                found[path.name] = digest
                done += path.stat().st_size
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    note("files", whole, whole)
    return found


def listed_sums(folder: Path) -> dict[str, str]:
    """The sha256 that SHA256SUMS gives each file; empty if there is no SHA256SUMS."""
    path = folder / manifests.SUMS
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def sum_faults(folder: Path, hashed: dict[str, str]) -> Iterator[Fault]:
    """SHA256SUMS against the files."""
    if not (folder / manifests.SUMS).is_file():
        yield Fault(manifests.SUMS, "is missing", COPY)
        return
    listed = listed_sums(folder)
    for name in sorted(set(listed) | set(hashed)):
        if Path(name).name != name:
            yield Fault(manifests.SUMS, f"lists {name!r}, which is not a file beside it", REPACK)
            continue
        if name not in listed:
            yield Fault(manifests.SUMS, f"does not list {name}", REPACK)
        elif not (folder / name).is_file():
            yield Fault(name, "is missing", COPY)
        elif name in hashed and hashed[name] != listed[name]:
            yield Fault(name, f"sha256 is {hashed[name][:12]}..., SHA256SUMS says {listed[name][:12]}...", COPY)


def manifest_faults(folder: Path, manifest: Manifest, hashed: dict[str, str]) -> Iterator[Fault]:
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
    tars = {name: digest for name, digest in digests.items() if name.endswith(".tar")}
    if tars != {name: shard.sha256 for name, shard in shards.items()}:
        yield Fault(manifests.CROISSANT, "does not list the tars as the manifest does", REPACK)
    for name in sorted(digests.keys() - tars.keys()):
        if hashed.get(name, digests[name]) != digests[name]:
            yield Fault(manifests.CROISSANT, f"lists {name} with another sha256 than the file has", REPACK)


def index_faults(manifest: Manifest, rows: tuple[Row, ...]) -> Iterator[Fault]:
    """Keys once, in order, and as many as the manifest says."""
    seen: set[str] = set()
    for row in rows:
        if row.key in seen:
            yield Fault(row.key, "is in the index twice", REPACK)
        seen.add(row.key)
    hidden = is_hidden(manifest.recipe)
    places = [(row.split, row.key if hidden else row.index) for row in rows]
    if places != sorted(places):
        yield Fault(index.NAME, f"is not in order of split and {'key' if hidden else 'index'}", REPACK)
    for name in sorted({*manifest.splits, *(row.split for row in rows)}):
        count = sum(row.split == name for row in rows)
        wanted = manifest.splits[name].count if name in manifest.splits else 0
        if count != wanted:
            yield Fault(index.NAME, f"has {count} samples of split {name}, the manifest {wanted}", REPACK)


def tar_faults(folder: Path, names: Iterable[str], rows: tuple[Row, ...]) -> Iterator[Fault]:
    """The entries of each tar against the index: the same names at the same places, in the same order."""
    wanted: dict[str, list[tar.Entry]] = {name: [] for name in names}
    for row in rows:
        for suffix, place in row.members.items():
            if place.shard in wanted:
                wanted[place.shard].append(tar.Entry(f"{row.key}.{suffix}", place.offset, place.size))
    for name in wanted:
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
