"""Answers as counts: what each participant said of each pair of methods, and of each trial."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kinebench.board.study.attendance import Attendance, chosen
from kinebench.board.study.design import QUESTIONS, Design

FIRST, SAME, SECOND = range(3)
"""Outcomes of a pair, in the order of the methods' names."""


@dataclass(frozen=True)
class Ballots:
    """P participants, Q questions, pairs of methods, three outcomes."""

    methods: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]  # places of the methods
    counts: NDArray[np.float64]  # (P, Q, pairs, 3) answers
    trials: NDArray[np.float64]  # (Q, trials, 3) answers; here the first film is the one whose drawn name is first

    @property
    def participants(self) -> int:
        """P."""
        return len(self.counts)


def ballots(design: Design, there: Attendance) -> Ballots:
    """Counts of the answers that count, without those to catch trials."""
    pairs = tuple(combinations(range(len(design.methods)), 2))
    places = {(design.methods[i], design.methods[j]): number for number, (i, j) in enumerate(pairs)}
    asked = {name: row for row, name in enumerate(n for n, trial in design.trials.items() if trial.right is None)}
    people = {name: row for row, name in enumerate(there.kept)}
    questions = {name: row for row, name in enumerate(QUESTIONS)}
    counts = np.zeros((len(people), len(questions), len(pairs), 3))
    trials = np.zeros((len(questions), len(asked), 3))
    for each in there.answers:
        if each.trial not in asked:
            continue
        one, two = sorted((str(design.films[film].of), film) for film in design.trials[each.trial].films)
        film, question = chosen(design, each), questions[each.question]
        outcome = {one[1]: FIRST, None: SAME, two[1]: SECOND}
        counts[people[each.participant], question, places[one[0], two[0]], outcome[film]] += 1
        drawn = dict(zip((*design.trials[each.trial].films, None), (FIRST, SECOND, SAME), strict=True))
        trials[question, asked[each.trial], drawn[film]] += 1
    return Ballots(design.methods, pairs, counts, trials)
