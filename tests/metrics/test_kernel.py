"""The kernel distance against JEDi's golden values and against sums written out."""

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.metrics.kernel import kernel_distance


def test_jedi(golden, recipes):
    record, _ = golden("frechet")
    for case in record["cases"]:
        a, b = recipes.frechet_features(case["seed"], case["n1"], case["n2"], case["d"])
        b = a if case["kind"] == "self" else b
        ours = 100 * kernel_distance(a, b, degree=2, offset=0, biased=True)
        assert ours == pytest.approx(case["jedi_mmd_poly_x100"], rel=1e-9, abs=1e-12)


def test_the_sum_written_out():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(5, 3)) + 1

    def k(x, y):
        return (sum(x[i] * y[i] for i in range(3)) / 3 + 1) ** 3

    aa = np.mean([k(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j])
    bb = np.mean([k(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j])
    ab = np.mean([k(x, y) for x in a for y in b])
    assert kernel_distance(a, b) == pytest.approx(aa + bb - 2 * ab, rel=1e-12)


@pytest.mark.parametrize("n", [10, 100])
def test_two_draws_of_one_distribution_are_around_zero_whatever_their_size(n):
    rng = np.random.default_rng(n)
    values = [kernel_distance(rng.normal(size=(n, 20)), rng.normal(size=(n, 20))) for _ in range(300)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(300)
    assert min(values) < 0 < max(values)


def test_it_tells_draws_apart_that_differ():
    rng = np.random.default_rng(0)
    near = [kernel_distance(rng.normal(size=(50, 20)), rng.normal(size=(50, 20))) for _ in range(20)]
    far = [kernel_distance(rng.normal(size=(50, 20)), rng.normal(size=(50, 20)) + 1) for _ in range(20)]
    assert min(far) > max(near)


def test_too_few_rows_are_said():
    one, two = np.zeros((1, 2)), np.zeros((2, 2))
    with pytest.raises(KineBenchError, match="first set of features has 1 rows; a distance needs at least 2"):
        kernel_distance(one, two)
    assert kernel_distance(one, two, biased=True) == 0
