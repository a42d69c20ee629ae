"""A row before any statistics: a method's revision with all its seeds, and what it has in each column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.board.result import Result
from kinebench.board.standing import Track
from kinebench.errors import KineBenchError
from kinebench.scoring.comparison import frames_compared, other_setup
from kinebench.scoring.scorecard import Card
from kinebench.scoring.summary import Distances

TABLES = {"clip": "clips", "group": "groups"}


@dataclass(frozen=True)
class Entry:
    """The results of one submission, one for each seed, in their order."""

    results: tuple[Result, ...]

    @property
    def cards(self) -> tuple[Card, ...]:
        """One of each seed."""
        return tuple(result.card for result in self.results)

    @property
    def first(self) -> Result:
        """Any of them, for what all say alike."""
        return self.results[0]

    @property
    def track(self) -> Track:
        """Privileged if the statement or what ran says so."""
        told = bool(self.first.statement["method"]["privileged"])
        ran = any((card["method"] or {}).get("privileged") for card in self.cards)
        return "privileged" if told or ran else "open"

    @property
    def anchor(self) -> bool:
        """Whether it is there to say what a number is worth: it has no rank."""
        return bool(self.first.statement["method"]["kind"] == "anchor")

    def reason(self, metric: str) -> str | None:
        """Why it has no number, if some seed has none, or not all were computed alike."""
        for result in self.results:
            if metric not in result.card["summaries"]:
                why = result.card["unavailable"].get(metric, "was not computed; score it again")
                return str(why) if len(self.results) == 1 else f"seed {result.seed}: {why}"
        if unlike := next((found for card in self.cards[1:] for found in self.unlike(metric, card)), None):
            return f"its seeds were computed otherwise: {unlike}; score them again"
        return None

    def unlike(self, metric: str, other: Card) -> Iterator[str]:
        """What tells the setup of a metric from that in another scorecard; what is unlike has no common table."""
        mine = self.first.card
        one, two = (card["metrics"][metric] for card in (mine, other))
        if one["version"] != two["version"]:
            yield f"{metric}, version: {one['version']} and {two['version']}"
        yield from other_setup(one["meter"], mine["meters"][one["meter"]], other["meters"][two["meter"]])
        if one["scope"] == "set" and mine["sampling"]["truth_frames"] != other["sampling"]["truth_frames"]:
            yield f"sets of {frames_compared(mine)} and of {frames_compared(other)} have no common distance"

    def means(self, metric: str, table: str) -> NDArray[np.float64]:
        """Of each clip or group (U,), the mean over the seeds that have a value; NaN where none has."""
        found = np.array([_values(result.card[table], result.seed, metric) for result in self.results], np.float64)
        there = ~np.isnan(found)
        count = there.sum(axis=0)
        return np.where(count, np.where(there, found, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)

    def distances(self, metric: str) -> Distances:
        """Between sets, of all seeds together: as if they had been scored at once."""
        kept = [card["sets"][metric] for card in self.cards]
        by_seed = {seed: value for one in kept for seed, value in one["values"].items()}
        lengths = {len(one["jackknife"]) for one in kept}
        left_out = np.mean([one["jackknife"] for one in kept], axis=0).tolist() if len(lengths) == 1 else []
        return Distances(by_seed, tuple(left_out), self.first.card["summaries"][metric]["n"])


def _values(table: Mapping[str, Any], seed: int, metric: str) -> list[float]:
    """By clip or group, in order of their names; NaN where there is nothing to measure."""
    cells = (table[key]["predictions"][str(seed)] for key in sorted(table))
    found = (cell.get("values", cell).get(metric) for cell in cells)
    return [np.nan if value is None else value for value in found]


def entries(results: Sequence[Result]) -> list[Entry]:
    """The rows of results of one table: by track, method and revision; seeds rising.

    Raises KineBenchError if a row's results are of two submissions, show other frames, or one seed is there twice.
    """
    rows: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        rows.setdefault((result.method, result.revision), []).append(result)
    found = [Entry(tuple(sorted(row, key=lambda one: one.seed))) for row in rows.values()]
    for entry in found:
        _check(entry)
    return sorted(found, key=lambda one: (one.track, one.first.method, one.first.revision))


def _check(entry: Entry) -> None:
    name = f"{entry.first.method} {entry.first.revision} on {entry.first.dataset}"
    seeds = [result.seed for result in entry.results]
    if len({result.submission_sha256 for result in entry.results}) > 1:
        raise KineBenchError(f"the seeds of {name} are of different submissions; keep one, and score it again")
    if len(set(seeds)) < len(seeds):
        raise KineBenchError(f"{name} has a seed twice, of {seeds}; keep one result of each")
    if len({tuple(card["sampling"]["truth_frames"]) for card in entry.cards}) > 1:
        raise KineBenchError(
            f"the seeds of {name} show other frames of the clips: they make no mean; submit them apart"
        )
