"""An ablation as it is declared: trainings, rows, and the pairs of rows that it asks about. `tables/*.toml`.

A table names roles alone: which dataset, backbone or number of steps that is, a scale says. So one declaration is the
paper's experiment and the small one that runs on two CPU cores.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kinebench import schema
from kinebench.ablations import reported
from kinebench.annotate.velocity import Encoding
from kinebench.errors import KineBenchError
from kinebench.kinemask.conditioning import Truncation

SCHEMA_PATH = Path(__file__).with_name("table.schema.json")
TABLES = Path(__file__).with_name("tables")

Backbone = Literal["cogvideox", "wan"]
DataRole = Literal["simple_motion", "interactions"]
Prompt = Literal["c0", "c_infer", "c"]
Told = Literal["first", "all"]


@dataclass(frozen=True)
class Training:
    """A control branch, trained in one stage or in two."""

    name: str
    data: DataRole
    backbone: Backbone = "cogvideox"
    caption: Literal["c0", "c"] = "c0"
    encoding: Encoding = "v_t"
    stage1: Truncation | None = "full"  # what is kept of masks; None: there is no such stage
    stage2: Truncation | None = "early"
    length: int = 1  # the last stage takes so many times the steps that a stage has

    @property
    def stages(self) -> tuple[Truncation, ...]:
        """Its stages in order."""
        return tuple(each for each in (self.stage1, self.stage2) if each is not None)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of each stage, in stages' steps."""
        return (1,) * (len(self.stages) - 1) + (self.length,)


@dataclass(frozen=True)
class Row:
    """One line of the table: what makes its videos, and what that is told."""

    id: str
    label: str
    prompt: Prompt
    training: str | None = None  # by name; None: the backbone alone
    backbone: Backbone = "cogvideox"  # of a row without a training
    stage: int | None = None  # the branch as it is after so many stages; None: after all
    told: Told = "first"  # masks of the first frame, or, which is privileged, of all
    reported: str | None = None  # the row of the paper's table that this is


@dataclass(frozen=True)
class Pair:
    """Two rows that are compared clip by clip, and the question that this answers."""

    first: str
    second: str
    asks: str


@dataclass(frozen=True)
class Table:
    """One ablation."""

    name: str
    title: str
    question: str
    test: DataRole
    trainings: Mapping[str, Training]
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    content: Mapping[str, Any]  # all of it as `parse` reads it
    reported: str | None = None  # the table in leaderboard/paper_tables.json
    choices: tuple[str, ...] = ()  # where the paper does not say how, what was chosen: for the report
    source: str = ""  # the file it was read from, for messages only

    def row(self, name: str) -> Row:
        """A row by its id."""
        return next(row for row in self.rows if row.id == name)

    def backbone(self, row: Row) -> Backbone:
        """The backbone of a row."""
        return row.backbone if row.training is None else self.trainings[row.training].backbone

    def steps(self, row: Row) -> int:
        """How long a row's branch was trained, in stages' steps."""
        if row.training is None:
            return 0
        return sum(self.trainings[row.training].lengths[: row.stage])


def built_in() -> dict[str, Path]:
    """The paper's tables, by name."""
    return {path.stem: path for path in sorted(TABLES.glob("*.toml"))}


def load(name_or_path: str) -> Table:
    """Read one of the paper's tables by name, or a file. Raises KineBenchError: file, key, what was expected."""
    path = schema.find(name_or_path, built_in(), "table")
    return parse(schema.read(path), path.stem, str(path))


def parse(content: dict[str, Any], name: str, source: str) -> Table:
    """Validate a table as read from TOML and freeze it; `source` is the file name used in messages."""
    schema.demand(content, SCHEMA_PATH, source)
    table = Table(
        name=name,
        title=content["title"],
        question=content["question"],
        test=content["test"],
        trainings={each: Training(each, **_optional(row)) for each, row in content.get("trainings", {}).items()},
        rows=tuple(Row(**row) for row in content["rows"]),
        pairs=tuple(Pair(**pair) for pair in content.get("pairs", [])),
        content=content,
        reported=content.get("reported"),
        choices=tuple(content.get("choices", [])),
        source=source,
    )
    if faults := list(_faults(table)):
        raise KineBenchError("\n".join(f"{source}: {fault}" for fault in faults))
    return table


def _optional(row: dict[str, Any]) -> dict[str, Any]:
    """TOML has no null: a stage that there is not is "none"."""
    return {key: None if value == "none" else value for key, value in row.items()}


def _faults(table: Table) -> list[str]:
    """What a schema cannot say."""
    faults = []
    ids = [row.id for row in table.rows]
    faults += [f"rows: two are called {each!r}" for each in sorted({each for each in ids if ids.count(each) > 1})]
    for training in table.trainings.values():
        if not training.stages:
            faults.append(f"trainings.{training.name}: it has neither stage1 nor stage2")
    for row in table.rows:
        if row.training is None:
            if row.told == "all" or row.stage is not None:
                faults.append(f"rows.{row.id}: told and stage are of a training, and it names none")
        elif row.training not in table.trainings:
            known = ", ".join(table.trainings) or "none"
            faults.append(f"rows.{row.id}: there is no training {row.training!r}; there are {known}")
        elif row.stage is not None and row.stage > (most := len(table.trainings[row.training].stages)):
            faults.append(f"rows.{row.id}: stage {row.stage} of {row.training}, which has {most}")
    for pair in table.pairs:
        faults += [f"pairs: there is no row {each!r}" for each in (pair.first, pair.second) if each not in ids]
        if pair.first == pair.second:
            faults.append(f"pairs: {pair.first} is compared with itself")
    return faults + list(_unreported(table))


def _unreported(table: Table) -> Iterator[str]:
    """What is said to be in the paper, and is not."""
    paper = reported.tables()
    if table.reported is not None and table.reported not in paper:
        yield f"reported: the paper has no table {table.reported!r}, it has {', '.join(paper)}"
        return
    known = paper[table.reported] if table.reported else ()
    for row in table.rows:
        if row.reported is not None and row.reported not in known:
            has = f"{table.reported} of the paper has {', '.join(known)}" if known else "it names no table of the paper"
            yield f"rows.{row.id}: reported: there is no row {row.reported!r}; {has}"
