"""Intervals cover what they should as often as they should."""

import numpy as np
import pytest
from scipy import stats

from kinebench.errors import KineBenchError
from kinebench.metrics.frechet import frechet_distance
from kinebench.metrics.resampling import (
    Jackknife,
    bootstrap,
    bootstrap_columns,
    groups,
    jackknife,
    paired_bootstrap,
    paired_jackknife,
)


def keys(count):
    return [f"toys_test_{i:06d}" for i in range(count)]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("seeds", "within"), [(1, 1.0), (3, 1.0), (3, 10.0)])
def test_bootstrap_covers_the_mean_19_times_of_20(seeds, within):
    """Also where all spread is between a clip's seeds: drawing seeds too would cover 99 times of 100."""
    draw, hits = rng(seeds), 0
    for _ in range(400):
        values = draw.normal(0, 1, (60, 1)) + draw.normal(0, within, (60, seeds))
        interval = bootstrap(values, draw, resamples=500)
        hits += interval.low <= 0 <= interval.high
    assert 0.91 <= hits / 400 <= 0.975


def between(scene, seed, seeds, draw, sets=1000, clips=100):
    """Sets (sets, clips, seeds) of values around 0, with these spreads of scenes and of seeds within."""
    return scene * draw.standard_normal((sets, clips, 1)) + seed * draw.standard_normal((sets, clips, seeds))


@pytest.mark.parametrize(("seeds", "scene", "seed"), [(1, 1.0, 1.0), (3, 1.0, 1.0), (3, 0.1, 1.0)])
def test_columns_cover_the_mean_19_times_of_20(seeds, scene, seed):
    draw = rng(3)
    low, high = bootstrap_columns(between(scene, seed, seeds, draw).mean(axis=2).T, draw, resamples=4000)
    assert 0.93 <= np.mean((low <= 0) & (high >= 0)) <= 0.97


def test_drawing_seeds_as_well_counts_them_twice():
    """Scenes with replacement, and in each its seeds with replacement: intervals that are a quarter too wide."""
    draw, clips, seeds, resamples = rng(4), 100, 3, 3000
    values = between(0.1, 1.0, seeds, draw)
    scene = draw.integers(0, clips, (resamples, clips, 1))
    place = scene * seeds + draw.integers(0, seeds, (resamples, clips, seeds))
    flat = (place.reshape(resamples, -1) + clips * seeds * np.arange(resamples)[:, None]).ravel()
    times = np.bincount(flat, minlength=resamples * clips * seeds).reshape(resamples, -1)
    means = values.reshape(len(values), -1) @ times.T / (clips * seeds)
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    assert np.mean((low <= 0) & (high >= 0)) >= 0.98


def test_columns_are_what_each_would_be_alone():
    values = rng(5).normal(size=(40, 3))
    low, high = bootstrap_columns(values, rng(6))
    for column in range(3):
        alone = bootstrap([[value] for value in values[:, column]], rng(6))
        assert (low[column], high[column]) == pytest.approx((alone.low, alone.high))


def test_clips_without_a_value_are_in_no_mean():
    values = rng(7).normal(5, 1, (60, 4))
    values[:40, 1] = np.nan
    values[1:, 2] = np.nan
    values[2:, 3] = np.nan
    low, high = bootstrap_columns(values, rng(8))
    theirs = values[40:, 1]
    reach = 1.96 * theirs.std() / np.sqrt(20)
    assert (low[1], high[1]) == pytest.approx((theirs.mean() - reach, theirs.mean() + reach), abs=0.2 * reach)
    assert np.isnan(low[2]) and np.isnan(high[2]), "one clip has no interval"
    assert (low[3], high[3]) == pytest.approx((values[:2, 3].min(), values[:2, 3].max()))
    assert np.isnan(bootstrap_columns(values[:1], rng(9))).all()


def test_bootstrap_is_as_wide_as_theory_says():
    values = rng(1).normal(5, 2, 400)
    interval = bootstrap([[value] for value in values], rng(2))
    assert interval.value == pytest.approx(values.mean())
    reach = 1.96 * values.std() / np.sqrt(len(values))
    assert interval.high - interval.value == pytest.approx(reach, rel=0.05)
    assert interval.value - interval.low == pytest.approx(reach, rel=0.05)


def test_clips_count_alike_however_many_seeds_they_have():
    assert bootstrap([[1.0], [3.0, 5.0, 7.0]], rng()).value == 3


def test_the_same_generator_draws_the_same_interval():
    values = [[value] for value in rng(3).normal(size=700)]
    assert bootstrap(values, rng(4), resamples=1234) == bootstrap(values, rng(4), resamples=1234)
    assert bootstrap(values, rng(4)) != bootstrap(values, rng(5))


def test_pairing_removes_what_clips_have_in_common():
    hard = rng(6).normal(0, 10, 50)
    a = [[value + 1] for value in hard]
    b = [[value + noise, value + noise] for value, noise in zip(hard, rng(7).normal(0, 0.1, 50), strict=True)]
    interval = paired_bootstrap(a, b, rng(8))
    assert 0.9 < interval.low < interval.value < interval.high < 1.1
    swapped = paired_bootstrap(b, a, rng(8))
    assert (swapped.low, swapped.high) == pytest.approx((-interval.high, -interval.low))


@pytest.mark.parametrize("rows", [[], [[1.0]], [[1.0], []], [[1.0], [np.nan]]])
def test_bootstrap_of_too_little_is_refused(rows):
    with pytest.raises(KineBenchError, match="two clips or more, each with a finite value"):
        bootstrap(rows, rng())


@pytest.mark.parametrize("count", [2, 19, 20, 23, 100])
def test_every_clip_is_left_out_once(count):
    parts = groups(keys(count))
    assert len(parts) == min(20, count)
    assert sorted(place for part in parts for place in part) == list(range(count))
    assert {len(part) for part in parts} <= {count // len(parts), -(-count // len(parts))}


def test_groups_are_runs_of_sorted_keys_whatever_the_order_of_the_clips():
    shuffled = [keys(45)[i] for i in rng(9).permutation(45)]
    named = [[shuffled[place] for place in part] for part in groups(shuffled)]
    assert [key for part in named for key in part] == keys(45)
    assert named == [[keys(45)[place] for place in part] for part in groups(keys(45))]


def test_jackknife_of_a_mean_is_its_textbook_error():
    values = rng(10).normal(size=20)
    found = jackknife(lambda kept: float(values[kept].mean()), keys(20))
    assert found.value == pytest.approx(values.mean())
    assert found.standard_error == pytest.approx(stats.sem(values))
    low, high = stats.t.interval(0.95, 19, values.mean(), stats.sem(values))
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high))


def test_unequal_groups_do_not_bias_the_error():
    errors = []
    for seed in range(300):
        values = rng(seed).normal(size=29)
        errors.append(jackknife(lambda kept: float(values[kept].mean()), keys(29)).standard_error ** 2)  # noqa: B023
    assert np.mean(errors) == pytest.approx(1 / 29, rel=0.05)


def test_a_bias_that_falls_with_n_is_not_taken_for_spread():
    found = jackknife(lambda kept: 5 + 1000 / len(kept), keys(23))
    assert found.standard_error == pytest.approx(0, abs=1e-9)


def test_the_frechet_distance_s_interval_covers_the_known_distance():
    """Two Gaussians a distance of 1 apart, of enough clips that the bias is small."""
    draw, sets, clips, hits = rng(5), 500, 200, 0
    for _ in range(sets):
        truth, made = draw.standard_normal((2, clips, 2)) + np.array([[[0, 0]], [[1, 0]]])
        interval = jackknife(lambda kept: frechet_distance(truth[kept], made[kept]), keys(clips)).interval  # noqa: B023
        hits += interval.low <= 1 <= interval.high
    assert 0.93 <= hits / sets <= 0.97


@pytest.mark.slow
def test_the_frechet_distance_s_interval_covers_what_it_estimates():
    draw, found = rng(11), []
    scale = 1 / (1 + np.arange(12) / 4)
    for _ in range(200):
        a, b = draw.normal(size=(60, 12)) * scale, draw.normal(size=(60, 12)) * scale * 1.1 + 0.1
        found.append(jackknife(lambda kept: frechet_distance(a[kept], b[kept]), keys(60)))  # noqa: B023
    values = np.array([one.value for one in found])
    covered = [one.interval.low <= values.mean() <= one.interval.high for one in found]
    assert np.mean(covered) >= 0.92
    assert 0.9 < np.median([one.standard_error for one in found]) / values.std() < 1.6


def test_models_on_the_same_clips_are_told_apart_by_pairing():
    draw = rng(12)
    truth = draw.normal(size=(60, 8))
    near, far = truth + draw.normal(0, 0.3, (60, 8)), truth + draw.normal(0, 0.3, (60, 8)) + 0.15
    a, b = (jackknife(lambda kept, x=x: frechet_distance(truth[kept], x[kept]), keys(60)) for x in (near, far))
    difference = paired_jackknife(a, b)
    assert difference.value == pytest.approx(a.value - b.value)
    assert difference.interval.high < 0
    assert paired_jackknife(a, a).standard_error == 0


def test_different_clips_are_not_paired():
    with pytest.raises(KineBenchError, match="over 40 and 41 clips cannot be paired"):
        paired_jackknife(Jackknife(1.0, (1.0,) * 20, 40), Jackknife(1.0, (1.0,) * 20, 41))
    with pytest.raises(KineBenchError, match="two clips or more, not 1"):
        jackknife(lambda kept: 0.0, keys(1))
