"""Strengths against known ones, a likelihood written out, and answers that have no finite strengths."""

import numpy as np
import pytest
from scipy.optimize import minimize

from kinebench.board.study import davidson

PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def drawn(strengths, log_nu, each, rng, pairs=PAIRS):
    chance = davidson.chances(np.array([strengths]), np.array([log_nu]), pairs)[0]
    return np.array([rng.multinomial(each, row) for row in chance], float)


def by_hand(counts, pairs, methods):
    """The best of a likelihood that is written as in the paper, with scipy's simplex and no prior."""

    def loss(beta):
        worth, nu = np.exp(np.append(beta[:-1], -beta[:-1].sum())), np.exp(beta[-1])
        total = 0.0
        for (i, j), (first, same, second) in zip(pairs, counts, strict=True):
            whole = worth[i] + worth[j] + nu * np.sqrt(worth[i] * worth[j])
            total += first * np.log(worth[i] / whole) + second * np.log(worth[j] / whole)
            total += same * np.log(nu * np.sqrt(worth[i] * worth[j]) / whole)
        return -total

    found = minimize(
        loss, np.zeros(methods), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxfev": 20000}
    )
    return np.append(found.x[:-1], -found.x[:-1].sum()), found.x[-1]


def test_chances_are_davidsons():
    (row,) = davidson.chances(np.array([[np.log(3.0), 0.0]]), np.array([np.log(0.5)]), ((0, 1),))[0]
    whole = 3 + 1 + 0.5 * np.sqrt(3)
    assert np.allclose(row, [3 / whole, 0.5 * np.sqrt(3) / whole, 1 / whole])


def test_two_methods_in_closed_form():
    """Of counts a, t, b: the strengths are apart by log(a / b), and nu is t / sqrt(a b)."""
    found = davidson.fit(np.array([[[60.0, 20.0, 15.0]]]), ((0, 1),), 2)
    assert found.strengths[0, 0] - found.strengths[0, 1] == pytest.approx(np.log(4), rel=1e-3)
    assert found.log_nu[0] == pytest.approx(np.log(20 / 30), abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_a_search_of_the_likelihood_finds(seed):
    rng = np.random.default_rng(seed)
    counts = drawn([0.8, 0.1, -0.2, -0.7], -0.4, 25, rng)
    found = davidson.fit(counts[None], PAIRS, 4)
    strengths, log_nu = by_hand(counts, PAIRS, 4)
    assert np.allclose(found.strengths[0], strengths, atol=2e-3)
    assert found.log_nu[0] == pytest.approx(log_nu, abs=5e-3)


def test_known_strengths_come_back_from_many_answers():
    truth = np.array([1.2, 0.3, -0.4, -1.1])
    found = davidson.fit(drawn(truth, 0.2, 40_000, np.random.default_rng(5))[None], PAIRS, 4)
    assert np.allclose(found.strengths[0], truth, atol=0.02) and found.log_nu[0] == pytest.approx(0.2, abs=0.02)


def test_many_tables_at_once_are_as_each_by_itself():
    rng = np.random.default_rng(7)
    tables = np.stack([drawn([1.5, 0, -0.5, -1], -1, 6, rng) for _ in range(40)])
    tables[0] = 0  # nobody answered
    tables[1, :, 1:] = 0  # one-sided throughout
    whole = davidson.fit(tables, PAIRS, 4)
    for number, table in enumerate(tables):
        alone = davidson.fit(table[None], PAIRS, 4)
        assert np.allclose(alone.strengths[0], whole.strengths[number], atol=1e-7)
    assert np.isfinite(whole.strengths).all() and np.allclose(whole.strengths[0], 0)


def test_names_do_not_matter():
    counts = drawn([0.9, 0.2, -0.3, -0.8], -0.5, 20, np.random.default_rng(11))
    turned = davidson.fit(counts[None, :, ::-1], tuple((j, i) for i, j in PAIRS), 4)
    assert np.allclose(turned.strengths, davidson.fit(counts[None], PAIRS, 4).strengths, atol=1e-8)


def test_methods_that_nobody_compared_are_found():
    counts = np.zeros((6, 3))
    counts[[0, 5]] = 4
    assert davidson.components(counts, PAIRS, 4) == [(0, 1), (2, 3)]
    counts[2] = 1
    assert davidson.components(counts, PAIRS, 4) == [(0, 1, 2, 3)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[9, 0, 0], [5, 1, 3], [4, 2, 2]], ()),  # one pair is one-sided, the others bind it
        ([[9, 0, 0], [9, 0, 0], [4, 1, 4]], {(0, 1), (0, 2)}),  # the first is never beaten
        ([[9, 3, 0], [9, 3, 0], [4, 0, 4]], ()),  # that the others never tie bounds what the first's ties allow
        ([[9, 3, 0], [9, 3, 0], [0, 4, 0]], {(0, 1), (0, 2)}),
        ([[9, 0, 0], [9, 0, 0], [4, 0, 0]], {(0, 1), (0, 2), (1, 2)}),
        ([[0, 5, 0], [0, 5, 0], [0, 5, 0]], ()),  # nothing but ties: all are equal
        ([[5, 0, 5], [5, 0, 5], [5, 0, 5]], ()),  # no ties at all
    ],
)
def test_what_the_answers_leave_unbounded_is_named(rows, expected):
    pairs = ((0, 1), (0, 2), (1, 2))
    found = davidson.unbounded(np.array(rows, float), pairs, 3)
    assert set(found) == set(expected)
    fitted = davidson.fit(np.array([rows], float), pairs, 3)
    assert np.isfinite(fitted.strengths).all() and np.abs(fitted.strengths).max() < 12
    for better, worse in found:
        assert fitted.strengths[0, better] > fitted.strengths[0, worse] + 2
