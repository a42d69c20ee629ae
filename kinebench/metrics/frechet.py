"""The Fréchet distance of two sets of features: the last step of FVD and FVMD."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinebench.metrics import features


def frechet_distance(a: ArrayLike, b: ArrayLike, *, ddof: int = 1, eps: float = 0.0) -> float:
    """Distance of the Gaussians that have the means and covariances of two sets of features, (N1, d) and (N2, d).

        |m1 - m2|^2 + tr S1 + tr S2 - 2 tr ((S1 + eps I)(S2 + eps I))^(1/2)

    Dowson and Landau 1982; Heusel et al. 2017 for images, Unterthiner et al. 2018 for videos. In squared units of the
    features; 0 or more, up to rounding, if `eps` is 0.

    The public codes take the square root of the product S1 S2 by scipy's `sqrtm`, which is off by 1e-4 and more
    where the product is singular (fewer samples than features), or by float32 singular values, which are off by 3 %.
    Here it is float64 and exact for any rank: if R'R = S, then tr (S1 S2)^(1/2) is the sum of the singular values of
    R1 R2', and the features, centred and scaled, are such an R.

    `ddof` 1 divides covariances by N - 1, as most codes do; 0 by N, as StyleGAN-V's and cd-fvd's statistics do.
    `eps` is inside the square root only, as in released FVMD, which has 1e-5: a set is then -2 d eps from itself, not
    0. Nothing is clamped.

    Raises KineBenchError for shapes that do not fit, fewer than `ddof` + 1 rows, or a number that is not finite.
    """
    x, y = features.checked(a, b, least=ddof + 1)
    between = x.mean(axis=0) - y.mean(axis=0)
    for rows in (x, y):  # copies of what was given
        rows -= rows.mean(axis=0)
        rows /= np.sqrt(len(rows) - ddof)
    apart = np.vdot(between, between) + np.vdot(x, x) + np.vdot(y, y)
    return float(apart - 2 * _root_trace(x, y, eps))


def _root_trace(x: NDArray[np.float64], y: NDArray[np.float64], eps: float) -> float:
    """Of the root: tr ((x'x + eps I)(y'y + eps I))^(1/2), for x (N1, d) and y (N2, d)."""
    width, outside = x.shape[1], 0.0
    if eps and len(x) + len(y) < width:
        # Both covariances live in the span of the rows; outside of it each factor is eps I.
        coordinates = _triangle(np.vstack([x, y]).T).T
        x, y = coordinates[: len(x)], coordinates[len(x) :]
        outside = eps * (width - x.shape[1])
    return outside + float(np.linalg.svd(_factor(x, eps) @ _factor(y, eps).T, compute_uv=False).sum())


def _factor(x: NDArray[np.float64], eps: float) -> NDArray[np.float64]:
    """Some R with R'R = x'x + eps I, and at most d rows."""
    if eps:
        try:
            return np.linalg.cholesky(x.T @ x + eps * np.eye(x.shape[1])).T
        except np.linalg.LinAlgError:  # eps is below the rounding of the covariance
            x = np.vstack([x, np.sqrt(eps) * np.eye(x.shape[1])])
    return x if len(x) <= x.shape[1] else _triangle(x)


def _triangle(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper triangular R with R'R = x'x."""
    return np.asarray(np.linalg.qr(x, mode="r"))
