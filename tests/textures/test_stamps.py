import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinebench.textures.canvas import Canvas
from kinebench.textures.stamps import Stamps, lay

CANVAS = Canvas(64, 1.0, "stamps")


def stamps(*rows):
    return Stamps(*(np.array(column, np.float32) for column in zip(*rows, strict=True)))


@settings(max_examples=25, deadline=None)
@given(angle=st.floats(-3.2, 3.2), x=st.floats(0, 1), y=st.floats(0, 1))
def test_a_rod_covers_its_area_wherever_it_lies(angle, x, y):
    laid = lay(CANVAS, stamps((x, y, angle, 0.5, 0.2, 0.0)), "rod")
    assert laid.covered.mean() == pytest.approx(0.5 * 0.2, rel=0.1)


def test_wraps_around_the_corner():
    laid = lay(CANVAS, stamps((0.0, 0.0, 0.0, 0.3, 0.3, 0.0)), "rod")
    corners = laid.covered[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.all()
    assert not laid.covered[64, 64]


def test_later_stamps_lie_on_top_also_across_batches(monkeypatch):
    rows = [(0.5, 0.5, k, 0.3, 0.3, 0.0) for k in range(6)]
    together = lay(CANVAS, stamps(*rows), "rod")
    monkeypatch.setattr("kinebench.textures.stamps._BATCH", 1)
    assert np.array_equal(together.owner, lay(CANVAS, stamps(*rows), "rod").owner)
    assert together.owner[64, 64] == 5


def test_places_on_the_stamp():
    laid = lay(CANVAS, stamps((0.5, 0.5, 0.0, 0.5, 0.25, 0.0)), "rod")
    row, column = np.nonzero(laid.covered)
    assert np.allclose(laid.along[row, column], ((column + 0.5) / 128 - 0.5) / 0.25, atol=0.05)
    assert np.allclose(laid.across[row, column], ((row + 0.5) / 128 - 0.5) / 0.125, atol=0.1)
