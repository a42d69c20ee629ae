"""How sure a mean over clips and seeds is.

A table asks what other clips and another training would give. Both were drawn, each clip was seen with each seed, and
all clips of a training share its luck: value = mean + clip + seed + error, in which clip, seed and error are drawn. The
mean's variance is then (MS_clip + MS_seed - MS_error) / (C S), of mean squares of a two-way analysis of variance with C
clips and S seeds. A bootstrap over clips says nothing of the seeds; one over both has three seeds to draw from, and
covers the truth in three of four cases where seeds are what differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import require
from kinebench.metrics.resampling import CONFIDENCE

LEAST_P = 1e-100


@dataclass(frozen=True)
class Sure:
    """A mean, its 95 % interval, and the two-sided p of its being zero."""

    mean: float | None  # None: no clip has a value
    low: float | None  # None: of fewer than two clips there is no interval
    high: float | None
    p: float | None
    by_seed: tuple[float | None, ...]  # means over the same clips
    clips: int
    left_out: int  # clips without a value in some seed: left out in all


def sure(values: NDArray[np.float64]) -> Sure:
    """Of values (C, S) of clips with seeds; NaN where there is none.

    With one seed it is Student's t over clips, and says nothing of other seeds.
    """
    table = values[~np.isnan(values).any(axis=1)]
    missing = len(values) - len(table)
    if not len(table):
        return Sure(None, None, None, None, (None,) * values.shape[1], 0, missing)
    mean = float(table.mean())
    low, high, p = around(mean, table)
    return Sure(mean, low, high, p, tuple(float(each) for each in table.mean(axis=0)), len(table), missing)


def around(mean: float, table: NDArray[np.float64]) -> tuple[float | None, float | None, float | None]:
    """Interval and p of what varies as the mean of a table (C, S) does; None each for fewer than two rows."""
    if len(table) < 2:
        return None, None, None
    spread = _spread(table)
    reach = spread.reach(1 - CONFIDENCE)
    return mean - reach, mean + reach, spread.p(abs(mean))


@dataclass(frozen=True)
class _Spread:
    """How far the mean of a table may be off: the wider of two intervals, neither of which is enough alone.

    - Satterthwaite's: t sqrt(V) with V = clips + seeds - error, but never less than what clips alone or seeds alone say
      (a component that comes out negative counts as none), and V^2 / sum(MS^2 / f) degrees of freedom. It is too narrow
      where the seeds happen to be alike, as it then has the many degrees of freedom of clips: 92.1 % at worst.
    - Each part with its own t, in quadrature: t_clip^2 clips + t_seed^2 max(seeds - error, 0). It is too narrow where
      seeds and error are alike in size, as in half of such tables no seed's part is seen at all: 91.1 % at worst.

    The wider of them covers 93.9 to 98.5 % over all shares of clips, seeds and error with C = 96, S = 3 (94.6 to 98.2
    with five seeds, 90.3 to 98.2 with two: have three), and rejects what is true in 1.5 to 6.1 % of cases where 5 are
    asked for, in 0.3 to 2.6 % where 1.25 are (four pairs, Holm). It is widest where error alone differs. Where clips
    are as skew as a lognormal, a row's covers 93 %; differences are less skew.
    """

    clips: float  # mean squares, each over C S
    seeds: float  # 0 with one seed
    error: float
    freedom: tuple[int, int, int]  # degrees of freedom of the three

    @property
    def _variance(self) -> float:
        return max(self.clips + self.seeds - self.error, self.clips, self.seeds)

    @property
    def _excess(self) -> float:
        """Of seeds over error."""
        return max(self.seeds - self.error, 0.0)

    @property
    def _satterthwaite(self) -> float:
        parts = zip((self.clips, self.seeds, self.error), self.freedom, strict=True)
        share = sum((part / self._variance) ** 2 / freedom for part, freedom in parts if freedom)
        return max(1 / share, self.freedom[1])

    def reach(self, p: float) -> float:
        """Half of the interval that is left with a probability of p."""
        if not self._variance:
            return 0.0
        return max(_t(self._satterthwaite, p) * self._variance**0.5, self._quadrature(p))

    def _quadrature(self, p: float) -> float:
        clips, seeds, _ = self.freedom
        own = _t(seeds, p) if seeds else 0.0
        return float(np.hypot(_t(clips, p) * self.clips**0.5, own * self._excess**0.5))

    def p(self, distance: float) -> float:
        """The probability that is left out by an interval that just reaches so far; 0 below `LEAST_P`."""
        if not distance:
            return 1.0
        if self.reach(LEAST_P) <= distance:
            return 0.0
        brentq = require("scipy.optimize", "score").brentq
        found = brentq(lambda x: self.reach(float(np.exp(x))) - distance, np.log(LEAST_P), 0.0, xtol=1e-12)
        return float(np.exp(found))


def _spread(table: NDArray[np.float64]) -> _Spread:
    count, seeds = table.shape
    clip, seed, mean = table.mean(axis=1), table.mean(axis=0), table.mean()
    freedom = count - 1, seeds - 1, (count - 1) * (seeds - 1)
    squares = (
        seeds * float(((clip - mean) ** 2).sum()),
        count * float(((seed - mean) ** 2).sum()),
        float(((table - clip[:, None] - seed + mean) ** 2).sum()),
    )
    parts = [each / own / table.size if own else 0.0 for each, own in zip(squares, freedom, strict=True)]
    return _Spread(parts[0], parts[1], parts[2], freedom)


def _t(freedom: float, p: float) -> float:
    """Student's t that is exceeded, on either side, with a probability of p."""
    special: Any = require("scipy.special", "score")
    return -float(special.stdtrit(freedom, p / 2))


def holm(found: Sequence[float | None]) -> list[float | None]:
    """Holm's correction: p by p, the level at which a step-down test of all would still reject it; None stays None."""
    order = sorted((p, place) for place, p in enumerate(found) if p is not None)
    corrected: list[float | None] = [None] * len(found)
    highest = 0.0
    for done, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - done)))
        corrected[place] = highest
    return corrected
