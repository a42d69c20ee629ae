import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from kinebench.render.window import Window, cover

grids = npst.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def painted(windows, shape):
    grid = np.zeros(shape, dtype=int)
    for w in windows:
        grid[w.y0 // 8 : w.y1 // 8, w.x0 // 8 : w.x1 // 8] += 1
    return grid


@given(grids)
def test_cover_holds_every_needed_tile_once(needed):
    grid = painted(cover(needed, 8, 4, 250), needed.shape)
    assert np.all(grid[needed] == 1) and grid.max(initial=0) <= 1


@given(grids)
def test_cover_never_costs_more_than_the_bounding_box(needed):
    def cost(windows):
        return sum((w.width + 8) * (w.height + 8) + 250 for w in windows)

    rows, columns = np.nonzero(needed)
    if len(rows):
        box = Window(columns.min() * 8, rows.min() * 8, columns.max() * 8 + 8, rows.max() * 8 + 8)
        assert cost(cover(needed, 8, 4, 250)) <= cost([box])


def test_two_distant_patches_are_two_windows():
    needed = np.zeros((40, 60), dtype=bool)
    needed[2:8, 3:9] = needed[30:36, 50:58] = True
    assert set(cover(needed, 8, 4, 250)) == {Window(24, 16, 72, 64), Window(400, 240, 464, 288)}


def test_nothing_needed_nothing_rendered():
    assert cover(np.zeros((5, 5), dtype=bool), 8, 4, 250) == []


def test_margin_stops_at_the_border():
    assert Window(0, 10, 20, 96).grown(8, 128, 96) == Window(0, 2, 28, 96)
