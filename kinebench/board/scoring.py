"""A submission's videos, scored by us: `kinebench board score`. Of its statement, only the description is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kinebench.board import result as filing
from kinebench.board import results, screening, submission, validation
from kinebench.board.markdown import SHOWN, place, verdict
from kinebench.board.result import Result
from kinebench.board.season.commitment import is_revealed
from kinebench.board.submission import Submission
from kinebench.board.suite import METRICS_VERSION
from kinebench.board.validation import Group, Report
from kinebench.errors import KineBenchError
from kinebench.metrics import catalogue
from kinebench.metrics.catalogue import Setup
from kinebench.scoring import predictions, scorer
from kinebench.scoring.scorecard import Card, is_season
from kinebench.scoring.truths import open_truths
from kinebench.shards.files import Progress


@dataclass(frozen=True)
class Order:
    """What is to be scored, and where to."""

    submission: Path
    data: Path
    split: str
    results: Path
    films: Path
    workers: int = 1
    device: str = "cpu"  # "auto", "cpu" or "cuda"


@dataclass(frozen=True)
class Scored:
    """What was done."""

    filed: tuple[Path, ...]  # results that were written
    kept: int  # results that were there
    films: int  # films that were written
    unavailable: dict[str, str]  # metrics without a number, and why
    hidden: bool  # of a season: the results are for nobody else until its reveal

    @property
    def said(self) -> list[str]:
        """Lines for people."""
        lines = [f"filed {path}" for path in self.filed]
        if self.kept:
            lines.append(f"{self.kept} results of this submission were there already")
        if not (self.filed or self.films):
            lines.append("nothing to do")
        if self.hidden:
            lines.append("a hidden season: publish no result before its reveal; pages hold means until then")
        lines += [f"not computed: {metric}: {why}" for metric, why in self.unavailable.items()]
        return [*lines, f"{self.films} films written"] if self.films else lines


def score(order: Order, note: Progress) -> Scored:
    """Check a submission, score each of its seeds, file the results and write the films; what is there is kept.

    The numbers are those of `kinebench score SUBMISSION/videos --data DATA`. Raises KineBenchError that lists every
    fault, if it has faults; if another submission has its version; and as the scorer does.
    """
    demand_sound(validation.validate(order.submission, order.data, note))
    given = submission.read(order.submission)
    said = given.statement["dataset"]
    if said["split"] != order.split:
        raise KineBenchError(f"{order.submission} is of split {said['split']}; give --split {said['split']}")
    shards = open_truths(order.data, order.split)
    there = results.kept(order.results, given.statement, given.sha256, METRICS_VERSION)
    seeds = predictions.find(given.videos, shards.keys(order.split)).seeds
    cards, filed = [], []
    for done, seed in enumerate(seeds):
        note("seeds", done, len(seeds))
        result = there[seed] if seed in there and not _can_complete(there[seed].card) else None
        result = result or _result(order, given, seed, note)
        if results.write(order.results, result):
            filed.append(filing.place(order.results, result))
        cards.append(result.card)
    note("seeds", len(seeds), len(seeds))
    written = screening.write(given.videos, shards, cards, order.films, given.statement["method"]["privileged"], note)
    hidden = is_season(cards[0]) and not is_revealed(shards.folder)
    return Scored(tuple(filed), len(seeds) - len(filed), written, _unavailable(cards), hidden)


def demand_sound(report: Report) -> None:
    """Raises KineBenchError that names every error of a submission, by what is to be done about it."""
    if report.errors:
        groups = "\n".join(_listed(group) for group in report.groups if group.level == "error")
        raise KineBenchError(f"{report.folder} was not scored, {verdict(report)}:\n{groups}")


def _listed(group: Group) -> str:
    """What is wrong, where, and what to do."""
    places: dict[str, list[str]] = {}
    for fault in group.faults:
        places.setdefault(fault.what, []).append(place(fault))
    lines = [f"  {what}{_where([each for each in found if each])}" for what, found in places.items()]
    return "\n".join([*lines, f"    to do: {group.remedy}"])


def _where(places: Sequence[str]) -> str:
    more = f"; and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return f": {'; '.join(places[:SHOWN])}{more}" if places else ""


def _result(order: Order, given: Submission, seed: int, note: Progress) -> Result:
    setup = Setup(device=order.device)
    card = scorer.score(given.videos, order.data, order.split, (), setup, order.workers, None, note, seed)
    return Result(given.statement, given.sha256, METRICS_VERSION, seed, card)


def _can_complete(card: Card) -> bool:
    """Whether a metric that it lacks has its weights here by now."""
    meters, _ = catalogue.choose((), Setup())
    lacking = {card["metrics"][name]["meter"] for name in card["unavailable"]}
    return any(catalogue.can_run(meter) for meter in meters if meter.name in lacking & {*catalogue.NETWORKS})


def _unavailable(cards: Sequence[Card]) -> dict[str, str]:
    return {metric: why for card in cards for metric, why in card["unavailable"].items()}
