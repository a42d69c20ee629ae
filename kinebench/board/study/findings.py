"""What a study found: shares, strengths and agreement, a table for each question."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.board.study import davidson, order, resample
from kinebench.board.study.agreement import alpha
from kinebench.board.study.answer import Given
from kinebench.board.study.attendance import attendance
from kinebench.board.study.ballots import FIRST, SAME, SECOND, Ballots, ballots
from kinebench.board.study.design import QUESTIONS, Design


@dataclass(frozen=True)
class Share:
    """Of the answers to one pair, with its 95 % interval over participants; None where there is none."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Preference:
    """What was said of two methods."""

    first: str
    second: str
    answers: int
    prefers_first: Share
    no_difference: Share
    prefers_second: Share


@dataclass(frozen=True)
class Strength:
    """A method's strength in logits, 0 the mean of all, with its 95 % interval over participants."""

    method: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Finding:
    """Of one question."""

    question: str
    text: str
    preferences: tuple[Preference, ...]
    strengths: tuple[Strength, ...]  # the best first; empty where there is no common scale
    nu: float | None  # weight of "no difference" between equals, of 1 for either
    alpha: float | None  # Krippendorff's
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """Of a study."""

    study: str
    methods: tuple[str, ...]
    groups: int
    catch_trials: int
    right_needed: int
    kept: tuple[str, ...]
    failed: tuple[str, ...]
    left: tuple[str, ...]
    by_group: tuple[int, ...]  # participants that are counted
    answers: int
    differing: int
    findings: tuple[Finding, ...]


def findings(design: Design, given: Iterable[Given]) -> Findings:
    """Everything, of all answers that were given. The same answers give the same numbers."""
    there = attendance(design, given)
    votes = ballots(design, there)
    told = resample.content((design.study, *there.answers))
    drawn = resample.weights(votes.participants, told) if votes.participants > 1 else None
    groups = [order.group(design.study, name, design.groups) for name in there.kept]
    return Findings(
        design.study,
        design.methods,
        design.groups,
        len(design.catches),
        design.needed,
        there.kept,
        there.failed,
        there.left,
        tuple(groups.count(number) for number in range(design.groups)),
        int(votes.counts.sum()),
        there.differing,
        tuple(_finding(votes, row, name, text, drawn) for row, (name, text) in enumerate(QUESTIONS.items())),
    )


def _finding(votes: Ballots, row: int, name: str, text: str, drawn: NDArray[np.float64] | None) -> Finding:
    counts = votes.counts[:, row]
    whole = counts.sum(axis=0)
    resampled = None if drawn is None else resample.totals(drawn, counts)
    preferences = tuple(
        _preference(votes, place, whole[place], counts[:, place], None if resampled is None else resampled[:, place])
        for place in range(len(votes.pairs))
    )
    strengths, nu, notes = _strengths(votes, whole, resampled)
    return Finding(name, text, preferences, strengths, nu, alpha(votes.trials[row]), notes)


def _preference(
    votes: Ballots,
    place: int,
    whole: NDArray[np.float64],
    counts: NDArray[np.float64],
    resampled: NDArray[np.float64] | None,
) -> Preference:
    first, second = (votes.methods[each] for each in votes.pairs[place])
    many = (counts.sum(axis=1) > 0).sum() > 1  # of one participant nobody knows what others say
    shares = [_share(whole, resampled if many else None, outcome) for outcome in (FIRST, SAME, SECOND)]
    return Preference(first, second, int(whole.sum()), *shares)


def _share(whole: NDArray[np.float64], resampled: NDArray[np.float64] | None, outcome: int) -> Share:
    if whole.sum() == 0:
        return Share(None, None, None)
    value = float(whole[outcome] / whole.sum())
    if resampled is None:
        return Share(value, None, None)
    asked = resampled.sum(axis=1)
    shares = np.divide(resampled[:, outcome], asked, out=np.full(len(asked), np.nan), where=asked > 0)
    low, high = resample.ends(shares) or (None, None)
    return Share(value, low, high)


def _strengths(
    votes: Ballots, whole: NDArray[np.float64], resampled: NDArray[np.float64] | None
) -> tuple[tuple[Strength, ...], float | None, tuple[str, ...]]:
    names, count = votes.methods, len(votes.methods)
    if whole.sum() == 0:
        return (), None, ("nobody answered",)
    parts = davidson.components(whole, votes.pairs, count)
    if len(parts) > 1:
        listed = "; ".join(", ".join(names[each] for each in part) for part in parts)
        return (), None, (f"no strengths: nobody compared these with each other: {listed}",)
    apart = davidson.unbounded(whole, votes.pairs, count)
    point = davidson.fit(whole[None], votes.pairs, count)
    ends: list[tuple[float, float] | None] = [None] * count
    if resampled is not None and not apart:
        spread = davidson.fit(resampled, votes.pairs, count).strengths
        ends = [resample.ends(spread[:, method]) for method in range(count)]
    rows = [Strength(name, float(point.strengths[0, i]), *(ends[i] or (None, None))) for i, name in enumerate(names)]
    notes = [f"no answer prefers {names[j]} to {names[i]}, directly or through others" for i, j in apart]
    if apart:
        notes.append("the answers set no bound to these differences: the strengths are held finite by a weak prior")
    nu = float(np.exp(point.log_nu[0])) if whole[:, SAME].sum() else 0.0
    return tuple(sorted(rows, key=lambda row: -row.value)), nu, tuple(notes)
