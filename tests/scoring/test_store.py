import os

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.metrics.metric import Reading
from kinebench.scoring.store import shelf


@pytest.fixture
def kept(meters, tmp_path):
    return shelf(meters.Counting(tmp_path / "diary"))


def reading():
    features = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    return Reading({"darkness": 1 / 3, "moving": None}, {"features": features, "none": np.zeros((0, 2))})


def test_a_reading_comes_back_as_it_was(kept):
    assert kept.get("truth", "video") is None
    kept.put("truth", "video", reading())
    found = kept.get("truth", "video")
    assert found.values == reading().values
    for name, array in reading().arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert np.array_equal(found.arrays[name], array)
    assert kept.get("truth", "other") is kept.get("other", "video") is None


@pytest.mark.parametrize("size", [0, 99, -30])
def test_a_file_that_is_cut_short_counts_as_none(kept, size):
    kept.put("truth", "video", reading())
    path = kept.path("truth", "video")
    path.write_bytes(path.read_bytes()[:size])
    assert kept.get("truth", "video") is None
    kept.put("truth", "video", reading())
    assert kept.get("truth", "video").values == reading().values


def test_any_byte_may_be_damaged(kept):
    kept.put("truth", "video", reading())
    path = kept.path("truth", "video")
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 200):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(8)))]) + whole[place + 1 :])
        found = kept.get("truth", "video")
        if found is not None:  # a byte that says nothing of the content, such as a date
            assert found.values == reading().values
            assert np.array_equal(found.arrays["features"], reading().arrays["features"])


def test_other_options_stand_on_another_shelf(meters, tmp_path, kept):
    assert shelf(meters.Counting(tmp_path / "elsewhere")) == kept, "where it writes its diary changes no number"
    assert shelf(meters.Counting(tmp_path, option=1)).folder != kept.folder


def test_nothing_that_is_no_number_is_kept(kept):
    with pytest.raises(KineBenchError, match="counting gives inf for moving, which is no score"):
        kept.put("truth", "video", Reading({"darkness": 0.0, "moving": float("inf")}))


def test_a_cache_that_cannot_be_written(kept, cache):
    cache.write_text("in the way")
    with pytest.raises(KineBenchError, match=r"cannot keep readings in .*name another folder in KINEBENCH_CACHE"):
        kept.put("truth", "video", reading())


def test_what_a_killed_writer_left_is_swept_up(kept):
    kept.put("truth", "video", reading())
    left = kept.path("truth", "video").with_name(".video.npz.elsewhere.1.tmp")
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    kept.put("truth", "video", reading())
    assert not left.exists()
