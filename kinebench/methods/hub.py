"""Published weights of methods: a folder that the user names, or what the Hugging Face cache holds. Fetches nothing."""

import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError, Unavailable, require
from kinebench.methods.method import FILE, Method, Weights
from kinebench.shards.files import sha256_file

INDEX = "model_index.json"
"""What a folder of diffusers starts from: it names the parts, each a folder of its own."""

_TENSORS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
_POINTER = b"version https://git-lfs"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_END_BYTES = 1 << 20


def weights(method: Method, given: Mapping[str, Path]) -> Callable[[str], Path]:
    """Where a method finds its weights by name: the user's folder or file if `given` has one, else the cache's.

    Raises KineBenchError for a name that the method does not have. What it returns raises `Unavailable`, with the
    command that fetches them, their size and licence, if they are not there or not whole.
    """
    for name in given:
        if name not in method.weights:
            listed = f"the weights {', '.join(method.weights)}" if method.weights else "no weights"
            raise KineBenchError(f"--weights {name}: {method.name} has {listed}")

    def locate(name: str) -> Path:
        if name not in method.weights:
            raise KineBenchError(f"{method.name} asks for the weights {name!r}, which its method.toml does not name")
        what = method.weights[name]
        if name in given:
            return _own(given[name].expanduser().absolute(), name, what)
        return _cached(what, method, name)

    return locate


def revision(path: Path) -> str | None:
    """The commit that weights were fetched at, if they lie as the Hub's own tools left them."""
    folder = path if path.is_dir() else path.parent
    for parent in (folder, *folder.parents):
        if parent.parent.name == "snapshots":
            return parent.name if _COMMIT.fullmatch(parent.name) else None
    note = folder / ".cache" / "huggingface" / "download" / f"{INDEX if path.is_dir() else path.name}.metadata"
    try:
        first = note.read_text().split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError):
        return None
    return first if _COMMIT.fullmatch(first) else None


def fingerprint(path: Path) -> str:
    """What weights are, wherever they lie: their commit, or a hash of names, sizes and contents.

    Of files that are no JSON the first MiB and the last are looked at: to read tens of gigabytes would take minutes,
    and training changes every tensor. Empty if nothing is there.
    """
    if commit := revision(path):
        return commit
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    if not files:
        return ""
    rows = [
        f"{each.relative_to(path.parent if path.is_file() else path).as_posix()} "
        f"{each.stat().st_size} {_looked_at(each)}"
        for each in files
        if not each.name.startswith(".")
    ]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _looked_at(path: Path) -> str:
    """Hash of a file; of a large one that is no JSON, of its ends."""
    size = path.stat().st_size
    if path.suffix == ".json" or size <= 2 * _END_BYTES:
        return sha256_file(path)
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_END_BYTES))
        file.seek(size - _END_BYTES)
        digest.update(file.read())
    return digest.hexdigest()


def _own(path: Path, name: str, what: Weights) -> Path:
    if not path.exists():
        raise Unavailable(f"--weights {name}={path}: there is nothing; {_fetching(what)}")
    if what.file and path.is_dir():
        path = path / what.file
    fault = _fault(path, what)
    if fault:
        raise Unavailable(f"--weights {name}={path}: {fault}; {_fetching(what)}")
    return path


def _cached(what: Weights, method: Method, name: str) -> Path:
    if what.hub is None:
        raise Unavailable(f"nobody has published the weights {name} of {method.name}; {_fetching(what, name)}")
    hub = require("huggingface_hub", method.extra or "hub")
    try:
        if what.file:
            path = Path(hub.hf_hub_download(what.hub, what.file, revision=what.revision, local_files_only=True))
        else:
            path = Path(hub.snapshot_download(what.hub, revision=what.revision, local_files_only=True))
    except hub.errors.LocalEntryNotFoundError as error:
        state = "are here in part" if type(error).__name__ == "IncompleteSnapshotError" else "are not here"
        raise Unavailable(f"the weights {name} of {method.name} {state}; {_fetching(what, name)}") from error
    except ValueError as error:
        raise KineBenchError(f"{method.folder / FILE}: weights.{name} can be nowhere on the Hub: {error}") from error
    if fault := _fault(path, what):
        raise Unavailable(f"the weights {name} of {method.name}, in {path}: {fault}; {_fetching(what, name)}")
    return path


def _fetching(what: Weights, name: str | None = None) -> str:
    """How to get weights, and what that means."""
    if what.hub is None:
        return f"name your own: --weights {name or 'NAME'}=FOLDER"
    file = f" {what.file}" if what.file else ""
    size = f", {what.gb:g} GB" if what.gb else ""
    there = f", or name where they lie: --weights {name}=FOLDER" if name else ""
    return f"run: hf download {what.hub}{file} --revision {what.revision} ({what.licence}{size}){there}"


def _fault(path: Path, what: Weights) -> str | None:
    """What is wrong with a file or a folder of weights; None if nothing can be seen to be."""
    if what.file:
        if not path.is_file():
            return "there is no such file"
        digest = sha256_file(path) if what.sha256 else None
        return f"it is another file, sha256 {digest} instead of {what.sha256}" if digest != what.sha256 else None
    if not path.is_dir():
        return "this is no folder"
    try:
        return next(_lacks(path), None)
    except ValueError as error:
        return str(error)


def _lacks(folder: Path) -> Iterator[str]:
    """What a folder of weights lacks, one thing after another."""
    tensors = sorted(path for path in folder.rglob("*") if path.suffix in _TENSORS and ".cache" not in path.parts)
    if not tensors:
        yield f"it holds no weights ({', '.join(_TENSORS)})"
    if (folder / INDEX).is_file():
        yield from _parts_lacking(folder)
    elif any((folder / part).is_dir() for part in ("transformer", "vae", "scheduler")):
        yield f"it has no {INDEX}"
    for index in sorted(folder.rglob("*.index.json")):
        shards = _table(index).get("weight_map", {})
        if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
            raise ValueError(f"{_within(index, folder)} names no files")
        gone = (name for name in sorted(set(shards.values())) if not (index.parent / name).is_file())
        yield from (f"it lacks {_within(index.parent / name, folder)}" for name in gone)
    for path in tensors:
        if fault := _broken(path):
            yield f"{_within(path, folder)} {fault}"


def _parts_lacking(folder: Path) -> Iterator[str]:
    for part, kind in _table(folder / INDEX).items():
        if not isinstance(kind, list) or None in kind:  # a setting, or a part that this pipeline goes without
            continue
        home = folder / part
        names = [path.name for path in home.iterdir() if path.exists()] if home.is_dir() else []
        if not names:
            yield f"it lacks {part}/"
        elif "config.json" in names and not any(Path(name).suffix in _TENSORS for name in names):
            yield f"{part}/ holds no weights"


def _table(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise ValueError(f"{path.name} cannot be read as JSON")
    return table


def _within(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _broken(path: Path) -> str | None:
    """What is wrong with a file of tensors, as far as its first bytes and its length tell."""
    try:
        length = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(len(_POINTER))
            if head == _POINTER:
                return "is a pointer of git-lfs, not the file: run git lfs pull"
            if path.suffix != ".safetensors":
                return None if length else "is empty"
            (size,) = struct.unpack("<Q", head[:8])
            file.seek(8)
            entries = json.loads(file.read(min(size, length)))
        ends = [int(entry["data_offsets"][1]) for name, entry in entries.items() if name != "__metadata__"]
    except FileNotFoundError:
        return "is a link to nothing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, struct.error):
        return "is damaged"
    whole = 8 + size + max(ends, default=0)
    return f"is cut short: {length} of {whole} bytes" if length < whole else None
