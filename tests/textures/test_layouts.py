import numpy as np
import pytest

from kinebench.textures.canvas import Canvas
from kinebench.textures.layouts import basket, courses, herringbone

CANVAS = Canvas(240, 2.4, "layouts")  # 1 cm pixels


def layout(name, x, y):
    rng = np.random.default_rng(0)
    return {
        "boards": lambda: courses(x, y, 2.4, 2, 12, rng, stagger=-1, uneven=0.6),
        "bricks": lambda: courses(x, y, 2.4, 8, 24, rng, stagger=0.5),
        "tiles": lambda: courses(x, y, 2.4, 6, 6, rng),
        "herringbone": lambda: herringbone(x, y, 2.4, 2, 4),
        "basket": lambda: basket(x, y, 2.4, 2, 4),
    }[name]()


NAMES = ("boards", "bricks", "tiles", "herringbone", "basket")


@pytest.mark.parametrize("name", NAMES)
def test_every_piece_covers_its_own_rectangle(name):
    pieces = layout(name, *CANVAS.coordinates())
    assert pieces.ident.min() >= 0
    assert pieces.ident.max() < pieces.count
    assert (np.abs(pieces.u_m) <= pieces.half_u_m + 1e-5).all()
    assert (np.abs(pieces.v_m) <= pieces.half_v_m + 1e-5).all()
    for ident in np.unique(pieces.ident):
        inside = pieces.ident == ident
        area = 4 * pieces.half_u_m[inside][0] * pieces.half_v_m[inside][0]
        assert inside.sum() * CANVAS.texel_m**2 == pytest.approx(area, rel=0.06)


@pytest.mark.parametrize("name", NAMES)
def test_repeats_with_the_tile(name):
    x, y = np.random.default_rng(5).uniform(0, 2.4, (2, 50, 50))
    here, there = layout(name, x, y), layout(name, x + 2.4, y - 2.4)
    assert np.array_equal(here.ident, there.ident)
    assert np.allclose(here.u_m, there.u_m, atol=1e-5)


def test_edge_is_the_distance_to_the_rectangle():
    pieces = courses(*CANVAS.coordinates(), 2.4, 6, 6, np.random.default_rng(0))
    straight = np.minimum(pieces.half_u_m - np.abs(pieces.u_m), pieces.half_v_m - np.abs(pieces.v_m))
    assert np.allclose(pieces.edge(), straight, atol=1e-5)
    corner = np.unravel_index(np.argmin(pieces.edge(0.05)), pieces.u_m.shape)
    away = np.hypot(np.abs(pieces.u_m[corner]) - 0.15, np.abs(pieces.v_m[corner]) - 0.15)
    assert pieces.edge(0.05)[corner] == pytest.approx(0.05 - away, abs=1e-4)
