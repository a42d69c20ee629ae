"""Flow of random worlds: where points go by a second opinion, and what hides them by rays through triangles."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from kinebench.annotate import flow
from kinebench.annotate.raster import rasterise

spec = importlib.util.spec_from_file_location("worlds", Path(__file__).with_name("worlds.py"))
worlds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worlds)

SEEDS = range(12)


@pytest.fixture(scope="module")
def clips():
    cases = [worlds.world(seed) for seed in SEEDS] + [worlds.behind(seed) for seed in range(100, 104)]
    out = []
    for scene, rollout in cases:
        geometry = rasterise(scene, rollout)
        codes = [make(scene, rollout, geometry) for make in (flow.forward_codes, flow.backward_codes)]
        out.append((scene, rollout, geometry, *map(flow.decode, codes)))
    return out


def steps(forward, backward):
    """Every (flow, frame, other frame) of a clip."""
    yield from ((forward, frame, frame + 1) for frame in range(worlds.F - 1))
    yield from ((backward, frame, frame - 1) for frame in range(1, worlds.F))


def paint(scene, rollout, geometry, frame):
    """A picture (H, W) and face labels (H, W): every surface point has a smooth colour of its own, on its body."""
    colours = np.zeros(geometry.segmentation.shape[1:])
    labels = np.zeros(colours.shape, dtype=int)
    for number, body in enumerate(scene.bodies, 1):
        y, x, points = worlds.pictured(scene, rollout, geometry, frame, number)
        colours[y, x] = np.sin(points @ [9.0, 7.0, 5.0] + number) + np.cos(points @ [-4.0, 6.0, 8.0])
        faces = (
            np.rint(worlds.gradient(body, points)).astype(int) @ [1, 3, 9]
            if body.shape == "cube"
            else (np.rint(np.abs(worlds.gradient(body, points)[:, 2])).astype(int))
        )
        labels[y, x] = 100 * number + faces + 20
    return colours, labels


def test_flow_warps_the_next_frame_back_onto_this_one(clips):
    """Bilinear samples of the other frame's painted picture are this frame's colours; without the flow they are not."""
    errors, still = [], []
    for scene, rollout, geometry, forward, backward in clips:
        pictures = [paint(scene, rollout, geometry, frame) for frame in range(worlds.F)]
        for moves, frame, other in steps(forward, backward):
            colours, labels = pictures[frame]
            y, x = np.nonzero(moves.seen[frame] & (labels > 0))
            there = np.column_stack([x, y]) + 0.5 + moves.px[frame, y, x]
            whole, label = worlds.surrounded(pictures[other][1], there)
            assert (
                label[whole] == labels[y, x][whole]
            ).mean() > 0.995  # at a corner, four pixels may be of one other face
            good = whole & (label == labels[y, x])
            moved = good & moves.px[frame, y, x].any(axis=-1)
            y, x, there = y[moved], x[moved], there[moved]
            errors.append(np.abs(worlds.bilinear(pictures[other][0], there) - colours[y, x]))
            still.append(np.abs(pictures[other][0][y, x] - colours[y, x]))
    errors, still = np.concatenate(errors), np.concatenate(still)
    assert len(errors) > 50_000
    assert np.median(errors) < 2e-3 and np.quantile(errors, 0.99) < 0.03
    assert np.mean(still) > 20 * np.mean(errors)


def test_there_and_back_again(clips):
    """Forward, then backward from where it led (bilinear): the start, wherever both are seen."""
    off = []
    for scene, rollout, geometry, forward, backward in clips:
        for first, second, frame, other in [(forward, backward, 0, 1), (backward, forward, 2, 1)]:
            labels = paint(scene, rollout, geometry, other)[1] * 2 + second.seen[other]
            y, x = np.nonzero(first.seen[frame])
            there = np.column_stack([x, y]) + 0.5 + first.px[frame, y, x]
            whole, label = worlds.surrounded(labels, there)
            good = whole & (label % 2 == 1)
            back = there[good] + worlds.bilinear(second.px[other], there[good])
            moved = first.px[frame, y, x][good].any(axis=-1)
            off.append(np.linalg.norm(back - np.column_stack([x, y])[good] - 0.5, axis=-1)[moved])
    off = np.concatenate(off)
    assert len(off) > 20_000
    assert np.median(off) < 0.01 and np.quantile(off, 0.99) < 0.06


def test_flow_is_the_difference_of_two_projections(clips):
    """To half a step, for hidden points too, by another camera and other quaternions."""
    for scene, rollout, geometry, forward, backward in clips:
        for moves, frame, other in steps(forward, backward):
            assert not moves.px[frame][geometry.segmentation[frame] == 0].any()
            for number in range(1, len(scene.bodies) + 1):
                y, x, points = worlds.pictured(scene, rollout, geometry, frame, number)
                world = worlds.into_world(points, rollout, other, number)
                ahead = (world - worlds.position(scene.camera)) @ np.array(scene.camera.rotation)[2] > 0.02
                there = worlds.projected(scene.camera, world)
                off = there - np.column_stack([x, y]) - 0.5 - moves.px[frame, y, x]
                far = np.abs(off + moves.px[frame, y, x]).max(axis=-1, initial=0) > 500
                assert np.abs(off[ahead & ~far]).max(initial=0) <= flow.STEP_PX / 2 + 2e-3


def test_seen_is_what_rays_through_triangles_say(clips):
    """Hidden by others, by itself, by the border; the few points too close to call are left out, not many."""
    hidden_seen = np.zeros(2, dtype=int)
    total = 0
    for scene, rollout, geometry, forward, backward in clips:
        for moves, frame, other in steps(forward, backward):
            for number in range(1, len(scene.bodies) + 1):
                y, x, points = (part[::23] for part in worlds.pictured(scene, rollout, geometry, frame, number))
                if not len(y):
                    continue
                shows, hidden = worlds.sight(scene, rollout, other, number, points)
                seen = moves.seen[frame, y, x]
                assert seen[shows].all() and not seen[hidden].any()
                hidden_seen += [hidden.sum(), shows.sum()]
                total += len(y)
    assert hidden_seen.sum() > 0.8 * total
    assert hidden_seen.min() > 2000


def test_ground_is_seen_unless_an_object_comes_in_the_way(clips):
    """Points of the plane and of the sky, which have not moved, by rays through triangles in the other frame."""
    rng, covered = np.random.default_rng(0), 0
    for scene, rollout, geometry, forward, backward in clips:
        eye = worlds.position(scene.camera)
        for moves, frame, other in steps(forward, backward):
            ids = geometry.segmentation
            y, x = np.nonzero(ids[frame] == 0)
            changing = np.flatnonzero(ids[other, y, x] > 0)
            some = np.concatenate([rng.choice(len(y), 60), changing[::7][:60]])
            y, x = y[some], x[some]
            far = np.where(np.isfinite(geometry.depth_m[frame, y, x]), geometry.depth_m[frame, y, x], 1e3).astype(float)
            points = worlds.lifted(scene.camera, np.column_stack([x, y]) + 0.5, far)
            points[:, 2] += 1e-6 * far  # not below the plane by rounding
            free, gone = (
                worlds.blocked(scene, rollout, other, eye + 0.999 * (points - eye), [scale] * len(scene.bodies))
                for scale in (1.01, 0.99)
            )
            seen = moves.seen[frame, y, x]
            assert seen[~free].all() and not seen[gone].any()
            covered += gone.sum()
    assert covered > 300


def test_no_frame_beyond_the_ends(clips):
    for *_, forward, backward in clips:
        for moves, end in ((forward, -1), (backward, 0)):
            assert not moves.px[end].any() and not moves.seen[end].any()
        assert forward.seen[0].any() and backward.seen[-1].any()


def test_codes_round_trip_and_say_what_they_cannot_hold():
    rng = np.random.default_rng(0)
    moves, seen = rng.uniform(-300, 300, (2, 4, 5, 2)), rng.uniform(size=(2, 4, 5)) > 0.5
    back = flow.decode(flow.encode(moves, seen))
    assert back.px.dtype == np.float32
    assert np.abs(back.px - moves).max() <= 1 / 128 + 1e-4 and np.array_equal(back.seen, seen)
    out = flow.encode(
        np.array([[511.9, 0], [512.1, 3], [0, -600], [np.nan, np.nan], [-511.9, 1]]), np.ones(5, dtype=bool)
    )
    assert out[:, 2].tolist() == [65535, 0, 0, 0, 65535]
    assert (out[1:4, :2] == flow.ZERO).all() and (out[[0, 4], 0] != flow.ZERO).all()


def test_what_leaves_the_image_is_not_seen():
    """A box slides out to the left by 40 pixels a frame: points beyond the border are gone."""
    rng = np.random.default_rng(0)
    eye = worlds.camera(rng)
    rotation, depth = np.array(eye.rotation), 2.0
    start = worlds.position(eye) + depth * rotation[2]
    start = start + (0.45 - start[2]) * rotation[1] / rotation[1][2]  # where it is clear of the ground
    step = -40 * depth / eye.focal_px * rotation[0]
    positions = np.stack([(start + frame * step)[None] for frame in range(worlds.F)])
    rollout = worlds.rollout(positions, np.tile([1.0, 0.0, 0.0, 0.0], (worlds.F, 1, 1)))
    scene = worlds.scene([worlds.body(rng, "cube")], eye)
    geometry = rasterise(scene, rollout)
    moves = flow.decode(flow.forward_codes(scene, rollout, geometry))
    for frame in range(worlds.F - 1):
        y, x = np.nonzero(geometry.segmentation[frame] == 1)
        there = x + 0.5 + moves.px[frame, y, x, 0]
        assert not moves.seen[frame, y, x][there < 0].any()
    gone = (np.arange(worlds.W) + 0.5 + moves.px[1, ..., 0] < 0) & (geometry.segmentation[1] == 1)
    assert gone.any()
