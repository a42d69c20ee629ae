"""Two sets of features, as distances between sets take them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinebench.errors import KineBenchError


def checked(a: ArrayLike, b: ArrayLike, *, least: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Copies of both as float64 (N, d), each with its N, at least `least`. Raises KineBenchError if they cannot be."""
    first, second = _checked(a, "first", least), _checked(b, "second", least)
    if first.shape[1] != second.shape[1]:
        raise KineBenchError(
            f"features of {first.shape[1]} and of {second.shape[1]} numbers cannot be compared; "
            "both sets must come from the same metric with the same options"
        )
    return first, second


def _checked(features: ArrayLike, which: str, least: int) -> NDArray[np.float64]:
    array = np.asarray(features)
    if array.ndim != 2 or array.shape[1] == 0 or array.dtype.kind not in "fiub":
        raise KineBenchError(
            f"the {which} set of features is {array.dtype} of shape {array.shape}; "
            "a set is an array of real numbers, one row a sample: (N, d)"
        )
    if len(array) < least:
        raise KineBenchError(f"the {which} set of features has {len(array)} rows; a distance needs at least {least}")
    array = array.astype(np.float64)
    broken = int((~np.isfinite(array).all(axis=1)).sum())
    if broken:
        raise KineBenchError(
            f"{broken} of {len(array)} rows of the {which} set of features are not finite; "
            "find what made them, for no distance can be computed from them"
        )
    return array
