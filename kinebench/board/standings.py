"""Results to tables: what may be compared stands in one table, and nothing else does."""

import hashlib
import json
import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from kinebench.board import columns, reference
from kinebench.board.entry import Entry, entries
from kinebench.board.result import Result
from kinebench.board.standing import Board, Number, Row, Standing
from kinebench.errors import KineBenchError
from kinebench.scoring.comparison import other_truth
from kinebench.scoring.scorecard import Card, is_season


def standings(results: Sequence[Result], opened: Collection[str] = ()) -> Board:
    """A table for each dataset, version, split and version of the metrics, and after them those of the paper.

    Of a season that is not among the `opened`, such as `interactions-2026-autumn@1.0.0`, scores of single clips are
    withheld.

    Raises KineBenchError, naming two results, if one name stands for different ground truths.
    """
    splits: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        dataset = result.card["dataset"]
        splits.setdefault((dataset["name"], dataset["version"], dataset["split"]), []).append(result)
    found = []
    for of_split in splits.values():
        _demand_one_truth(of_split)
        for version in {result.metrics_version for result in of_split}:
            found.append(_standing([one for one in of_split if one.metrics_version == version], version, opened))
    return Board((*sorted(found, key=_order), *reference.standings()))


def _order(standing: Standing) -> tuple[Any, ...]:
    """By dataset and split, what is new first."""
    numbers = [-int(part) for part in re.findall(r"\d+", standing.version)]
    return standing.dataset, standing.split, numbers, standing.version, -(standing.metrics_version or 0)


def _demand_one_truth(results: Sequence[Result]) -> None:
    first = results[0]
    for other in results[1:]:
        if unlike := _unlike(first.card, other.card):
            one, two = (f"{result.method} {result.revision}, seed {result.seed}" for result in (first, other))
            raise KineBenchError(
                f"{first.dataset} is not the same data in all results: {one} and {two} differ in {unlike}; "
                "score one of them again with --data of the other, or give changed data another version"
            )


def _unlike(first: Card, second: Card) -> str | None:
    if unlike := next(other_truth(first, second), None):
        return unlike
    if first["clips"].keys() == second["clips"].keys():
        return None
    odd = min(first["clips"].keys() ^ second["clips"].keys())
    return f"clips: {len(first['clips'])} and {len(second['clips'])}, and {odd} is in one of them"


def _standing(results: Sequence[Result], version: int, opened: Collection[str]) -> Standing:
    found = entries(results)
    card = found[0].first.card
    hidden = is_season(card) and found[0].first.dataset not in opened
    truths = {key: card["clips"][key]["truth"] for key in sorted(card["clips"])}
    seed = hashlib.sha256(json.dumps(truths).encode()).digest()  # whoever else is in the table
    measured = columns.measure(found, np.random.default_rng(list(seed)))
    judged = [columns.ranked(one, found) for one in measured]
    numbers = [
        {one.column.name: ranks[row] for one, (ranks, _) in zip(measured, judged, strict=True)}
        for row in range(len(found))
    ]
    return Standing(
        dataset=card["dataset"]["name"],
        version=card["dataset"]["version"],
        split=card["dataset"]["split"],
        metrics_version=version,
        columns=tuple(one.column for one in measured),
        rows=tuple(
            _row(entry, own, {} if hidden else columns.samples(measured, row))
            for row, (entry, own) in enumerate(zip(found, numbers, strict=True))
        ),
        clips=tuple(truths),
        truths=tuple(truths.values()),
        fps=_fps(card),
        frames=card["sampling"]["clip_frames"],
        pairs=tuple(pair for _, pairs in judged for pair in pairs),
        hidden=hidden,
    )


def _row(entry: Entry, numbers: dict[str, Number], samples: Any) -> Row:
    first = entry.first
    return Row(
        method=first.method,
        revision=first.revision,
        track=entry.track,
        title=str(first.statement["method"]["title"]),
        seeds=tuple(result.seed for result in entry.results),
        numbers=numbers,
        statement=first.statement,
        samples=samples,
        films={result.seed: _videos(result) for result in entry.results},
        shown=tuple(first.card["sampling"]["truth_frames"]),
        withdrawn=first.withdrawn,
    )


def _videos(result: Result) -> tuple[str | None, ...]:
    clips = result.card["clips"]
    return tuple(clips[key]["predictions"][str(result.seed)]["sha256"] for key in sorted(clips))


def _fps(card: Card) -> float:
    """Of the clips; the card has that of the frames that were compared."""
    shown = card["sampling"]["truth_frames"]
    fps = float(card["sampling"]["fps"])
    return fps * (shown[-1] - shown[0]) / (len(shown) - 1) if len(shown) > 1 else fps
