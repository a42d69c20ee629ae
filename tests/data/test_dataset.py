import pickle

import numpy as np
import pytest

from kinebench.annotate.velocity import decode, velocity_mask
from kinebench.data import Example, open_dataset
from kinebench.errors import KineBenchError
from kinebench.shards import video
from kinebench.shards.read import Shards


@pytest.fixture(scope="module")
def clips(packed):
    return open_dataset(packed)


def test_numbers_and_keys(clips, samples):
    assert len(clips) == 8
    assert [clip.key for clip in clips] == sorted(sample.key for sample in samples)
    assert clips[-1].key == clips["toys_train_000004"].key == "toys_train_000004"
    with pytest.raises(IndexError):
        clips[8]
    with pytest.raises(KeyError):
        clips["toys_train_000005"]


def test_a_split_holds_its_own_samples_only(packed):
    test = open_dataset(packed, split="test")
    assert [clip.key for clip in test] == [f"toys_test_00000{i}" for i in range(3)]
    with pytest.raises(KeyError):
        test["toys_train_000000"]
    with pytest.raises(KineBenchError, match="no split 'val'; it has test, train"):
        open_dataset(packed, split="val")


def test_no_dataset(tmp_path):
    with pytest.raises(KineBenchError, match=r"no packed dataset: it has no index.jsonl"):
        open_dataset(tmp_path)


def test_an_example_is_what_was_packed(clips, samples):
    sample = next(s for s in samples if s.key == "toys_test_000001")
    clip = clips[sample.key]
    assert clip.record == sample.record
    assert clip.caption == sample.record["captions"]["c"]
    assert (clip.fps, clip.driven, clip.v_max_mps) == (12, (1,), 1.5)
    np.testing.assert_array_equal(clip.segmentation, video.decode_gray(sample.members["segmentation.mkv"]))
    np.testing.assert_array_equal(clip.rgb, video.decode_rgb(sample.members["mp4"]))
    np.testing.assert_array_equal(clip.lossless, video.decode_rgb(sample.members["rgb.mkv"]))


def test_velocity_is_the_table_on_the_pixels(clips):
    """Exact to the last bit, and what is stored agrees to half a step."""
    for clip in clips:
        wanted = velocity_mask(clip.segmentation, clip.rollout.velocities_mps, clip.driven, clip.camera)
        assert clip.velocity.dtype == np.float32
        assert clip.velocity.any()
        np.testing.assert_array_equal(clip.velocity, wanted)
        stored = decode(clip.velocity_codes, clip.v_max_mps)
        assert np.abs(clip.velocity - stored).max() <= clip.v_max_mps / 254 + 1e-6


def test_the_input_of_a_model_is_velocity_over_its_bound(clips):
    clip = clips[0]
    bound = clip.v_max_mps
    np.testing.assert_allclose(clip.velocity_input, np.clip(clip.velocity / bound, -1, 1), atol=1e-6)
    slow = np.abs(clip.velocity).max() / 2
    clip.record["velocity"]["v_max_mps"] = slow
    faster = clips[0]
    faster.record["velocity"]["v_max_mps"] = slow
    assert np.abs(faster.velocity_input).max() == 1
    np.testing.assert_allclose(faster.velocity_input, np.clip(clip.velocity / slow, -1, 1), atol=1e-6)


def test_only_what_is_looked_at_is_read(packed, monkeypatch):
    read = []
    original = Shards.member
    monkeypatch.setattr(Shards, "member", lambda self, key, suffix: read.append(suffix) or original(self, key, suffix))
    clip = open_dataset(packed)[0]
    assert clip.caption == clip.caption
    assert clip.segmentation is clip.segmentation
    assert read == ["txt", "segmentation.mkv"]


def test_a_member_that_is_not_there_is_named(clips):
    with pytest.raises(KineBenchError, match=r"toys_train_000000 in .* has no member 'rgb.mkv'; it has mp4"):
        clips["toys_train_000000"].lossless  # noqa: B018


def test_it_travels_between_processes(clips):
    copy = pickle.loads(pickle.dumps(clips))
    assert copy[3].caption == clips[3].caption
    assert isinstance(pickle.loads(pickle.dumps(clips[0])), Example)


def test_a_cut_tar_is_named(dataset):
    path = dataset / "toys-train-000002.tar"
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(KineBenchError, match=r"toys-train-000002.tar is missing or cut short; run: kinebench verify"):
        open_dataset(dataset)["toys_train_000004"].rgb  # noqa: B018
