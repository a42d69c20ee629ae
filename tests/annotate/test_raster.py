from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kinebench.acceptance import find
from kinebench.annotate import depth
from kinebench.annotate.raster import rasterise
from kinebench.scene.pose import to_body, to_world


@pytest.fixture(scope="module")
def clip(tiny_interactions, grounds):
    accepted = find(tiny_interactions, "train", 0, 0, grounds)
    return accepted.scene, accepted.rollout, rasterise(accepted.scene, accepted.rollout)


def outline(body, position, quaternion, camera, n=256):
    """Projected points of a dense mesh of the body: an independent description of its shape."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    if body.shape == "cube":
        ring = ring / np.abs(ring).max(axis=-1, keepdims=True)
        ring = np.concatenate([ring, [[1, 1], [1, -1], [-1, 1], [-1, -1]]])
    points = np.concatenate([np.column_stack([ring, np.full(len(ring), z)]) for z in (-1, 1)])
    px, _ = camera.project(to_world(points * np.array(body.size_m) / 2, position, quaternion))
    return px


def hull(points):
    from kinebench.render.reach import _hull

    return [tuple(p) for p in _hull(points)]


def test_silhouette_against_a_polygon_filler(clip):
    """One object alone: its mask is the convex hull of its mesh, as PIL fills it at eight times the resolution."""
    scene, rollout, _ = clip
    for number, body in enumerate(scene.bodies):
        alone = replace(scene, bodies=(body,))
        part = replace(
            rollout,
            positions_m=rollout.positions_m[:1, [number]],
            quaternions_wxyz=rollout.quaternions_wxyz[:1, [number]],
        )
        mask = rasterise(alone, part).segmentation[0] == 1
        points = outline(body, part.positions_m[0, 0], part.quaternions_wxyz[0, 0], scene.camera)
        big = Image.new("L", (scene.camera.width_px * 8, scene.camera.height_px * 8))
        ImageDraw.Draw(big).polygon([(x * 8, y * 8) for x, y in hull(points)], fill=255)
        drawn = np.asarray(big)[4::8, 4::8] > 0
        assert (mask & drawn).sum() / (mask | drawn).sum() > 0.97


def test_depth_lies_on_the_surfaces(clip):
    scene, rollout, geometry = clip
    camera = scene.camera
    for frame in (0, len(geometry.depth_m) - 1):
        y, x = np.mgrid[0 : camera.height_px, 0 : camera.width_px]
        points = camera.position_m + camera.rays(x + 0.5, y + 0.5) * geometry.depth_m[frame][..., None]
        ids = geometry.segmentation[frame]
        assert np.abs(points[ids == 0][:, 2]).max() < 1e-4
        for number, body in enumerate(scene.bodies, 1):
            poses = rollout.positions_m[frame, number - 1], rollout.quaternions_wxyz[frame, number - 1]
            local = np.abs(to_body(points[ids == number], *poses)) / (np.array(body.size_m) / 2)
            if body.shape == "cube":
                surface = local.max(axis=-1)
            else:
                surface = np.maximum(np.hypot(local[:, 0], local[:, 1]), local[:, 2])
            assert surface == pytest.approx(1, abs=1e-4)


def test_nearest_object_wins(clip):
    scene, rollout, geometry = clip
    order = (1, 0, *range(2, len(scene.bodies)))
    swapped = replace(scene, bodies=tuple(scene.bodies[i] for i in order))
    moved = replace(
        rollout,
        positions_m=rollout.positions_m[:, list(order)],
        quaternions_wxyz=rollout.quaternions_wxyz[:, list(order)],
    )
    names = np.array([0, *(i + 1 for i in order)])
    assert np.array_equal(names[rasterise(swapped, moved).segmentation], geometry.segmentation)


def test_depth_codes_are_exact_to_half_a_step():
    metres = np.array([0.5, 2.71828, 13.1, 14.0, np.inf])
    back = depth.decode(depth.encode(metres))
    assert back[:3] == pytest.approx(metres[:3], abs=depth.STEP_M / 2 + 1e-6)
    assert np.isinf(back[3:]).all()
