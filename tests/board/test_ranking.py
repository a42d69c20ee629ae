"""Rank intervals hold the true ranks, and groups begin where they say."""

import numpy as np

from kinebench.board.comparisons import LEVEL, of_means
from kinebench.board.ranking import rank_intervals, tied


def better(pairs, count):
    table = np.zeros((count, count), bool)
    for one, two in pairs:
        table[one, two] = True
    return table


def test_ranks_by_hand():
    """Row 0 beats 2 and 3, and 1 beats 3."""
    table = better([(0, 2), (0, 3), (1, 3)], 4)
    assert rank_intervals(table) == [(1, 2), (1, 3), (2, 4), (3, 4)]
    assert rank_intervals(better([], 3)) == [(1, 3)] * 3
    assert rank_intervals(better([], 1)) == [(1, 1)]


def test_a_group_ends_where_its_best_is_clearly_better():
    """Row 2 is worse than 0, but not than 1: groups are counted from their best, not from neighbour to neighbour."""
    table = better([(0, 2), (0, 3), (1, 3)], 4)
    assert tied([0, 1, 2, 3], table) == {0: 1, 1: 1, 2: 2, 3: 2}
    assert tied([1, 0], better([], 2)) == {1: 1, 0: 1}
    assert tied([], better([], 2)) == {}


def test_all_true_ranks_are_inside_in_19_sets_of_20():
    """Of eight methods, some alike, some near and some far; skew clips that all share, and errors of their own."""
    draw, sets, clips = np.random.default_rng(7), 500, 100
    means = np.array([0.0, 0.0, 0.0, 0.1, 0.2, 0.5, 0.5, 1.0])
    least = 1 + (means[None, :] > means[:, None]).sum(axis=1)
    most = len(means) - (means[None, :] < means[:, None]).sum(axis=1)
    inside, told_apart = 0, 0
    for _ in range(sets):
        shared = 2 * draw.standard_normal(clips)
        values = means[:, None] + shared + 0.5 * (draw.exponential(1, (len(means), clips)) - 1)
        found = of_means(values)
        table = (found.corrected(np.ones((8, 8), bool)) < LEVEL) & (found.difference > 0)
        ranks = rank_intervals(table)
        inside += all(low <= a and b <= high for (low, high), a, b in zip(ranks, least, most, strict=True))
        told_apart += ranks[7] == (1, 1)
    assert inside / sets >= 0.95
    assert told_apart / sets > 0.95, "and they are of use"
