"""What the rank of a row may be, given which rows can be told apart.

Two rows are told apart at once with all others of their table (Holm), so that with a probability of 95 % no row is
called better than one that is not worse, and then every true rank lies in its interval (Klein, Wright and Wieczorek
2020; Mogstad, Romano, Shaikh and Wilhelm 2024).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def rank_intervals(better: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """By row, the least and the greatest rank; `better` (R, R) is whether row i is significantly better than row j.

    One more than the rows that are better, up to all but the rows that are worse.
    """
    count = len(better)
    ahead, behind = better.sum(axis=0).tolist(), better.sum(axis=1).tolist()
    return [(1 + before, count - after) for before, after in zip(ahead, behind, strict=True)]


def tied(order: Sequence[int], better: NDArray[np.bool_]) -> dict[int, int]:
    """By row, its group: a new one begins where a row is significantly worse than the best row of the last.

    `order` is of the rows, by value, the best first.
    """
    groups: dict[int, int] = {}
    number, best = 0, None
    for row in order:
        if best is None or better[best, row]:
            number, best = number + 1, row
        groups[row] = number
    return groups
