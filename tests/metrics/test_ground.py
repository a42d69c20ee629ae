"""Places on the ground by masks, against boxes that were rasterised where they are known to be."""

import numpy as np
import pytest

from kinebench.annotate.raster import rasterise
from kinebench.metrics.ground import centroids_px, ground_path, held
from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import look_at
from kinebench.scene.pose import yaw_quaternion
from kinebench.scene.scene import Body

F, EDGE_M = 13, 0.2
CAMERA = look_at(np.array([0, -2.2, 1.6]), np.zeros(3), width_px=240, height_px=160, field_of_view_rad=0.9)
FRAMES = np.linspace(0, 1, F)[:, None]


class Stage:
    """What `rasterise` reads of a scene."""

    def __init__(self, boxes, camera):
        size, still = (EDGE_M,) * 3, (0.0, 0.0, 0.0)
        self.bodies = (Body("cube", size, "red", (1, 0, 0), 0.5, 1.0, 0.5, 0.1, still, 0.0, still),) * boxes
        self.camera = camera


def drawn(*paths, camera=CAMERA, turn_rad=0.4):
    """Instances (F, H, W) of boxes 1, 2, ... on these paths (F, 2)."""
    positions = np.stack([np.column_stack([path, np.full(F, EDGE_M / 2)]) for path in paths], axis=1)
    turns = np.tile(yaw_quaternion(turn_rad), (F, len(paths), 1))
    still = np.zeros_like(positions)
    return rasterise(Stage(len(paths), camera), Rollout(positions, turns, still, still, (), 0.0)).segmentation


def line(start, way):
    return np.array(start) + FRAMES * np.array(way)


def found(instances, id, camera=CAMERA):
    mask = instances == id
    return ground_path(camera, mask, (instances > 0) & ~mask, EDGE_M / 2)


def errors_m(path, truth):
    return np.linalg.norm((path - path[0]) - (truth - truth[0]), axis=1)


def by_centroid(instances, id):
    """The same without a look at what is hidden."""
    rays = CAMERA.rays(*centroids_px(instances == id).T)
    depths_m = (EDGE_M / 2 - CAMERA.position_m[2]) / rays[:, 2]
    return (CAMERA.position_m + depths_m[:, None] * rays)[:, :2]


def test_a_box_in_the_open_is_where_it_was_drawn():
    path = line((-0.4, -0.3), (0.7, 0.5))
    measured = found(drawn(path), 1)
    assert errors_m(measured, path).max() < 0.008
    np.testing.assert_allclose(measured, path, atol=0.02)


def test_nothing_that_hides_it_moves_a_box():
    """A box that stands still, while another goes by in front of it and hides up to a third."""
    still = np.tile([0.0, 0.2], (F, 1))
    instances = drawn(still, line((-0.6, -0.07), (1.2, 0)))
    area = (instances == 1).sum(axis=(1, 2))
    assert area.min() < 0.7 * area.max()
    assert errors_m(by_centroid(instances, 1), still).max() > 0.03
    assert errors_m(found(instances, 1), still).max() < 0.015


def test_a_box_that_goes_behind_another():
    path = line((-0.5, 0.2), (0.65, 0.0))
    instances = drawn(path, np.tile([0.12, -0.1], (F, 1)))
    area = (instances == 1).sum(axis=(1, 2))
    assert area[-1] < 0.75 * area[0]
    assert errors_m(by_centroid(instances, 1), path)[-1] > 0.03
    assert errors_m(found(instances, 1), path).max() < 0.02


def test_a_box_that_is_half_hidden_at_first():
    """What is seen of it in frame 0 is looked for in all the others."""
    path = line((0.15, 0.2), (-0.6, 0.0))
    instances = drawn(path, np.tile([0.2, -0.1], (F, 1)))
    area = (instances == 1).sum(axis=(1, 2))
    assert area[0] < 0.75 * area[-1]
    assert errors_m(by_centroid(instances, 1), path)[-1] > 0.03
    assert errors_m(found(instances, 1), path).max() < 0.02


def test_a_box_that_leaves_the_image():
    path = line((0.95, 0.0), (0.7, 0.0))
    instances = drawn(path)
    seen = (instances == 1).any(axis=(1, 2))
    assert not seen.all()
    measured = found(instances, 1)
    assert np.isnan(measured[~seen]).all()
    whole = (instances == 1).sum(axis=(1, 2))
    half = whole > 0.4 * whole[0]
    assert errors_m(by_centroid(instances, 1), path)[half].max() > 0.03
    assert errors_m(measured, path)[half].max() < 0.02


def test_large_objects_are_as_exact():
    """Where only every other pixel is looked at."""
    big = look_at(np.array([0, -2.2, 1.6]), np.zeros(3), width_px=960, height_px=640, field_of_view_rad=0.9)
    path = line((-0.5, 0.2), (0.65, 0.0))
    instances = drawn(path, np.tile([0.12, -0.1], (F, 1)), camera=big)
    assert errors_m(found(instances, 1, big), path).max() < 0.015


def test_a_mask_alone_follows_its_centroid():
    """The plain mean of pixels, met by the plane; nothing where the mask is empty."""
    mask = np.random.default_rng(0).random((F, 160, 240)) < 0.01
    mask[:, [0, -1]], mask[:, :, [0, -1]], mask[3] = False, False, False
    path = ground_path(CAMERA, mask, np.zeros_like(mask), 0.1)
    assert np.isnan(path[3]).all()
    for frame in (0, 7):
        y, x = np.nonzero(mask[frame])
        pixels, _ = CAMERA.project(np.array([*path[frame], 0.1]))
        np.testing.assert_allclose(pixels, [x.mean() + 0.5, y.mean() + 0.5])
    assert np.isnan(ground_path(CAMERA, np.zeros_like(mask), mask, 0.1)).all()
    assert np.isnan(centroids_px(np.zeros_like(mask))).all()


@pytest.mark.parametrize("seed", range(20))
def test_any_masks_give_a_path(seed):
    """Blobs of any shape, overlapping, at edges, empty: no error, and NaN only where there is nothing."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((2, 5, 40, 50), bool)
    for which, frame in np.ndindex(2, 5):
        y, x, h, w = rng.integers(-10, 45, 2).tolist() + rng.integers(0, 25, 2).tolist()
        masks[which, frame, max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = True
    down = look_at(np.array([0, -0.5, 3]), np.zeros(3), width_px=50, height_px=40, field_of_view_rad=0.9)
    path = ground_path(down, masks[0], masks[1], 0.1)
    np.testing.assert_array_equal(np.isfinite(path).all(axis=1), masks[0].any(axis=(1, 2)))


def test_nothing_lies_above_the_horizon():
    level = look_at(np.array([0, -2.0, 0.5]), np.array([0, 0, 0.5]), width_px=40, height_px=30, field_of_view_rad=0.9)
    mask = np.zeros((2, 30, 40), bool)
    mask[0, 5, 20] = mask[1, 25, 20] = True
    path = ground_path(level, mask, np.zeros_like(mask), 0.1)
    assert np.isnan(path[0]).all()
    assert np.isfinite(path[1]).all()


def test_a_lost_object_stays_where_it_was():
    gaps = line((0, 0), (1.2, 0))
    gaps[[0, 5, 6, 12]] = np.nan
    expected = line((0, 0), (1.2, 0))[[1, 1, 2, 3, 4, 4, 4, 7, 8, 9, 10, 11, 11]]
    np.testing.assert_array_equal(held(gaps), expected)
    np.testing.assert_array_equal(held(np.full((F, 2), np.nan)), np.zeros((F, 2)))
