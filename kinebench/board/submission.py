"""A submission: a folder with a statement, `submission.json`, hashes of its files, and videos in plain tars."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinebench import schema
from kinebench.board.archive import ArchiveError, read_plain
from kinebench.errors import KineBenchError
from kinebench.methods import strict_json

KIND = "kinebench submission"
SCHEMA_VERSION = 1
STATEMENT, SUMS, VIDEOS, RUN = "submission.json", "SHA256SUMS", "videos", "videos/run.json"
SCHEMA_PATH = Path(__file__).with_name("submission.schema.json")
MOST_STATEMENT_BYTES = 1 << 20
MOST_SUMS_BYTES = 1 << 20
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Line ends, commands to terminals, marks that turn the direction of writing, and what is no text."""
_LONGEST = 300


class SumsError(ValueError):
    """A line of SHA256SUMS that is none."""


@dataclass(frozen=True)
class Submission:
    """What a submission's folder says of itself. Only `validation.validate` knows whether it is true."""

    folder: Path
    statement: Mapping[str, Any] = field(repr=False)  # submission.json, valid
    sha256: str  # of SHA256SUMS, which names every other file

    @property
    def videos(self) -> Path:
        """The folder that `kinebench score` reads."""
        return self.folder / VIDEOS


def read(folder: Path) -> Submission:
    """The submission in a folder. Raises KineBenchError that lists every fault of its statement."""
    try:
        data = read_plain(folder / STATEMENT, MOST_STATEMENT_BYTES)
    except ArchiveError as error:
        raise KineBenchError(f"{folder / STATEMENT}: {error}; make it with: kinebench submit pack") from error
    statement, faults = parse(data)
    if statement is None or faults:
        raise KineBenchError("\n".join(f"{folder / STATEMENT}: {fault}" for fault in faults))
    try:
        sums = read_plain(folder / SUMS, MOST_SUMS_BYTES)
    except ArchiveError as error:
        raise KineBenchError(f"{folder / SUMS}: {error}; make it with: kinebench submit pack") from error
    return Submission(folder, statement, hashlib.sha256(sums).hexdigest())


def parse(data: bytes) -> tuple[dict[str, Any] | None, list[str]]:
    """The statement, and every fault of it by key; no statement if it is none at all."""
    try:
        content = strict_json.loads(data)
    except ValueError as error:  # also what is no UTF-8
        return None, [f"is no JSON: {' '.join(str(error).split())[:_LONGEST]}"]
    if not isinstance(content, dict):
        return None, ["is no JSON object"]
    return content, faults(content)


def faults(statement: Mapping[str, Any]) -> list[str]:
    """Every fault of a statement, by key."""
    found = [_shortened(fault) for fault in schema.faults(statement, SCHEMA_PATH)]
    odd = (place for place in _texts("", statement) if _UNPRINTABLE.search(place[1]))
    found += [f"{_shortened(key)!a}: {text[:60]!a} is not one line of text" for key, text in odd]
    return found or list(_contradictions(statement))


def _shortened(fault: str) -> str:
    return fault if len(fault) <= _LONGEST else f"{fault[:_LONGEST]}..."


def _contradictions(statement: Mapping[str, Any]) -> Iterator[str]:
    """What no schema can say."""
    dataset, seeds = statement["dataset"], statement["inference"]["seeds"]
    if any(type(seed) is not int for seed in seeds) or len(set(seeds)) < len(seeds):
        yield f"inference.seeds: {str(seeds)[:60]} are not whole numbers, each once"
    names = [file["name"] for file in statement["videos"]["files"]]
    if len(set(names)) < len(names):
        yield "videos.files: a tar is there twice"
    trained = {(each["dataset"], each["split"]) for each in statement["model"]["training_data"]["kinebench"]}
    if (dataset["name"], dataset["split"]) in trained:
        yield f"model.training_data.kinebench: it was trained on {dataset['split']}, on which it would be scored"


def _texts(key: str, content: Any) -> Iterator[tuple[str, str]]:
    """Every text of a statement, keys included."""
    if isinstance(content, str):
        yield key, content
    elif isinstance(content, dict):
        for name, inner in content.items():
            yield key or "the file", name
            yield from _texts(f"{key}.{name}" if key else name, inner)
    elif isinstance(content, list):
        for number, inner in enumerate(content):
            yield from _texts(f"{key}.{number}", inner)


def dump(statement: Mapping[str, Any]) -> bytes:
    """submission.json, its keys in the order of the schema."""
    plain = _ordered(statement, json.loads(SCHEMA_PATH.read_text()))
    return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _ordered(content: Any, part: Mapping[str, Any]) -> Any:
    if isinstance(content, list):
        return [_ordered(each, part.get("items", {})) for each in content]
    if not isinstance(content, Mapping):
        return content
    known = part.get("properties", {})
    names = [*(name for name in known if name in content), *sorted(content.keys() - known.keys())]
    return {name: _ordered(content[name], known.get(name, {})) for name in names}


def dump_sums(hashes: Mapping[str, str]) -> bytes:
    """SHA256SUMS, as sha256sum writes and reads it."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(hashes.items())).encode()


def parse_sums(data: bytes) -> dict[str, str]:
    """Hashes by name. Raises SumsError for a line that is none, or a name that comes twice."""
    hashes: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        found = re.fullmatch(r"([0-9a-f]{64})  ([A-Za-z0-9._/-]{1,300})", line)
        if found is None:
            raise SumsError(f"line {number} is not a hash, two spaces and a name: {line[:100]!a}")
        if found[2] in hashes:
            raise SumsError(f"{found[2]} is there twice")
        hashes[found[2]] = found[1]
    return hashes
