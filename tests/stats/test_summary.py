import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.errors import KineBenchError
from kinebench.physics.bullet import GRAVITY_MPS2
from kinebench.stats.facts import facts
from kinebench.stats.summary import FEWEST, Sampled, Spread, dump, histogram, load, spread, stats, summarise


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


@given(st.lists(st.floats(0, 50), max_size=40), st.sampled_from([0.1, 0.25, 5]))
def test_histogram_counts_every_value_in_its_bin(values, width):
    found = histogram(values, width)
    edges = found.start + found.width * np.arange(len(found.counts) + 1)
    assert sum(found.counts) == len(values) == found.spread.count
    for value in values:
        i = int(np.searchsorted(edges, value + 1e-9 * width, side="right")) - 1
        assert edges[i] - 1e-6 <= value <= edges[i + 1] + 1e-6
        assert found.counts[i] > 0
    assert not found.counts or (found.counts[0] and found.counts[-1])


def test_facts_are_those_of_the_motion_by_its_formula(synthetic, samples):
    """Toy boxes slow down at a known rate and strike at a time that their record knows."""
    for sample in samples:
        record = sample.record
        found, body = facts(record), record["objects"][0]
        touched = bool(record["events"])
        assert found.first_contact_s == (record["events"][0]["time_s"] if touched else None)
        assert len(found.struck_path_m) == len(found.struck_speed_mps) == touched
        way = np.linalg.norm(np.subtract(body["positions_m"][-1], body["positions_m"][0]))
        assert found.driven_path_m == pytest.approx((way,))  # a straight line
        assert found.driven_speed_mps[0, 0] == pytest.approx(np.linalg.norm(body["velocities_mps"][0]))
        if touched:
            start = record["events"][0]["frame"]
            assert len(found.struck_speed_mps[0]) == synthetic.F - start
            assert found.struck_speed_mps[0].max() == found.struck_speed_mps[0][0] > 0
            continue
        ((mu_g, rate),) = found.slides
        assert rate == pytest.approx(synthetic.SLOWING_MPS2, rel=1e-4)
        assert mu_g == pytest.approx(body["friction"] * record["ground"]["friction"] * GRAVITY_MPS2)


def test_directions_are_the_cameras(samples):
    """Right and away as the picture shows them: by projecting a step of the motion."""
    from kinebench.shards import record as records

    for sample in samples:
        (angle,) = facts(sample.record).direction_rad
        start = np.array(sample.record["objects"][0]["positions_m"][0])
        step = 0.01 * np.array(sample.record["objects"][0]["velocities_mps"][0])
        (before, after), _ = records.camera(sample.record).project(np.stack([start, start + step]))
        right, up = after[0] - before[0], before[1] - after[1]
        if abs(np.cos(angle)) > 0.3:
            assert np.sign(right) == np.sign(np.cos(angle))
        if abs(np.sin(angle)) > 0.5:
            assert np.sign(up) == np.sign(np.sin(angle))


def test_curves_end_where_few_are_left(synthetic):
    records = [synthetic.sample("train", i, contact=True).record for i in range(1, 4)] * FEWEST
    split = summarise("test", "toys", {"train": (Sampled(record, {}) for record in records)}).splits[0]
    curve, starts = split.struck_speed_mps, [record["events"][0]["frame"] for record in records]
    left = [sum(synthetic.F - start > frame for start in starts) for frame in range(synthetic.F)]
    assert list(curve.objects) == [count for count in left if count >= FEWEST]
    for low, middle, high in zip(curve.tenth, curve.median, curve.ninetieth, strict=True):
        assert low <= middle <= high
    assert split.contacts == {"1": len(records)}
    assert sum(split.directions) == len(records)
    assert split.contact_share == 1


def test_written_statistics_are_read_back(packed, tmp_path):
    path = tmp_path / "stats.json"
    path.write_bytes(dump(stats(packed)))
    assert dump(load(path)) == path.read_bytes()
    assert load(path).splits[0].caption_words.counts == stats(packed).splits[0].caption_words.counts


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"splits": [{}]}', '{"splits": [{"name": "train"}]}'])
def test_what_is_no_statistics_is_told(tmp_path, text):
    (tmp_path / "stats.json").write_text(text)
    with pytest.raises(KineBenchError, match="holds no statistics"):
        load(tmp_path / "stats.json")


def test_counterfactual_factors_are_counted(synthetic):
    plain = synthetic.sample("train", 1).record
    made = [dict(plain, counterfactual={"group": "a", "factor": "speed", "value": v}) for v in (0.5, 1.0, 0.5)]
    split = summarise("test", "toys", {"train": (Sampled(record, {}) for record in made)}).splits[0]
    assert split.factors == {"speed = 0.5": 2, "speed = 1.0": 1}
