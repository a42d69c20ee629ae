"""Every row of a table against every other in one column, paired by what both have.

The test is Student's t over the clips' differences. What the board prints is a mean, so that is what must be compared:
Wilcoxon's test asks for differences that are symmetric about zero, and calls two methods of equal means different where
one gains much on few clips and loses little on many.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.ablations.significance import holm
from kinebench.errors import require
from kinebench.metrics.resampling import CONFIDENCE, standard_errors

LEVEL = 1 - CONFIDENCE
"""Below it, a corrected p says that two rows differ."""
EVERY = 40
"""Rows of one track of which all pairs are kept: 780. Of 200 rows there would be 19,900 in each column."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Comparisons:
    """All pairs of R rows in one column: [i, j] is of row i minus row j."""

    difference: Matrix  # (R, R)
    reach: Matrix  # (R, R), half of the 95 % interval of this pair alone; NaN where there is none
    p: Matrix  # (R, R), two-sided and of this pair alone; NaN where there is no test

    def corrected(self, tested: NDArray[np.bool_]) -> Matrix:
        """Holm's p (R, R) over the pairs (i, j) that are tested, a symmetric table; NaN elsewhere."""
        rows, columns = np.nonzero(np.triu(tested, 1) & ~np.isnan(self.p))
        found = holm(self.p[rows, columns].tolist())
        table = np.full_like(self.p, np.nan)
        table[rows, columns] = table[columns, rows] = np.array(found, dtype=np.float64)
        return table


def of_means(values: Matrix) -> Comparisons:
    """Rows (R, C) of clips' means, NaN where a clip has none: over the clips that both rows have."""

    def against(first: int) -> tuple[Matrix, Matrix, Matrix]:
        apart = values[first] - values[first + 1 :]
        there = ~np.isnan(apart)
        count = there.sum(axis=1).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(there, apart, 0.0).sum(axis=1) / count
            spread = np.where(there, apart - mean[:, None], 0.0)
            error = np.sqrt((spread**2).sum(axis=1) / (count - 1) / count)
        return mean, error, count

    return _all_pairs(len(values), against)


def of_distances(values: NDArray[np.float64], left_out: Matrix, clips: int) -> Comparisons:
    """Distances between sets (R,), and each without each group of clips (R, G), by the jackknife."""

    def against(first: int) -> tuple[Matrix, Matrix, Matrix]:
        apart = values[first] - values[first + 1 :]
        error = standard_errors(apart, left_out[first] - left_out[first + 1 :], clips)
        return apart, error, np.full(len(apart), float(left_out.shape[1]))

    return _all_pairs(len(values), against)


def _all_pairs(rows: int, against: Callable[[int], tuple[Matrix, Matrix, Matrix]]) -> Comparisons:
    """`against(i)` is the difference of row i to each later row, its standard error, and of how many units it is."""
    difference, error = np.zeros((rows, rows)), np.full((rows, rows), np.nan)
    count = np.zeros((rows, rows))
    for first in range(rows - 1):
        later = slice(first + 1, rows)
        difference[first, later], error[first, later], count[first, later] = against(first)
    special: Any = require("scipy.special", "score")
    above = np.triu_indices(rows, 1)
    p, reach = np.full((rows, rows), np.nan), np.full((rows, rows), np.nan)
    p[above], reach[above] = _t(special, difference[above], error[above], count[above])
    p.T[above], reach.T[above] = p[above], reach[above]
    return Comparisons(difference - difference.T, reach, p)


def _t(special: Any, difference: Matrix, error: Matrix, count: Matrix) -> tuple[Matrix, Matrix]:
    """The p and half the interval; NaN for fewer than two units.

    However alike n differences are, their signs alone say no more than 2^(1 - n): without that floor, two clips that
    happen to differ equally would be a proof.
    """
    freedom = np.where(count >= 2, count - 1, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(difference == 0, 0.0, np.abs(difference) / error)
        p = np.maximum(2 * special.stdtr(freedom, -t), 2.0 ** (1 - count))
    reach = special.stdtrit(freedom, (1 + CONFIDENCE) / 2) * error
    alone = np.isnan(freedom)
    return np.where(alone, np.nan, p), np.where(alone, np.nan, reach)


def shown(order: Sequence[int], best: int) -> list[tuple[int, int]]:
    """The pairs that pages may show: all of up to `EVERY` rows; else neighbours in order of value, the best with each.

    The row of better value comes first.
    """
    if len(order) <= EVERY:
        return list(combinations(order, 2))
    place = {row: number for number, row in enumerate(order)}
    pairs = set(pairwise(order))
    pairs |= {(min(best, row, key=place.__getitem__), max(best, row, key=place.__getitem__)) for row in order}
    return sorted((pair for pair in pairs if pair[0] != pair[1]), key=lambda pair: (place[pair[0]], place[pair[1]]))
