"""Companions as a consumer gets them: types, shapes, and one story told by all."""

import numpy as np
import pytest

from kinebench.data import open_dataset
from kinebench.errors import KineBenchError

NAMES = ("lossless", "depth", "flow", "normals", "tracks")


@pytest.fixture(scope="module")
def clips(tmp_path_factory, synthetic, make):
    folder = tmp_path_factory.mktemp("companions") / "toys"
    make(folder, [synthetic.sample("train", i, companions=NAMES) for i in range(2)])
    return open_dataset(folder)


def test_each_has_its_type_and_shape(clips, synthetic):
    size = (synthetic.F, synthetic.H, synthetic.W)
    for clip in clips:
        tracks, points = clip.tracks, len(clip.tracks.objects)
        wanted = {
            "depth_m": (clip.depth_m, np.float32, size),
            "forward": (clip.forward_flow.px, np.float32, (*size, 2)),
            "forward seen": (clip.forward_flow.seen, np.bool_, size),
            "backward": (clip.backward_flow.px, np.float32, (*size, 2)),
            "backward seen": (clip.backward_flow.seen, np.bool_, size),
            "normals": (clip.normals, np.float32, (*size, 3)),
            "points_m": (tracks.points_m, np.float64, (points, 3)),
            "xy_px": (tracks.xy_px, np.float64, (synthetic.F, points, 2)),
            "visible": (tracks.visible, np.bool_, (synthetic.F, points)),
        }
        for name, (array, dtype, shape) in wanted.items():
            assert (array.dtype, array.shape) == (dtype, shape), name
        assert set(tracks.objects) == {1, 2, 3}
        assert clip.lossless.shape == (*size, 3)


def test_they_tell_one_story(clips):
    """Boxes that stand on the plane: what moves flows, normals of ground and tops are one, tracks move as flow says."""
    for clip in clips:
        ids, moving = clip.segmentation, set(clip.record["quality"]["moved"])
        flowing = clip.forward_flow.px.any(axis=-1)
        assert set(np.unique(ids[flowing])) and set(np.unique(ids[flowing])) <= moving
        assert np.allclose(clip.normals[ids == 0], clip.camera.rotation_array[:, 2], atol=1e-4)
        shown = np.flatnonzero(clip.tracks.visible[0] & clip.tracks.visible[1])
        x, y = clip.tracks.xy_px[0, shown].astype(int).T
        inner = clip.segmentation[0, y, x] == clip.tracks.objects[shown]
        step = clip.tracks.xy_px[1, shown] - clip.tracks.xy_px[0, shown]
        assert inner.sum() > 20
        assert np.abs(step - clip.forward_flow.px[0, y, x])[inner].max() < 1.0


def test_what_was_not_asked_for_is_named(packed):
    with pytest.raises(KineBenchError, match=r"has no member 'normals.mkv'; it has mp4"):
        open_dataset(packed)[0].normals  # noqa: B018
