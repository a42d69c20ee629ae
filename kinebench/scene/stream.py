"""Random numbers of a hidden season. Whoever sees some of them cannot compute the others."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4096
_FRACTION = 2.0**-53


class Stream:
    """What a scene asks of numpy's `Generator`, from the bits of SHAKE-256.

    A released camera shows the first numbers of its scene to the last digit. From so much of them, numpy's generators
    could be computed backwards and on: they are not made to keep secrets.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._blocks = 0
        self._bits = b""

    def _take(self, count: int) -> int:
        """The next `count` bytes as a number."""
        if len(self._bits) < count:
            self._bits += hashlib.shake_256(self._key + self._blocks.to_bytes(8, "big")).digest(_BLOCK)
            self._blocks += 1
        taken, self._bits = self._bits[:count], self._bits[count:]
        return int.from_bytes(taken, "big")

    def uniform(self, low: float = 0.0, high: float = 1.0, size: int | None = None) -> Any:
        """One number of [low, high), or `size` of them."""
        if size is not None:
            return np.array([self.uniform(low, high) for _ in range(size)])
        return low + (high - low) * (self._take(8) >> 11) * _FRACTION

    def integers(self, low: int, high: int | None = None, endpoint: bool = False) -> int:
        """An integer from `low`, or from 0 to `low` if `high` is not given; the end itself only with `endpoint`."""
        first, end = (0, low) if high is None else (low, high)
        return first + self._take(16) % (end - first + endpoint)  # 128 bits: no number is likelier by 2^-96

    def permutation(self, count: int) -> NDArray[np.int64]:
        """The numbers 0 to count - 1 in any order."""
        order = np.arange(count)
        for last in range(count - 1, 0, -1):
            other = self.integers(last, endpoint=True)
            order[[last, other]] = order[[other, last]]
        return order
