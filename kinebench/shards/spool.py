"""Finished samples that wait for packing, each one small tar: a sample is done when its file is there and whole."""

import contextlib
import hashlib
import io
import os
import warnings
from collections.abc import Collection
from pathlib import Path

from kinebench.shards import record as records
from kinebench.shards import tar
from kinebench.shards.files import disk_room, sweep, write_atomic
from kinebench.shards.sample import Sample

FOLDER = ".spool"
_SUMS = "SHA256SUMS"


class Spool:
    """`OUT/.spool/<key>.tar`: every member of the sample, companions included, then their checksums."""

    def __init__(self, out_dir: Path) -> None:
        self.folder = Path(out_dir) / FOLDER

    def put(self, sample: Sample) -> Path:
        """Store a finished sample, at once or not at all. Raises KineBenchError when the disk is full."""
        members = {"json": records.dump(sample.record)} | sample.members
        file = io.BytesIO()
        for suffix, data in members.items():
            tar.add(file, f"{sample.key}.{suffix}", data)
        tar.add(file, _SUMS, _sums(members))
        tar.close(file)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(sample.key)
        with disk_room(f"storing sample {sample.key}", self.folder, file.tell()):
            write_atomic(path, file.getvalue())
        return path

    def has(self, key: str, recipe_sha256: str, members: Collection[str]) -> bool:
        """Whether the sample is there, whole, of this recipe, and with all these members (suffixes)."""
        sample = self.load(key)
        return (
            sample is not None
            and sample.record["provenance"]["recipe_sha256"] == recipe_sha256
            and set(members) <= set(sample.members)
        )

    def load(self, key: str) -> Sample | None:
        """The sample, or None if it is not there. A damaged file counts as not there, with a warning."""
        path = self._path(key)
        try:
            return _read(key, path.read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            warnings.warn(f"{path} is damaged ({error}); the sample will be made again", stacklevel=2)
            return None

    def members(self, key: str) -> frozenset[str]:
        """The suffixes in the sample's file, by its headers alone; empty if there is no readable file."""
        try:
            with self._path(key).open("rb") as file:
                names = [entry.name for entry in tar.entries(file)]
        except (FileNotFoundError, tar.TarError):
            return frozenset()
        return frozenset(name.removeprefix(f"{key}.") for name in names if name != _SUMS)

    def sizes_bytes(self) -> dict[str, int]:
        """Every key that has a file, and the file's size: one look at the folder, none into the files."""
        found: dict[str, int] = {}
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(".tar") and not entry.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):  # packed by another process just now
                        found[entry.name.removesuffix(".tar")] = entry.stat().st_size
        return found

    def drop(self, keys: Collection[str]) -> None:
        """Forget samples that are packed, and what interrupted writers left of them or of anything else."""
        gone = {f"{key}.tar" for key in keys}
        for path in self.folder.glob("*.tar"):
            if path.name in gone:
                path.unlink(missing_ok=True)
        for path in self.folder.glob(".*.tar.*.tmp"):
            if path.name[1:].partition(".tar.")[0] + ".tar" in gone:
                path.unlink(missing_ok=True)
        sweep(self.folder)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.tar"


def _sums(members: dict[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {suffix}\n" for suffix, data in members.items()).encode()


def _read(key: str, data: bytes) -> Sample:
    """Raises ValueError, KeyError or TypeError for anything but what `put` wrote for this key."""
    contents = {e.name: data[e.offset : e.offset + e.size] for e in tar.entries(io.BytesIO(data))}
    sums = contents.pop(_SUMS)
    members = {name.removeprefix(f"{key}."): content for name, content in contents.items()}
    if sums != _sums(members):
        raise ValueError("a checksum is wrong")
    record = records.parse(members["json"])
    if record["key"] != key or not isinstance(record["provenance"]["recipe_sha256"], str):
        raise ValueError("it holds another sample")
    return Sample(key=key, members=members, record=record)
