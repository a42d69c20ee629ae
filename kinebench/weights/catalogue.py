"""catalogue.toml -> the published weights: where each comes from, under which licence, and what it must hash to."""

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kinebench.errors import KineBenchError

FILE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True)
class Entry:
    """One file of weights. Either `sha256` or `git_blob` is known."""

    name: str
    purpose: str  # the metrics that need it
    file: str
    urls: tuple[str, ...]  # tried in order
    source: str  # a page for people
    licence: str
    confirmed: str  # how the hash is known
    bytes: int | None = None
    sha256: str | None = None
    git_blob: str | None = None  # sha-1 of "blob ", the size, a zero byte and the file

    @property
    def hash(self) -> str:
        """The hash that the file must have, as it is printed."""
        return f"sha256 {self.sha256}" if self.sha256 else f"git sha-1 {self.git_blob}"


def catalogue() -> dict[str, Entry]:
    """All entries by name, in the file's order."""
    return _read(FILE)


@cache
def _read(file: Path) -> dict[str, Entry]:
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: Entry(name, **{**table, "urls": tuple(table["urls"])}) for name, table in tables.items()}


def find(name: str) -> Entry:
    """The entry of this name, or a `KineBenchError` that suggests the nearest ones."""
    if name in catalogue():
        return catalogue()[name]
    near = difflib.get_close_matches(name, catalogue(), n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(catalogue())}"
    raise KineBenchError(f"no weights are called {name!r}; {hint}")
