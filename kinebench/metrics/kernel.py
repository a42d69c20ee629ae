"""The kernel distance of two sets of features (KVD), which unlike the Fréchet distance does not grow for small sets."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinebench.metrics import features


def kernel_distance(a: ArrayLike, b: ArrayLike, *, degree: int = 3, offset: float = 1.0, biased: bool = False) -> float:
    """Squared maximum mean discrepancy of two sets of features, (N1, d) and (N2, d), under a polynomial kernel.

        k(x, y) = (x'y / d + offset)^degree
        mean of k(a_i, a_j) over i != j + the same of b - 2 mean of k(a_i, b_j)

    The defaults are the distance of Binkowski et al. 2018 (there KID), used on features of videos by Unterthiner et al.
    2018 (KVD). It is unbiased: two draws of one distribution give values around 0, some below, whatever their sizes.
    KID is often printed times 1000. `biased` takes i = j along: never negative, and 0 of a set and itself.
    JEDi (Luo et al. 2024) is 100 times the biased value of degree 2 without offset.

    Raises KineBenchError for shapes that do not fit, too few rows, or a number that is not finite.
    """
    first, second = features.checked(a, b, least=1 if biased else 2)

    def kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        return (x @ y.T / x.shape[1] + offset) ** degree

    def within(x: NDArray[np.float64]) -> float:
        values = kernel(x, x)
        if biased:
            return float(values.mean())
        return float((values.sum() - np.trace(values)) / (len(x) * (len(x) - 1)))

    return within(first) + within(second) - 2 * float(kernel(first, second).mean())
