"""From a board to a folder of pages, which is there as a whole or not at all."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kinebench import __version__
from kinebench.board.site import download, facts, films, naming, pages
from kinebench.board.site.films import Shelf
from kinebench.board.site.script import FOLDER as DATA
from kinebench.board.site.script import script
from kinebench.board.standing import Board, Row, Standing
from kinebench.errors import KineBenchError
from kinebench.shards.files import Progress, disk_room, sweep

KIND = "kinebench site"
RECORD = "site.json"
_SEEN = 50
"""Films between two words on how far they are."""


@dataclass(frozen=True)
class Built:
    """What was written."""

    index: Path
    tables: int
    rows: int
    films: int
    lacking: int  # videos, truths and conditions without a film
    size_bytes: int  # of all but the films


def build(board: Board, films: Path, out: Path, note: Progress) -> Built:
    """Write the site to `out`, in place of a site that is there; films are taken from the folder `films`.

    The same board and films give the same bytes. Raises KineBenchError if the board is empty, if `out` is something
    else than a site, if a name in the results cannot be a file's, or if the disk is full.
    """
    if not board.standings:
        raise KineBenchError("there is no table to show; `kinebench board score` writes results")
    _check(out)
    shelf = Shelf(films)
    with disk_room("writing the site", out.absolute().parent, 1 << 20), _staged(out) as folder:
        written = _write(board, shelf, folder, note)
        _swap(folder, out)
    rows = sum(len(standing.rows) for standing in board.standings)
    return Built(out / "index.html", len(board.standings), rows, len(shelf.taken), shelf.lacking, written)


def _check(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise KineBenchError(f"--out {out} is no folder; name a folder for the site")
    if not out.exists() or not any(out.iterdir()):
        return
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if json.loads((out / RECORD).read_bytes()).get("kind") == KIND:
            return
    raise KineBenchError(f"--out {out} holds other files than a site, and they would be gone; name another folder")


@contextlib.contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """An empty folder beside `out`; what is in it afterwards is removed."""
    place = out.absolute()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        sweep(place.parent)
        folder = _beside(out, "new")
        folder.mkdir()
    except OSError as error:
        raise KineBenchError(f"--out {out}: {error.strerror}; name another folder") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _beside(out: Path, what: str) -> Path:
    """A name that `sweep` knows."""
    place = out.absolute()
    return place.with_name(f".{place.name}-{what}.{os.uname().nodename}.{os.getpid()}.tmp")


def _swap(folder: Path, out: Path) -> None:
    old = _beside(out, "old")
    there = out.exists()
    if there:
        out.replace(old)
    try:
        folder.replace(out)
    except BaseException:
        if there:
            old.replace(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write(board: Board, shelf: Shelf, folder: Path, note: Progress) -> int:
    """All files; returns their bytes without the films."""
    names = naming.tables(board.standings)
    whole = sum(len(standing.rows) for standing in board.standings)
    size = done = 0
    for path, data in _files(board, names, shelf):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        size += len(data)
        if path.parent.name == "rows" or path.parent.name.startswith("paper-"):
            done += 1
            note("tables", min(done, whole), whole)
    note("tables", whole, whole)
    taken = shelf.taken
    for number, name in enumerate(taken, 1):
        films.bring(shelf, name, folder)
        if number % _SEEN == 0 or number == len(taken):
            note("films", number, len(taken))
    return size


def _files(board: Board, names: tuple[str, ...], shelf: Shelf) -> Iterator[tuple[Path, bytes]]:
    cards: dict[str, list[tuple[str, Row]]] = {}
    for standing, name in zip(board.standings, names, strict=True):
        yield from _table(standing, name, shelf)
        if standing.metrics_version is not None:
            for row in standing.rows:
                cards.setdefault(naming.row(row), []).append((name, row))
    for row_name, entries in cards.items():
        yield Path(DATA, "m", f"{row_name}.js"), script(f"m/{row_name}", facts.card(entries))
        yield Path("m", f"{row_name}.html"), pages.method(row_name, entries[0][1].title)
    yield Path(DATA, "board.js"), script("board", facts.index(board, names, __version__))
    yield from pages.fixed()
    yield Path(RECORD), json.dumps({"kind": KIND, "kinebench": __version__}).encode() + b"\n"


def _table(standing: Standing, name: str, shelf: Shelf) -> Iterator[tuple[Path, bytes]]:
    yield Path(DATA, name, "table.js"), script(f"{name}/table", facts.table(standing, name))
    yield Path(download.FOLDER, f"{name}.csv"), download.as_csv(standing)
    yield Path(download.FOLDER, f"{name}.json"), download.as_json(standing)
    if standing.metrics_version is None:
        return
    yield Path(DATA, name, "clips.js"), script(f"{name}/clips", facts.clips(standing, shelf))
    yield Path(download.FOLDER, f"{name}-pairs.csv"), download.pairs_csv(standing)
    pairs = facts.by_row(standing.pairs)
    for place, row in enumerate(standing.rows):
        row_name = naming.row(row)
        told = facts.row(standing, place, pairs, shelf)
        yield Path(DATA, name, "rows", f"{row_name}.js"), script(f"{name}/rows/{row_name}", told)
        if not standing.hidden:
            yield Path(download.FOLDER, name, f"{row_name}.csv"), download.samples_csv(standing, row)
