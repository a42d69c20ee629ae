"""All pairs at once are what scipy says of each, and say no more than they may."""

import numpy as np
import pytest
from scipy import stats

from kinebench.ablations.significance import holm
from kinebench.board.comparisons import LEVEL, of_distances, of_means, shown
from kinebench.metrics.resampling import Jackknife, paired_jackknife


def rng(seed=0):
    return np.random.default_rng(seed)


def test_means_are_compared_as_scipy_does():
    values = rng().normal(size=(6, 30)) + rng(1).normal(size=30) * 5
    values[1, :7] = np.nan
    values[4, 5:15] = np.nan
    found = of_means(values)
    for one in range(6):
        for two in range(6):
            if one == two:
                continue
            both = ~np.isnan(values[one]) & ~np.isnan(values[two])
            said = stats.ttest_rel(values[one, both], values[two, both])
            assert found.p[one, two] == pytest.approx(said.pvalue, rel=1e-9)
            sure = said.confidence_interval(0.95)
            assert found.difference[one, two] - found.reach[one, two] == pytest.approx(sure.low)
            assert found.difference[one, two] + found.reach[one, two] == pytest.approx(sure.high)


def test_distances_are_compared_by_the_paired_jackknife():
    draw = rng(2)
    value, left_out = draw.normal(300, 40, 4), draw.normal(300, 40, (4, 20))
    found = of_distances(value, left_out, 107)
    for one, two in ((0, 1), (3, 2)):
        pair = [Jackknife(value[row], tuple(left_out[row]), 107) for row in (one, two)]
        said = paired_jackknife(*pair)
        assert found.difference[one, two] == pytest.approx(said.value)
        assert found.difference[one, two] + found.reach[one, two] == pytest.approx(said.interval.high)
        t = abs(said.value) / said.standard_error
        assert found.p[one, two] == pytest.approx(2 * stats.t.sf(t, 19))


def test_a_row_and_its_copy_do_not_differ():
    values = np.repeat(rng(3).lognormal(5, 2, (1, 40)), 2, axis=0)
    found = of_means(values)
    assert (found.difference[0, 1], found.p[0, 1], found.reach[0, 1]) == (0, 1, 0)
    same = of_distances(np.array([7.0, 7.0]), np.repeat(rng(4).normal(size=(1, 20)), 2, axis=0), 100)
    assert same.p[0, 1] == 1


@pytest.mark.parametrize("clips", [2, 3, 5, 20])
def test_differences_that_are_all_alike_are_no_proof_of_themselves(clips):
    """The signs of n differences have 2^n ways to fall; the t of differences without spread is infinite."""
    found = of_means(np.array([[1.0] * clips, [0.0] * clips]))
    assert found.p[0, 1] == 2.0 ** (1 - clips)
    nearly = of_means(np.array([1 + 1e-15 * np.arange(clips), np.zeros(clips)]))
    assert nearly.p[0, 1] == 2.0 ** (1 - clips)


def test_one_clip_is_no_test():
    found = of_means(np.array([[1.0, np.nan, 3.0], [2.0, 5.0, np.nan]]))
    assert np.isnan(found.p[0, 1]) and np.isnan(found.reach[0, 1])
    assert found.difference[0, 1] == -1
    without = of_distances(np.array([1.0, 2.0]), np.full((2, 2), np.nan), 3)
    assert np.isnan(without.p[0, 1])
    assert of_means(np.ones((1, 5))).p.shape == (1, 1)


def test_only_what_is_tested_is_corrected_for():
    values = rng(5).normal(size=(5, 40)) + np.arange(5)[:, None] * 0.3
    found = of_means(values)
    able = np.array([True, True, False, True, False])
    p = found.corrected(able[:, None] & able[None, :])
    pairs = [(0, 1), (0, 3), (1, 3)]
    assert [p[pair] for pair in pairs] == pytest.approx(holm([found.p[pair] for pair in pairs]))
    assert np.isnan(p[2]).all() and np.isnan(p[:, 4]).all()
    assert (p[1, 0], p[3, 1]) == (p[0, 1], p[1, 3])


def test_t_keeps_its_level_where_differences_are_skew_and_wilcoxon_does_not():
    """Both methods have the same mean: one gains much on few clips and loses little on many."""
    draw, sets, clips = rng(6), 2000, 100
    apart = draw.exponential(1, (sets, clips)) - 1
    t = [of_means(np.array([row, np.zeros(clips)])).p[0, 1] for row in apart]
    assert 0.03 <= np.mean(np.array(t) < LEVEL) <= 0.07
    wilcoxon = stats.wilcoxon(apart, axis=1).pvalue
    assert np.mean(wilcoxon < LEVEL) > 0.2


def test_pages_show_all_pairs_of_some_rows_and_neighbours_and_the_best_with_each_of_many():
    assert shown([4, 2, 7], 2) == [(4, 2), (4, 7), (2, 7)]
    many = [*range(0, 50, 2), *range(1, 50, 2)]
    found = shown(many, 2)
    assert found[:4] == [(0, 2), (2, 4), (2, 6), (2, 8)] and (49, 47) not in found and (47, 49) in found
    assert len(found) == 49 + 47
    assert shown([3], 3) == []
    assert len(shown(range(200), 0)) == 199 + 198
