"""How sure a number is: bootstrap for means over clips, jackknife for distances between sets of clips.

A bootstrap draws clips more than once, which a distance between sets takes for less variety: it would shift FVD by a
third. So distances leave clips out instead.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError, require

CONFIDENCE = 0.95
RESAMPLES = 10_000
GROUPS = 20
_AT_ONCE = 500


@dataclass(frozen=True)
class Interval:
    """A value, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap(clips: Sequence[Sequence[float]], rng: np.random.Generator, *, resamples: int = RESAMPLES) -> Interval:
    """Mean over clips of the mean over each clip's seeds, with the percentile interval over resampled clips.

    Each row is a clip and holds one value a seed, as many as it has. Clips are drawn with replacement, each with all of
    its seeds: the spread of the clips' means already contains that of their seeds, and drawing seeds anew as well would
    count it twice (Davison and Hinkley 1997, 3.8). Raises KineBenchError for fewer than two clips or an empty row.
    """
    means = np.array([np.mean(seeds) if len(seeds) else np.nan for seeds in clips])
    if len(means) < 2 or not np.isfinite(means).all():
        raise KineBenchError(f"an interval needs two clips or more, each with a finite value; these are {clips!r:.80}")
    drawn = np.concatenate(list(_resampled_means(means, rng, resamples)))
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(means.mean()), float(low), float(high))


def paired_bootstrap(
    a: Sequence[Sequence[float]],
    b: Sequence[Sequence[float]],
    rng: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
) -> Interval:
    """The same of a - b, clip by clip; both have the same clips in the same order, but may differ in seeds."""
    if len(a) != len(b):
        raise KineBenchError(f"{len(a)} and {len(b)} clips cannot be paired")
    return bootstrap([[float(np.mean(x) - np.mean(y))] for x, y in zip(a, b, strict=True)], rng, resamples=resamples)


def _resampled_means(
    means: NDArray[np.float64], rng: np.random.Generator, resamples: int
) -> Iterator[NDArray[np.float64]]:
    for done in range(0, resamples, _AT_ONCE):
        count = min(_AT_ONCE, resamples - done)
        yield means[rng.integers(0, len(means), (count, len(means)))].mean(axis=1)


def bootstrap_columns(
    table: NDArray[np.float64], rng: np.random.Generator, *, resamples: int = RESAMPLES
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends (K,) of the same interval for many columns of clips' means (C, K); NaN where a clip has no value.

    All columns share the resampled clips, so that one product of matrices draws for all. A resample of a column is the
    mean over those clips drawn that have a value. Columns with fewer than two values have NaN for ends.
    """
    clips, columns = table.shape
    low, high = np.full((2, columns), np.nan)
    if clips < 2:
        return low, high
    drawn = rng.integers(0, clips, (resamples, clips)) + clips * np.arange(resamples)[:, None]
    times = np.bincount(drawn.ravel(), minlength=resamples * clips).reshape(resamples, clips).astype(np.float64)
    there = ~np.isnan(table)
    filled, ends = np.where(there, table, 0.0), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    for start in range(0, columns, _AT_ONCE):
        part = slice(start, min(start + _AT_ONCE, columns))
        counted = times @ there[:, part]
        with np.errstate(invalid="ignore"):  # a resample without any value is none
            means = (times @ filled[:, part]) / counted
        quantile = np.quantile if counted.all() else np.nanquantile
        enough = there[:, part].sum(axis=0) >= 2
        low[part][enough], high[part][enough] = quantile(means[:, enough], ends, axis=0)
    return low, high


@dataclass(frozen=True)
class Jackknife:
    """A statistic of n clips, and what it is without each group of them; two of the same clips can be subtracted."""

    value: float
    left_out: tuple[float, ...]  # by group, in the order of `groups`
    clips: int

    @property
    def standard_error(self) -> float:
        """See `standard_errors`."""
        return float(standard_errors(np.array([self.value]), np.array([self.left_out]), self.clips)[0])

    @property
    def interval(self) -> Interval:
        """The value, more and less Student's t of groups - 1 degrees of freedom times the standard error."""
        special = require("scipy.special", "score")
        reach = float(special.stdtrit(len(self.left_out) - 1, (1 + CONFIDENCE) / 2)) * self.standard_error
        return Interval(self.value, self.value - reach, self.value + reach)


def standard_errors(values: NDArray[np.float64], left_out: NDArray[np.float64], clips: int) -> NDArray[np.float64]:
    """Of statistics (K,) and what each is without each group of clips (K, G); differences of two are such, too.

    From pseudo-values, as groups may differ by a clip in size (Busing, Meijer and van der Leeden 1999). They cancel a
    bias that falls with 1 / n, which Fréchet distances have, so that it does not pass for spread.
    """
    share = clips / _sizes(clips, left_out.shape[1])
    pseudo = share * values[:, None] - (share - 1) * left_out
    centre = pseudo.mean(axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.mean((pseudo - centre) ** 2 / (share - 1), axis=1)))


def groups(keys: Sequence[str]) -> list[NDArray[np.intp]]:
    """Places of the clips that are left out together: at most `GROUPS` runs of the sorted keys, equal to within one.

    Neighbours stay together, because clips of one counterfactual group are neighbours, and alike.
    """
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.intp)
    return np.array_split(order, min(GROUPS, len(keys)))


def jackknife(statistic: Callable[[NDArray[np.intp]], float], keys: Sequence[str]) -> Jackknife:
    """A statistic of some of the clips, with each group of `groups` left out in turn.

    `statistic` is given the places of the clips that stay, rising. Two models compared on the same keys leave out the
    same clips. Raises KineBenchError for fewer than two clips, and whatever the statistic raises.
    """
    if len(keys) < 2:
        raise KineBenchError(f"an interval needs two clips or more, not {len(keys)}")
    whole = np.arange(len(keys))
    left_out = tuple(statistic(np.setdiff1d(whole, group)) for group in groups(keys))
    return Jackknife(statistic(whole), left_out, len(keys))


def paired_jackknife(a: Jackknife, b: Jackknife) -> Jackknife:
    """Of a - b. Raises KineBenchError unless both left out the same clips."""
    if (a.clips, len(a.left_out)) != (b.clips, len(b.left_out)):
        raise KineBenchError(f"distances over {a.clips} and {b.clips} clips cannot be paired; score the same clips")
    return Jackknife(a.value - b.value, tuple(x - y for x, y in zip(a.left_out, b.left_out, strict=True)), a.clips)


def _sizes(clips: int, count: int) -> NDArray[np.float64]:
    return np.array([len(part) for part in np.array_split(np.arange(clips), count)], dtype=np.float64)
