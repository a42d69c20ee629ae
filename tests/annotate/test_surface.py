"""Depth, ids and normals of random worlds against implicit functions, triangles, and the depth itself."""

import importlib.util
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from kinebench.annotate import depth, normals
from kinebench.annotate.raster import rasterise

spec = importlib.util.spec_from_file_location("worlds", Path(__file__).with_name("worlds.py"))
worlds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worlds)

SEEDS = range(12)


def cases():
    return [worlds.world(seed) for seed in SEEDS] + [worlds.behind(seed) for seed in range(100, 104)]


@pytest.fixture(scope="module")
def clips():
    return [(*case, rasterise(*case)) for case in cases()]


def test_the_worlds_hold_what_they_promise(clips):
    """Cut by the border, reaching behind the camera, hidden, in the sky: else the tests below show little."""
    cut = back = sky = shown = 0
    for scene, rollout, geometry in clips:
        ids, shown = geometry.segmentation[0], shown + len(np.unique(geometry.segmentation[0])) - 1
        rim = np.concatenate([ids[0], ids[-1], ids[:, 0], ids[:, -1]])
        cut += len(set(rim.tolist()) - {0})
        corners = worlds.into_world(worlds.triangles(scene.bodies[0]).reshape(-1, 3), rollout, 0, 1)
        ahead = (corners - worlds.position(scene.camera)) @ np.array(scene.camera.rotation)[2]
        back += ahead.min() < 0 < ahead.max() and (ids == 1).any()
        sky += not np.isfinite(geometry.depth_m[0]).all()
    assert shown > 40 and cut > 10 and back >= 2 and sky >= 3


def test_depth_projects_back_onto_plane_and_surfaces(clips):
    """As computed, and as it is stored: within half a step along the ray."""
    for scene, rollout, geometry in clips:
        for metres, slack in (
            (geometry.depth_m, 0.0),
            (depth.decode(depth.encode(geometry.depth_m)), depth.STEP_M / 2),
        ):
            stored = replace(geometry, depth_m=metres)
            for frame in range(worlds.F):
                y, x = np.nonzero((geometry.segmentation[frame] == 0) & np.isfinite(metres[frame]))
                px = np.column_stack([x, y]) + 0.5
                ground = worlds.lifted(scene.camera, px, metres[frame, y, x])
                # A step of 1 m in depth is at most 1.6 m along the ray in these wide pictures.
                assert (np.abs(ground[:, 2]) <= 1.6 * slack + 2e-6 * (1 + metres[frame, y, x])).all()
                for number, body in enumerate(scene.bodies, 1):
                    points = worlds.pictured(scene, rollout, stored, frame, number)[2]
                    assert (np.abs(worlds.implicit(body, points)) <= 1.6 * slack + 2e-6).all()


def test_the_nearest_surface_wins(clips):
    """Ids and depth against rays through triangles: objects 0.3 % larger are nearer, 0.3 % smaller ones farther."""
    for scene, rollout, geometry in clips[::2]:
        rng = np.random.default_rng(0)
        y, x = rng.integers(0, worlds.H, 800), rng.integers(0, worlds.W, 800)
        eye = worlds.position(scene.camera)
        rays = worlds.lifted(scene.camera, np.column_stack([x, y]) + 0.5, np.ones(800)) - eye
        down = np.where(rays[:, 2] < 0, -eye[2] / np.where(rays[:, 2] < 0, rays[:, 2], -1), np.inf)
        hits = []
        for scale in (1.003, 0.997):
            depths = [down]
            for number, body in enumerate(scene.bodies, 1):
                here = worlds.into_body(np.vstack([eye, eye + rays]), rollout, 1, number)
                depths.append(worlds.first_hit(worlds.triangles(body, scale), here[0], here[1:] - here[0]))
            hits.append(np.stack(depths))
        nearest, farthest = (hit.min(axis=0) for hit in hits)
        shown = geometry.depth_m[1, y, x]
        assert ((nearest <= shown * (1 + 1e-6)) & (shown <= farthest * (1 + 1e-6))).all()
        sure = hits[0].argmin(axis=0) == hits[1].argmin(axis=0)
        assert sure.mean() > 0.9
        assert np.mean(hits[1].argmin(axis=0)[sure] == geometry.segmentation[1, y, x][sure]) > 0.995


def test_a_camera_inside_an_object_looks_through_it():
    scene, rollout = worlds.world(0)
    rollout.positions_m[:, 0] = worlds.position(scene.camera)
    ids = rasterise(scene, rollout).segmentation
    assert not (ids == 1).any()
    alone = rasterise(
        replace(scene, bodies=scene.bodies[1:]),
        worlds.rollout(rollout.positions_m[:, 1:], rollout.quaternions_wxyz[:, 1:]),
    )
    assert np.array_equal(np.maximum(ids, 1) - 1, alone.segmentation)


def test_normals_are_the_gradient_of_the_surface(clips):
    """And of unit length, and towards the camera; the ground's is up, the sky's is none."""
    for scene, rollout, geometry in clips:
        decoded = normals.decode(normals.normal_codes(scene, rollout, geometry))
        assert decoded.dtype == np.float32
        turn = np.array(scene.camera.rotation)
        for frame in range(worlds.F):
            ids, metres = geometry.segmentation[frame], geometry.depth_m[frame]
            sky = ~np.isfinite(metres)
            assert not decoded[frame][sky].any()
            assert np.abs(np.linalg.norm(decoded[frame][~sky], axis=-1) - 1).max() < 5e-5
            assert np.abs(decoded[frame][(ids == 0) & ~sky] - turn[:, 2]).max(initial=0) <= 0.5 / normals.STEPS + 1e-7
            for number, body in enumerate(scene.bodies, 1):
                y, x, points = worlds.pictured(scene, rollout, geometry, frame, number)
                inner = worlds.edge_gap(body, points) > 1e-3
                rotated = worlds.turned(worlds.gradient(body, points), rollout.quaternions_wxyz[frame, number - 1])
                assert np.abs(decoded[frame, y, x] - rotated @ turn.T)[inner].max(initial=0) < 1e-4
                rays = np.column_stack(
                    [x + 0.5 - worlds.W / 2, y + 0.5 - worlds.H / 2, np.full(len(x), scene.camera.focal_px)]
                )
                assert (np.einsum("ni,ni->n", rays, decoded[frame, y, x]) < 0.01).all()


def test_normals_agree_with_differences_of_depth(clips):
    """Where inverse depth is linear over 3 by 3 pixels, the surface is flat there: its normal is a cross product."""
    checked = 0
    for scene, rollout, geometry in clips:
        ids, metres = geometry.segmentation[0], geometry.depth_m[0].astype(float)
        decoded = normals.decode(normals.normal_codes(scene, rollout, geometry))[0]
        grid = np.stack(np.meshgrid(np.arange(worlds.W) + 0.5, np.arange(worlds.H) + 0.5), axis=-1)
        local = np.concatenate(
            [grid - (worlds.W / 2, worlds.H / 2), np.full((*ids.shape, 1), scene.camera.focal_px)], -1
        )
        with np.errstate(invalid="ignore"):
            points = local / scene.camera.focal_px * metres[..., None]
            across = points[1:-1, 2:] - points[1:-1, :-2]
            down = points[2:, 1:-1] - points[:-2, 1:-1]
            found = np.cross(down, across)  # towards the camera
            found /= np.linalg.norm(found, axis=-1, keepdims=True)
            inverse = 1 / metres
            bends = [
                np.abs(inverse[1:-1, 2:] + inverse[1:-1, :-2] - 2 * inverse[1:-1, 1:-1]),
                np.abs(inverse[2:, 1:-1] + inverse[:-2, 1:-1] - 2 * inverse[1:-1, 1:-1]),
            ]
            flat = np.isfinite(metres[1:-1, 1:-1]) & (np.maximum(*bends) < 1e-6)
        one = np.all(
            [
                ids[1 + dy : worlds.H - 1 + dy, 1 + dx : worlds.W - 1 + dx] == ids[1:-1, 1:-1]
                for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0))
            ],
            axis=0,
        )
        good = flat & one & (ids[1:-1, 1:-1] > 0)
        assert np.einsum("ni,ni->n", found[good], decoded[1:-1, 1:-1][good]).min(initial=1) > np.cos(np.deg2rad(0.5))
        checked += good.sum()
    assert checked > 5000


def test_normal_codes():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(4, 5, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    vectors[0, 0], vectors[0, 1], vectors[0, 2] = (0, 0, 0), (-1, 0, 0), (0, 0, 1)
    codes = normals.encode(vectors)
    assert codes[0, :3].tolist() == [[0, 0, 0], [1, 32768, 32768], [32768, 32768, 65535]]
    assert np.abs(normals.decode(codes) - vectors).max() <= 0.5 / 32767 + 1e-7


def cycles(scene, rollout, frame):
    """Depth and world normals (H, W, 3) that Cycles finds at the pixel centres: surfaces that shine in them."""
    import tempfile

    import bpy

    from kinebench.recipe import RenderSpec
    from kinebench.render.blender import Stage
    from kinebench.textures.library import load

    stage = Stage(scene, load("wood_planks_01"), RenderSpec(1, "none"))
    stage.place(rollout.positions_m[frame], rollout.quaternions_wxyz[frame])
    stage.show(range(1, len(scene.bodies) + 1))
    settings = bpy.context.scene
    settings.cycles.pixel_filter_type, settings.cycles.filter_width = "BLACKMAN_HARRIS", 0.01  # no point off the centre
    settings.render.use_border = False
    settings.world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0
    settings.render.image_settings.file_format, settings.render.image_settings.color_depth = "OPEN_EXR", "32"
    settings.view_settings.view_transform = "Raw"
    pictures = []
    for node, output in (("ShaderNodeCameraData", "View Z Depth"), ("ShaderNodeNewGeometry", "Normal")):
        for material in bpy.data.materials:
            tree = material.node_tree
            source, glow = tree.nodes.new(node), tree.nodes.new("ShaderNodeEmission")
            value = source.outputs[output]
            if output == "Normal":  # light is not negative
                raised = tree.nodes.new("ShaderNodeVectorMath")
                raised.operation = "ADD"
                raised.inputs[1].default_value = (2, 2, 2)
                tree.links.new(value, raised.inputs[0])
                value = raised.outputs[0]
            tree.links.new(value, glow.inputs["Color"])
            tree.links.new(glow.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
        with tempfile.TemporaryDirectory() as folder:
            settings.render.filepath = str(Path(folder) / "out.exr")
            bpy.ops.render.render(write_still=True)
            picture = bpy.data.images.load(settings.render.filepath)
            width, height = picture.size
            pictures.append(np.array(picture.pixels[:]).reshape(height, width, 4)[::-1, :, :3])
    return pictures[0][..., 0], pictures[1] - 2


@pytest.mark.slow
def test_cycles_finds_the_same_depth_and_normals():
    """Away from edges, where Blender's polygon for a circle and its single precision decide otherwise."""
    scene, rollout = worlds.world(3)
    geometry = rasterise(scene, rollout)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        metres, facing = pool.submit(cycles, scene, rollout, 0).result()
    ids, wanted = geometry.segmentation[0], geometry.depth_m[0]
    decoded = normals.decode(normals.normal_codes(scene, rollout, geometry))[0]
    turned = facing @ np.array(scene.camera.rotation).T
    near = (wanted < 15) & (wanted > 0.05)
    assert len(np.unique(ids)) >= 4 and near.sum() > 5000
    same = np.abs(metres - wanted) < 2e-3 * wanted
    straight = np.einsum("hwi,hwi->hw", turned, decoded) > np.cos(np.deg2rad(2))
    assert same[near].mean() > 0.99 and straight[near & (ids > 0)].mean() > 0.98
