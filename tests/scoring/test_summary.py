import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.scoring.summary import Distances, difference, distances, estimate, floor, mean


def test_a_mean_is_over_clips_of_the_mean_over_seeds():
    rows = [[1.0, 3.0], [None, 6.0], [None, None], [4.0]]
    assert mean(rows) == pytest.approx((2 + 6 + 4) / 3)
    found = estimate(rows, "x")
    assert (found.value, found.n) == (pytest.approx(4), 3)
    assert 2 <= found.low < 4 < found.high <= 6


def test_an_interval_follows_from_content_alone():
    rows = [[float(value)] for value in np.random.default_rng(0).normal(size=30)]
    assert estimate(rows, "x") == estimate(rows, "x") != estimate(rows, "y")


@pytest.mark.parametrize(("rows", "value", "n"), [([], None, 0), ([[None]], None, 0), ([[2.0, 4.0]], 3.0, 1)])
def test_too_few_give_no_interval(rows, value, n):
    found = estimate(rows, "x")
    assert found.plain() == {"value": value, "low": None, "high": None, "n": n}


def test_a_difference_is_of_the_rows_that_have_both():
    first, second = [[1.0], [2.0, 4.0], [None], [5.0]], [[0.0], [1.0], [9.0], [None]]
    found = difference(first, second, "x")
    assert (found.value, found.n) == (pytest.approx(1.5), 2)
    assert difference([[2.0]], [[5.0]], "x").plain() == {"value": -3.0, "low": None, "high": None, "n": 1}
    assert difference([[None]], [[5.0]], "x").n == 0


def test_what_varies_alike_is_told_apart_by_pairs():
    rng = np.random.default_rng(0)
    base = rng.normal(0, 10, 40)
    first, second = [[x] for x in base], [[x] for x in base + 0.5 + rng.normal(0, 0.1, 40)]
    found = difference(first, second, "x")
    assert found.low < -0.5 < found.high < 0
    one, two = estimate(first, "x"), estimate(second, "x")
    assert one.high > two.low, "apart, the two intervals would tell nothing"


def gap(a, b):
    if min(len(a), len(b)) < 4:
        raise KineBenchError("too few rows")
    return float(np.abs(a.mean(axis=0) - b.mean(axis=0)).sum())


def features(count, shift=0.0, seed=0, rows=2):
    rng = np.random.default_rng(seed)
    return {f"clip{i:03d}": rng.normal(shift, 1, (rows, 3)) for i in range(count)}


def test_distances_are_of_all_rows_and_of_each_seed():
    truth, predicted = features(30), {"0": features(30, 1, 1), "5": features(30, 2, 2)}
    steps = []
    found = distances(gap, truth, predicted, lambda: steps.append(1))
    for seed, one in predicted.items():
        assert found.by_seed[seed] == gap(*(np.concatenate(list(rows.values())) for rows in (truth, one)))
    assert found.value == np.mean(list(found.by_seed.values()))
    assert (len(found.left_out), found.n) == (20, 30)
    assert len(steps) == 2 * (1 + 20 + 1)
    assert found.estimate.low < found.value < found.estimate.high


def test_a_distance_of_few_clips_has_no_interval_and_of_fewer_is_none():
    found = distances(gap, features(2), {"0": features(2, 1)}, lambda: None)
    assert found.estimate.plain() == {"value": found.value, "low": None, "high": None, "n": 2}
    with pytest.raises(KineBenchError, match="too few rows"):
        distances(gap, features(1), {"0": features(1)}, lambda: None)


def test_distances_of_two_methods_differ_in_pairs():
    truth, shift = features(40), {key: rows + 1 for key, rows in features(40, seed=1).items()}
    near = {key: rows - 0.1 for key, rows in shift.items()}
    far, nearer = (distances(gap, truth, {"0": one}, lambda: None) for one in (shift, near))
    found = far.minus(nearer)
    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3) == found.high, "the same clips are left out of both"
    with pytest.raises(KineBenchError, match="cannot be paired"):
        far.minus(distances(gap, features(30), {"0": features(30, 1)}, lambda: None))
    assert far.minus(Distances({"0": 1.0}, (), 40)).low is None


def test_the_floor_is_of_other_truth_or_of_halves():
    truth, other = features(9), features(12, seed=1)
    found = floor(gap, truth, other)
    assert (found.n, found.of) == (9, "another seed")
    assert found.value == gap(*(np.concatenate(list(rows.values())) for rows in (truth, other)))
    found = floor(gap, truth, None)
    assert (found.n, found.of) == (4, "halves")
    keys = sorted(truth)
    halves = (np.concatenate([truth[key] for key in part]) for part in (keys[:4], keys[4:]))
    assert found.value == gap(*halves)
    assert floor(gap, features(3), None).value is None
    assert floor(gap, features(1), None).value is None
