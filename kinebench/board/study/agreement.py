"""Whether people agree: Krippendorff's alpha for names without order, where not everybody answered everything."""

import numpy as np
from numpy.typing import NDArray


def alpha(answers: NDArray[np.float64]) -> float | None:
    """Of counts (units, categories): 1 for perfect agreement, 0 for what chance gives.

    Units with one answer say nothing of agreement and are left out, as in Krippendorff (2011). None if no unit has two
    answers, or all of them are the same, so that there is nothing to agree about.
    """
    paired = answers[answers.sum(axis=1) >= 2]
    sizes = paired.sum(axis=1)
    of_category = paired.sum(axis=0)
    n = float(sizes.sum())
    expected = n**2 - float((of_category**2).sum())
    if not len(paired) or expected == 0:
        return None
    same = (paired * (paired - 1)).sum(axis=1)
    observed = float(((sizes * (sizes - 1) - same) / (sizes - 1)).sum())
    return 1.0 - (n - 1) * observed / expected
