"""The Fréchet distance against the public codes' golden values, closed forms and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from kinebench.errors import KineBenchError
from kinebench.metrics.frechet import frechet_distance

EPS = 1e-5


@pytest.fixture(scope="module")
def cases(golden, recipes):
    """Inputs with what the public codes print for them."""
    record, _ = golden("frechet")
    found = []
    for case in record["cases"]:
        a, b = recipes.frechet_features(case["seed"], case["n1"], case["n2"], case["d"])
        b = a if case["kind"] == "self" else b
        assert (recipes.sha(a), recipes.sha(b)) == (case["sha_f1"], case["sha_f2"])
        found.append((case, a, b))
    return found


def test_released_fvmd(cases):
    for case, a, b in cases:
        ours = frechet_distance(a, b, eps=EPS)
        if case["kind"] == "pair":
            assert ours == pytest.approx(case["fvmd_official"], rel=1e-6)
        else:  # exactly -2 d eps; their rounding is 4e-8
            assert ours == pytest.approx(-2 * case["d"] * EPS, abs=1e-10)
            assert ours == pytest.approx(case["fvmd_official"], abs=1e-6)


def test_videogpt_in_float64(cases):
    for case, a, b in cases:
        assert frechet_distance(a, b) == pytest.approx(case["videogpt_float64"], rel=1e-6, abs=1e-8)


def test_scipy_codes_where_their_root_is_sound(cases):
    for case, a, b in cases:
        singular = min(case["n1"], case["n2"]) <= case["d"]  # sqrtm of a singular product: their error, not ours
        loose = {"rel": 2e-5, "abs": 1e-3} if singular else {"rel": 1e-6, "abs": 1e-8}
        assert frechet_distance(a, b) == pytest.approx(case["stylegan_v_junyao"], **loose)
        assert frechet_distance(a, b, ddof=0) == pytest.approx(case["cdfvd_featurestats"], **loose)


def diagonal(n, variances, means):
    """Features of exactly these means and diagonal covariance: 2 d of N rows differ from the mean."""
    d = len(variances)
    rows = np.zeros((n, d))
    for i, variance in enumerate(variances):
        rows[2 * i : 2 * i + 2, i] = np.array([1, -1]) * np.sqrt(variance * (n - 1) / 2)
    return rows + means


@given(
    st.lists(st.tuples(*[st.floats(0, 1e4)] * 2, *[st.floats(-100, 100)] * 2), min_size=1, max_size=6),
    st.integers(12, 30),
    st.integers(12, 30),
)
def test_the_closed_form_of_diagonal_covariances(columns, n1, n2):
    s1, s2, m1, m2 = np.array(columns).T
    expected = np.sum((m1 - m2) ** 2) + np.sum((np.sqrt(s1) - np.sqrt(s2)) ** 2)
    ours = frechet_distance(diagonal(n1, s1, m1), diagonal(n2, s2, m2))
    assert ours == pytest.approx(expected, rel=1e-9, abs=1e-9 * (1 + s1.sum() + s2.sum()))
    with_eps = np.sum((m1 - m2) ** 2) + np.sum(s1 + s2 - 2 * np.sqrt((s1 + EPS) * (s2 + EPS)))
    ours = frechet_distance(diagonal(n1, s1, m1), diagonal(n2, s2, m2), eps=EPS)
    assert ours == pytest.approx(with_eps, rel=1e-9, abs=1e-8 * (1 + s1.sum() + s2.sum()))


@pytest.mark.parametrize(("n1", "n2", "d"), [(90, 60, 20), (20, 60, 30), (20, 30, 100), (2, 2, 7), (2, 200, 1)])
@pytest.mark.parametrize("ddof", [0, 1])
def test_scipys_root_of_the_product(n1, n2, d, ddof):
    rng = np.random.default_rng(n1 + d)
    a, b = rng.normal(size=(n1, d)), 1.5 * rng.normal(size=(n2, d)) + 0.3
    s1, s2 = (np.atleast_2d(np.cov(x, rowvar=False, ddof=ddof)) for x in (a, b))
    eye = 0.01 * np.eye(d)
    root = linalg.sqrtm((s1 + eye) @ (s2 + eye)).real
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(s1 + s2 - 2 * root)
    assert frechet_distance(a, b, ddof=ddof, eps=0.01) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (2, 40), (30, 5), (30, 40)])
@pytest.mark.parametrize("eps", [0.0, EPS])
def test_symmetric_indifferent_to_order_and_to_rotation(n, d, eps):
    rng = np.random.default_rng(n * d)
    a, b = rng.normal(size=(n, d)), rng.normal(size=(n + 3, d)) + 1
    turned, _ = np.linalg.qr(rng.normal(size=(d, d)))
    here = frechet_distance(a, b, eps=eps)
    assert frechet_distance(b, a, eps=eps) == pytest.approx(here, rel=1e-9)
    assert frechet_distance(a[::-1], b, eps=eps) == pytest.approx(here, rel=1e-9)
    assert frechet_distance(a @ turned, b @ turned, eps=eps) == pytest.approx(here, rel=1e-9)
    assert frechet_distance(3 * a, 3 * b, eps=9 * eps) == pytest.approx(9 * here, rel=1e-9)


def test_constant_features_are_as_far_as_their_means():
    assert frechet_distance(np.full((5, 3), 2.0), np.full((9, 3), 4.0)) == 12
    assert frechet_distance(np.zeros((2, 1)), np.zeros((2, 1))) == 0


def test_eps_below_the_covariance_s_rounding():
    rng = np.random.default_rng(0)
    a = 1e8 * rng.normal(size=(40, 1)) * np.ones((1, 6))
    assert frechet_distance(a, a, eps=EPS) == pytest.approx(0, abs=1e-9 * np.sum(a.var(axis=0)))


def test_float32_and_integers_are_computed_in_float64():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 100, (50, 8)), rng.integers(0, 90, (40, 8))
    exact = frechet_distance(a.astype(float), b.astype(float))
    assert frechet_distance(a.astype(np.float32), b.astype(np.float32)) == exact == frechet_distance(a, b)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros(5), np.zeros((5, 1)), r"the first set of features is float64 of shape \(5,\)"),
        (np.zeros((5, 2)), np.zeros((5, 3)), "features of 2 and of 3 numbers"),
        (np.zeros((5, 2)), np.zeros((1, 2)), "the second set of features has 1 rows; a distance needs at least 2"),
        (np.zeros((5, 0)), np.zeros((5, 0)), "an array of real numbers"),
        (np.zeros((5, 2)), np.zeros((5, 2), complex), "second set of features is complex128"),
        (np.zeros((5, 2)), np.array([[0, 1], [np.nan, 1], [np.inf, 0]]), "2 of 3 rows of the second set .* not finite"),
    ],
)
def test_what_cannot_be_compared_is_said(a, b, message):
    with pytest.raises(KineBenchError, match=message):
        frechet_distance(a, b)


def test_inputs_are_left_as_they_are():
    a, b = np.arange(12.0).reshape(6, 2), np.ones((4, 2))
    frechet_distance(a, b, eps=EPS)
    assert (a == np.arange(12.0).reshape(6, 2)).all() and (b == 1).all()
