"""Bradley-Terry with ties after Davidson (1970): one strength for each method, and one for "no difference".

Of methods i and j with strengths s, i is preferred with a weight of exp(s_i), j with exp(s_j), neither with
nu exp((s_i + s_j) / 2). That is a multinomial logit, so that the likelihood has one hill. A weak normal prior of
standard deviation `PRIOR_SD` on every strength and on log nu keeps finite what the answers leave unbounded; among a
hundred answers it moves a strength by less than 0.1 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import require

Pairs = Sequence[tuple[int, int]]
PRIOR_SD = 10.0
_ROUNDS, _HALVINGS, _CLOSE = 200, 40, 1e-9


@dataclass(frozen=True)
class Fit:
    """For each of R tables of counts; strengths sum to 0."""

    strengths: NDArray[np.float64]  # (R, methods)
    log_nu: NDArray[np.float64]  # (R,)


def fit(counts: NDArray[np.float64], pairs: Pairs, methods: int) -> Fit:
    """The most plausible strengths of counts (R, pairs, 3): first preferred, no difference, second preferred.

    By Newton's method, halving a step that does not climb.
    """
    x = _effects(pairs, methods)
    beta = np.zeros((len(counts), methods + 1))
    height = _height(beta, counts, x)
    active = np.arange(len(counts))
    for _ in range(_ROUNDS):
        slope, bend = _derivatives(beta[active], counts[active], x)
        step = np.linalg.solve(bend, slope[..., None])[..., 0]
        going = np.abs(step).max(axis=1) > _CLOSE
        active, step = active[going], step[going]
        if not len(active):
            break
        beta[active], height[active] = _climbed(beta[active], step, height[active], counts[active], x)
    return Fit(beta[:, :methods], beta[:, methods])


def chances(strengths: NDArray[np.float64], log_nu: NDArray[np.float64], pairs: Pairs) -> NDArray[np.float64]:
    """Probability of each outcome (R, pairs, 3)."""
    beta = np.concatenate([strengths, log_nu[:, None]], axis=1)
    return np.exp(_log_chances(beta, _effects(pairs, strengths.shape[1])))


def components(counts: NDArray[np.float64], pairs: Pairs, methods: int) -> list[tuple[int, ...]]:
    """Methods that were compared with each other, directly or through others; counts are (pairs, 3)."""
    owner = list(range(methods))
    for (i, j), row in zip(pairs, counts, strict=True):
        if row.sum() > 0:
            old, new = owner[j], owner[i]
            owner = [new if each == old else each for each in owner]
    return [tuple(m for m in range(methods) if owner[m] == each) for each in dict.fromkeys(owner)]


def unbounded(counts: NDArray[np.float64], pairs: Pairs, methods: int) -> tuple[tuple[int, int], ...]:
    """Pairs (better, worse) whose strengths the answers alone would drive apart without end; counts are (pairs, 3).

    There is a direction in which no answer that was given becomes less likely: a linear program finds it. Of methods
    that were only ever called equal there is one either way, which drives nothing apart.
    """
    linprog = require("scipy.optimize", "score").linprog
    x = _effects(pairs, methods)
    worse = [other - x[p, given] for p, given in zip(*np.nonzero(counts), strict=True) for other in x[p]]
    found = set[tuple[int, int]]()
    for better in range(methods):
        for lesser in range(methods):
            if better == lesser:
                continue
            cost = np.zeros(methods + 1)
            cost[better], cost[lesser] = -1, 1
            farthest = linprog(cost, A_ub=np.array(worse), b_ub=np.zeros(len(worse)), bounds=[(-1, 1)] * (methods + 1))
            if farthest.status == 0 and farthest.fun < -_CLOSE:
                found.add((better, lesser))
    return tuple(sorted((i, j) for i, j in found if (j, i) not in found))


def _effects(pairs: Pairs, methods: int) -> NDArray[np.float64]:
    """What strengths and log nu add to the weight of each outcome, (pairs, 3, methods + 1)."""
    x = np.zeros((len(pairs), 3, methods + 1))
    for row, (i, j) in enumerate(pairs):
        x[row, 0, i] = x[row, 2, j] = x[row, 1, methods] = 1.0
        x[row, 1, i] = x[row, 1, j] = 0.5
    return x


def _log_chances(beta: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    utility = np.einsum("rk,pok->rpo", beta, x, optimize=True)
    top = utility.max(axis=2, keepdims=True)
    return utility - top - np.log(np.exp(utility - top).sum(axis=2, keepdims=True))


def _height(beta: NDArray[np.float64], counts: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log posterior but for a constant, (R,)."""
    return (counts * _log_chances(beta, x)).sum(axis=(1, 2)) - (beta**2).sum(axis=1) / (2 * PRIOR_SD**2)


def _derivatives(
    beta: NDArray[np.float64], counts: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gradient (R, K) and negative Hessian (R, K, K) of the log posterior."""
    chance, asked = np.exp(_log_chances(beta, x)), counts.sum(axis=2)
    slope = np.einsum("rpo,pok->rk", counts - asked[..., None] * chance, x, optimize=True) - beta / PRIOR_SD**2
    products = np.einsum("pok,pol->pokl", x, x).reshape(x.shape[0] * 3, -1)
    second = (asked[..., None] * chance).reshape(len(beta), -1) @ products
    mean = np.einsum("rpo,pok->rpk", chance, x, optimize=True)
    scaled = np.sqrt(asked)[..., None] * mean
    bend = second.reshape(len(beta), x.shape[2], -1) - np.matmul(scaled.transpose(0, 2, 1), scaled)
    return slope, bend + np.eye(x.shape[2]) / PRIOR_SD**2


def _climbed(
    beta: NDArray[np.float64],
    step: NDArray[np.float64],
    height: NDArray[np.float64],
    counts: NDArray[np.float64],
    x: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One step further, of half the length where that would lead down, and half of that."""
    beta, height, step = beta.copy(), height.copy(), step.copy()
    waiting = np.arange(len(beta))
    for _ in range(_HALVINGS):
        tried = beta[waiting] + step[waiting]
        found = _height(tried, counts[waiting], x)
        good = found >= height[waiting] - 1e-12 * np.abs(height[waiting])
        beta[waiting[good]], height[waiting[good]] = tried[good], found[good]
        waiting = waiting[~good]
        if not len(waiting):
            break
        step[waiting] /= 2
    return beta, height
