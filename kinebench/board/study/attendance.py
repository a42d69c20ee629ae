"""Whose answers count: the rule is part of the design, and was fixed before anybody answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kinebench.board.study import order
from kinebench.board.study.answer import Given
from kinebench.board.study.design import CATCH_QUESTION, Design


@dataclass(frozen=True)
class Attendance:
    """The participants, and the answers of those who are counted."""

    kept: tuple[str, ...]
    failed: tuple[str, ...]  # answered too many catch trials wrongly
    left: tuple[str, ...]  # stopped before they had enough catch trials right
    answers: tuple[Given, ...]  # of `kept`, catch trials among them
    differing: int  # answers that were given twice, otherwise: the first counts


def attendance(design: Design, given: Iterable[Given]) -> Attendance:
    """Every answer once, and who passes the catch trials."""
    first: dict[tuple[str, str, str], Given] = {}
    differing = 0
    for each in given:
        differing += first.setdefault(each.place, each).answer != each.answer
    by_participant: dict[str, list[Given]] = {}
    for each in sorted(first.values(), key=lambda one: one.place):
        by_participant.setdefault(each.participant, []).append(each)
    verdicts = {name: _verdict(design, answers) for name, answers in by_participant.items()}
    kept, failed, left = (tuple(_of(verdicts, verdict)) for verdict in ("kept", "failed", "left"))
    counted = tuple(each for name in kept for each in by_participant[name])
    return Attendance(kept, failed, left, counted, differing)


def chosen(design: Design, given: Given) -> str | None:
    """The film that an answer prefers; None: no difference."""
    if given.answer == "same":
        return None
    second = (given.answer == "right") != order.swapped(design.study, given.participant, given.trial)
    return design.trials[given.trial].films[second]


def _verdict(design: Design, answers: Iterable[Given]) -> str:
    caught = [each for each in answers if each.question == CATCH_QUESTION and design.trials[each.trial].right]
    right = sum(chosen(design, each) == design.trials[each.trial].right for each in caught)
    if right >= design.needed:
        return "kept"
    return "failed" if len(caught) - right > len(design.catches) - design.needed else "left"


def _of(verdicts: Mapping[str, str], wanted: str) -> list[str]:
    return [name for name, verdict in verdicts.items() if verdict == wanted]
