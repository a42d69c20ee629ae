"""The board as values: tables of rows that may be compared, each number with its interval, rank and group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Track = Literal["open", "privileged", "reported"]
"""Measured by us; measured, and told more than others; printed in a paper, which is ranked with nobody."""


@dataclass(frozen=True)
class Column:
    """A metric."""

    name: str
    what: str
    unit: str
    better: Literal["lower", "higher"]
    version: int
    scope: Literal["clip", "group", "set"]
    headline: bool


@dataclass(frozen=True)
class Number:
    """What a row has in a column: a mean over clips, of seeds within; or a distance of sets, mean over seeds."""

    value: float | None
    low: float | None  # ends of the 95 % interval; None where there is none
    high: float | None
    n: int  # clips or groups that have something to measure
    rank: tuple[int, int] | None = None  # 95 % interval of its rank among the methods of its track, 1 the best
    group: int | None = None  # rows that cannot be told apart from the best of their group; 1 the best
    reason: str | None = None  # why there is no value


@dataclass(frozen=True)
class Row:
    """A method's revision, with all its seeds; or a row of a paper's table."""

    method: str  # its name, a slug
    revision: str
    track: Track
    title: str
    seeds: tuple[int, ...]
    numbers: Mapping[str, Number]  # by column
    statement: Mapping[str, Any]  # submission.json; of a reported row, {"source": ..., "table": ...}
    samples: Mapping[str, tuple[float | None, ...]]  # by column of scope clip: value of each clip, mean over seeds
    films: Mapping[int, tuple[str | None, ...]]  # by seed: hash of each clip's video
    shown: tuple[int, ...] = ()  # the clip's frames that its videos show
    withdrawn: str | None = None  # why it is not ranked


@dataclass(frozen=True)
class Pair:
    """Two rows of one table in one column: first minus second over common clips."""

    column: str
    first: int  # place of the row in `Standing.rows`
    second: int
    difference: float
    low: float
    high: float
    p: float  # by Holm over all pairs of methods of the column and track; over those with an anchor where it has one


@dataclass(frozen=True)
class Standing:
    """One table: rows of the same ground truth and the same version of the metrics."""

    dataset: str
    version: str
    split: str
    metrics_version: int | None  # None: a table as reported in a paper
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    clips: tuple[str, ...]  # keys, in the order of `Row.samples`
    truths: tuple[str, ...]  # of each clip, the hash by which its films are called
    fps: float
    frames: int  # of a clip
    pairs: tuple[Pair, ...] = ()
    title: str = ""
    hidden: bool = False  # a season that runs: `Row.samples` are withheld, since they tell something of its clips


@dataclass(frozen=True)
class Board:
    """Every table."""

    standings: tuple[Standing, ...]
