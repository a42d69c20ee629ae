import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.errors import KineBenchError
from kinebench.shards.stats import Spread, spread, stats


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_spread(values):
    found = spread(values)
    assert found.count == len(values)
    assert found.low == min(values) <= found.median <= max(values) == found.high
    assert found.median == pytest.approx(np.sort(values)[[(len(values) - 1) // 2, len(values) // 2]].mean())


def test_nothing_has_no_spread():
    assert spread([]) == Spread(0, 0.0, 0.0, 0.0, 0.0)


def test_numbers_are_those_of_the_samples(packed, samples):
    found = stats(packed)
    assert found.dataset == "toys"
    test, train = found.splits
    mine = [sample.record for sample in samples if sample.record["split"] == "train"]
    assert (train.name, train.samples, test.samples) == ("train", 5, 3)
    assert train.seconds == pytest.approx(5 * 9 / 12)
    assert train.interaction_share == pytest.approx(4 / 5)
    assert (train.events.low, train.events.high, train.events.mean) == (0, 1, pytest.approx(0.8))
    assert train.colours == {"blue": 5, "green": 5, "red": 5}
    assert train.textures == {"planks_a": 3, "planks_b": 2}
    assert train.shapes == {"cube": 15}
    speeds = [np.linalg.norm(record["objects"][0]["velocities_mps"][0]) for record in mine]
    assert (train.speed_mps.low, train.speed_mps.high) == (pytest.approx(min(speeds)), pytest.approx(max(speeds)))
    sizes = [len(sample.members["mp4"]) for sample in samples if sample.record["split"] == "train"]
    assert train.member_bytes["mp4"].mean == pytest.approx(np.mean(sizes))
    assert "rgb.mkv" in test.member_bytes
    assert "rgb.mkv" not in train.member_bytes
    assert (found.shared_colours, found.shared_textures) == ((), ())


def test_what_splits_share_is_named(tmp_path, samples, synthetic, make):
    record = dict(samples[-1].record, ground=samples[0].record["ground"])
    make(tmp_path, [samples[0], synthetic.change(samples[-1], json=record)])
    assert stats(tmp_path).shared_textures == ("planks_a",)


def test_no_dataset(tmp_path):
    with pytest.raises(KineBenchError, match="no packed dataset"):
        stats(tmp_path)
