import numpy as np
import pytest

from kinebench.textures.cells import worley


def feature_points(columns, rows, jitter, seed):
    moved = jitter * np.random.default_rng(seed).uniform(-0.5, 0.5, (2, rows, columns))
    return np.stack([np.arange(columns) + 0.5 + moved[0], np.arange(rows)[:, None] + 0.5 + moved[1]])


@pytest.mark.parametrize(("columns", "rows", "jitter"), [(5, 5, 0.8), (7, 5, 0.5)])
def test_against_every_periodic_image_of_every_point(columns, rows, jitter):
    tile_m, rng = 2.0, np.random.default_rng(7)
    x, y = rng.uniform(0, tile_m, (2, 40, 10))
    cells = worley(x, y, tile_m, columns, rows, np.random.default_rng(3), jitter)
    points = feature_points(columns, rows, jitter, 3) * tile_m / np.array([columns, rows])[:, None, None]
    shifts = [(i * tile_m, j * tile_m) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    images = np.concatenate([points.reshape(2, -1) + np.array(shift)[:, None] for shift in shifts], axis=1)
    for k in np.ndindex(x.shape):
        here = np.array([x[k], y[k]])
        distance = np.hypot(*(images - here[:, None]))
        order = np.argsort(distance)
        nearest = order[0]
        assert cells.ident[k] == nearest % (columns * rows)
        assert cells.centre_m[k] == pytest.approx(distance[nearest], abs=1e-5)
        others = np.delete(images, nearest, axis=1)
        between = others - images[:, nearest, None]
        bisectors = ((others + images[:, nearest, None]) / 2 - here[:, None]) * between
        edge = (bisectors.sum(axis=0) / np.hypot(*between)).min()
        assert cells.edge_m[k] == pytest.approx(edge, abs=1e-4)


def test_repeats_with_the_tile():
    x, y = np.random.default_rng(0).uniform(0, 1.5, (2, 30, 30))
    one = worley(x, y, 1.5, 6, 4, np.random.default_rng(1))
    other = worley(x + 1.5, y - 3.0, 1.5, 6, 4, np.random.default_rng(1))
    assert np.array_equal(one.ident, other.ident)
    assert np.allclose(one.edge_m, other.edge_m, atol=1e-5)
