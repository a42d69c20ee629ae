"""Tracks of random worlds against surfaces, projections, ids, depth, flow, and rays through triangles."""

import importlib.util
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinebench.acceptance import find
from kinebench.annotate import flow
from kinebench.annotate.raster import rasterise
from kinebench.annotate.tracks import BEHIND_PX, grid, track
from kinebench.scene.scene import Body
from kinebench.shards import tracks as members

spec = importlib.util.spec_from_file_location("worlds", Path(__file__).with_name("worlds.py"))
worlds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worlds)


@pytest.fixture(scope="module")
def clips():
    cases = [worlds.world(seed) for seed in range(20, 32)] + [worlds.behind(seed) for seed in range(100, 104)]
    return [(scene, rollout, rasterise(scene, rollout), track(scene, rollout)) for scene, rollout in cases]


def each(clip):
    """Frame, object id and which points are its, for every object and frame."""
    _, _, _, tracks = clip
    for frame in range(worlds.F):
        for number in np.unique(tracks.objects):
            yield frame, number, tracks.objects == number


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["cube", "cylinder"]), st.tuples(*[st.floats(0.05, 1.0)] * 3))
def test_a_grid_covers_the_surface_evenly(shape, size):
    size = size if shape == "cube" else (size[0], size[0], size[2])
    body = Body(shape, size, "red", (1, 0, 0), 0.5, 1, 0.4, 0.3, (0, 0, 0), 0, (0, 0, 0))
    points, normals = grid(body)
    assert 35 <= len(points) <= 110
    assert np.abs(worlds.implicit(body, points)).max() < 1.5e-6  # stored to a micrometre
    assert np.abs(normals - worlds.gradient(body, points)).max() < 1e-5
    again = grid(body)
    assert np.array_equal(points, again[0])
    faces = {tuple(face) for face in np.rint(normals).astype(int)} if shape == "cube" else set(np.rint(normals[:, 2]))
    assert len(faces) == (6 if shape == "cube" else 3)
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1) + 9 * np.eye(len(points))
    area = 2 * sum(np.prod(size) / np.array(size)) if shape == "cube" else np.pi * size[0] * (size[0] / 2 + size[2])
    assert apart.min() > 0.15 * np.sqrt(area / len(points))
    if max(size) < 3 * min(size):  # of sizes as in the recipes
        assert 45 <= len(points) <= 85
        assert apart.min(axis=0).max() < 1.6 * np.sqrt(area / len(points))


def test_points_are_projected_wherever_they_are(clips):
    for clip in clips:
        scene, rollout, _, tracks = clip
        assert np.isfinite(tracks.xy_px).all()
        for frame, number, mine in each(clip):
            world = worlds.into_world(tracks.points_m[mine], rollout, frame, number)
            ahead = (world - worlds.position(scene.camera)) @ np.array(scene.camera.rotation)[2]
            xy = tracks.xy_px[frame, mine]
            assert (xy[ahead < 0.0099] == BEHIND_PX).all() and not tracks.visible[frame, mine][ahead < 0.0099].any()
            front = ahead > 0.0101
            assert np.abs(xy - worlds.projected(scene.camera, world))[front].max(initial=0) < 0.00051
    assert any((tracks.xy_px == BEHIND_PX).any() for *_, tracks in clips)


def test_visible_points_are_inside_the_image(clips):
    for *_, tracks in clips:
        shown = tracks.xy_px[tracks.visible]
        assert (shown >= 0).all() and (shown < (worlds.W, worlds.H)).all()
        assert 0 < tracks.visible.mean() < 0.6  # about half of a convex body looks away


def test_visible_means_that_ids_and_depth_agree(clips):
    """Where all pixels about a point show one object, it is visible if and only if it is that one, at its depth."""
    agreed = np.zeros(2, dtype=int)
    for clip in clips:
        scene, rollout, geometry, tracks = clip
        for frame, number, mine in each(clip):
            xy, visible = tracks.xy_px[frame, mine], tracks.visible[frame, mine]
            whole, label = worlds.surrounded(geometry.segmentation[frame], xy)
            assert not visible[whole & (label != number)].any()
            world = worlds.into_world(tracks.points_m[mine], rollout, frame, number)
            depth = (world - worlds.position(scene.camera)) @ np.array(scene.camera.rotation)[2]
            own = np.flatnonzero(whole & (label == number))
            x0, y0 = np.floor(xy[own] - 0.5).astype(int).T
            four = np.stack([geometry.depth_m[frame, y0 + j, x0 + i] for j in (0, 1) for i in (0, 1)])
            low, high = four.min(axis=0), four.max(axis=0)
            smooth = high - low < 0.02
            shows = (depth[own] > low - 0.005) & (depth[own] < high + 0.005)
            assert (visible[own] <= shows)[smooth].all()
            behind = depth[own] > high + 0.03
            assert not visible[own][behind].any()
            front = smooth & (depth[own] < high + 1e-3)
            assert visible[own][front].mean() > 0.9 if front.any() else True
            agreed += [visible[own].sum(), behind.sum()]
    assert agreed.min() > 1000


def test_visible_is_what_rays_through_triangles_say(clips):
    called, total = np.zeros(2, dtype=int), 0
    for clip in clips:
        scene, rollout, _, tracks = clip
        for frame, number, mine in each(clip):
            shows, hidden = worlds.sight(scene, rollout, frame, number, tracks.points_m[mine])
            visible = tracks.visible[frame, mine]
            assert visible[shows].all() and not visible[hidden].any()
            called += (shows.sum(), hidden.sum())
            total += mine.sum()
    assert called.min() > 2000 and called.sum() > 0.8 * total


def test_one_step_is_what_flow_says(clips):
    """Flow about a visible point (bilinear, on its face) leads to where the track goes; both agree that it is seen."""
    off, seen, kept = [], [], []
    for clip in clips:
        scene, rollout, geometry, tracks = clip
        moves = flow.decode(flow.forward_codes(scene, rollout, geometry))
        for frame in range(worlds.F - 1):
            labels = 100 * geometry.segmentation[frame].astype(int) + geometry.faces[frame]
            shown = np.flatnonzero(tracks.visible[frame])
            whole, label = worlds.surrounded(labels, tracks.xy_px[frame, shown])
            shown = shown[whole & (label // 100 == tracks.objects[shown])]
            here = tracks.xy_px[frame, shown]
            off.append(here + worlds.bilinear(moves.px[frame], here) - tracks.xy_px[frame + 1, shown])
            # The flag of four neighbours that agree is the point's own, but for an edge that runs between them.
            whole, label = worlds.surrounded(moves.seen[frame].astype(int), here)
            seen.append(label[whole] > 0)
            kept.append(tracks.visible[frame + 1, shown[whole]])
    off, seen, kept = (np.concatenate(parts) for parts in (off, seen, kept))
    error = np.linalg.norm(off, axis=-1)
    assert len(error) > 1000 and np.median(error) < 0.01 and np.quantile(error, 0.99) < 0.1
    assert (seen == kept).mean() > 0.995 and (~kept).sum() > 10


def test_a_clip_of_the_recipe(tiny_interactions, grounds):
    """Simulated, not tossed: as many points as stated, few bytes, and frames that repeat while nothing moves."""
    accepted = find(tiny_interactions, "train", 1, 0, grounds)
    tracks = track(accepted.scene, accepted.rollout)
    counts = np.bincount(tracks.objects)[1:]
    assert len(counts) == len(accepted.scene.bodies) and counts.min() >= 45 and counts.max() <= 85
    assert tracks.visible[0].any() and tracks.visible.shape == (13, counts.sum())
    moving = (np.abs(np.diff(tracks.xy_px, axis=0)).max(axis=-1) > 0).any(axis=0)
    poses = np.concatenate([accepted.rollout.positions_m, accepted.rollout.quaternions_wxyz], axis=-1)
    still = np.flatnonzero(np.ptp(poses, axis=0).max(axis=-1) == 0) + 1
    assert len(still) and not moving[np.isin(tracks.objects, still)].any()
    assert moving[np.isin(tracks.objects, accepted.scene.driven)].all()


@pytest.fixture(scope="module")
def member():
    return members.dump(track(*worlds.world(5)))


def test_a_member_fits_its_schema_and_reads_back(member):
    jsonschema.Draft202012Validator.check_schema(members.schema())
    jsonschema.Draft202012Validator(members.schema()).validate(json.loads(member))
    tracks, back = track(*worlds.world(5)), members.parse(member)
    for name in ("objects", "points_m", "xy_px", "visible"):
        assert np.array_equal(getattr(back, name), getattr(tracks, name)), name
        assert getattr(back, name).dtype == getattr(tracks, name).dtype
    assert members.dump(back) == member


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.pop("visible"),
        lambda m: m.update(schema_version=2),
        lambda m: m.update(extra=1),
        lambda m: m["objects"].pop(),
        lambda m: m["objects"].__setitem__(0, 0),
        lambda m: m["objects"].__setitem__(0, 1.5),
        lambda m: m["points_m"][3].append(1.0),
        lambda m: m["xy_px"].pop(),
        lambda m: m["xy_px"][0][0].__setitem__(0, None),
        lambda m: m["xy_px"][0][0].__setitem__(0, "1"),
        lambda m: m["visible"][1].pop(),
        lambda m: m["visible"][0].__setitem__(0, 2),
        lambda m: m.update(xy_px=[], visible=[]),
        lambda m: m.update(objects=3),
    ],
)
def test_a_damaged_member_is_refused(member, change):
    content = json.loads(member)
    change(content)
    with pytest.raises(ValueError, match=r"not|are"):
        members.parse(json.dumps(content).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"xy_px": NaN}'])
def test_what_is_no_member_is_refused(data):
    with pytest.raises(ValueError):
        members.parse(data)
