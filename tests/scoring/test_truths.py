import numpy as np
import pytest

from kinebench.data import open_dataset
from kinebench.errors import KineBenchError
from kinebench.scoring.truths import clip_frames, frames_of, identity, identity_at, open_truths, truth_of, truths
from kinebench.shards import video


def test_a_test_split_gives_lossless_frames(data):
    found = list(truths(open_dataset(data, "test")))
    assert [truth.key for truth in found] == [f"toys_test_{i:06d}" for i in range(6)]
    shards = open_truths(data, "test")
    for truth in found:
        assert np.array_equal(truth.frames, video.decode_rgb(shards.member(truth.key, "rgb.mkv")))
        assert truth.frames.shape == (*truth.instances.shape, 3)
        assert (truth.fps, truth.driven) == (12.0, (1,))
        assert truth.rollout.positions_m.shape[0] == len(truth.frames)


def test_other_splits_give_those_of_the_mp4(data):
    dataset = open_dataset(data, "train")
    assert frames_of(dataset.source.rows[key] for key in dataset.keys) == "mp4"
    example, truth = dataset[0], next(truths(dataset))
    assert np.array_equal(truth.frames, example.rgb)
    assert np.array_equal(truth.frames, truth_of(example, "mp4").frames)


def test_a_split_without_some_lossless_frames_is_one_of_mp4s(data):
    rows = open_truths(data, "test").rows
    assert frames_of(rows[key] for key in ("toys_test_000000", "toys_test_000001")) == "lossless"
    assert frames_of(rows.values()) == "mp4"


def test_some_frames_of_a_truth_are_another_truth(data):
    shards = open_truths(data, "test")
    whole = identity(shards.rows["toys_test_000000"], "lossless")
    assert identity_at(whole, None) == whole, "what was read of whole clips stays valid"
    assert len({identity_at(whole, frames) for frames in (None, (0, 4, 8), (0, 3, 5, 8), (0, 1, 8))}) == 4
    assert clip_frames(shards) == 9
    example = open_dataset(data, "test")[0]
    assert np.array_equal(truth_of(example, "lossless", (0, 4, 8)).frames, example.lossless[[0, 4, 8]])


def test_a_truth_is_known_by_what_it_is_made_of(data):
    rows = open_truths(data, "test").rows
    names = [identity(rows[f"toys_test_{i:06d}"], frames) for i in range(6) for frames in ("lossless", "mp4")]
    assert len(set(names)) == 12


def test_damage_is_noticed_before_it_is_scored(dataset):
    path = dataset / "toys-test-lossless-000000.tar"
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    shards = open_truths(dataset, "test")
    with pytest.raises(KineBenchError, match="toys_test_000000 is damaged; run: kinebench verify"):
        shards.member("toys_test_000000", "rgb.mkv")


@pytest.mark.parametrize(
    ("folder", "split", "words"),
    [
        ("nowhere", "test", "there is no folder"),
        ("", "test", "is no packed dataset"),
        ("toys", "x", "has no split"),
    ],
)
def test_what_is_no_dataset(data, tmp_path, folder, split, words):
    with pytest.raises(KineBenchError, match=words):
        open_truths(data if folder == "toys" else tmp_path / folder, split)


def test_a_list_of_tars_has_no_truths(data):
    with pytest.raises(KineBenchError, match="open the folder"):
        next(truths(open_dataset(f"{data}/toys-test-{{000000..000001}}.tar")))
