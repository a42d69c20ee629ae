import copy

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.scoring.comparison import compare
from kinebench.scoring.scorer import score


def inverted(frames):
    return 255 - frames


@pytest.fixture
def cards(counted, predict, data, tmp_path):
    """Of a frozen first frame and of an inverted video."""
    return score(predict(tmp_path / "still"), data), score(predict(tmp_path / "negative", inverted), data)


def test_the_better_one_is_named_metric_by_metric(cards):
    still, negative = cards
    found = compare(still, negative)
    assert found.names == ("still", "negative")
    by_name = {one.metric: one for one in found.differences}
    mse = by_name["mse"]
    assert (mse.first, mse.second) == tuple(card["summaries"]["mse"]["value"] for card in cards)
    assert mse.estimate.value == pytest.approx(mse.first - mse.second)
    assert mse.estimate.low < mse.estimate.value < mse.estimate.high < 0
    assert (mse.better, by_name["psnr"].better, by_name["psnr"].estimate.n) == ("first", "first", 6)
    assert by_name["spread"].estimate.value == pytest.approx(by_name["spread"].first - by_name["spread"].second)
    assert by_name["answer"].better == "no clear difference", "there are no groups"
    back = {one.metric: one for one in compare(negative, still).differences}
    assert back["mse"].better == "second"
    for name, one in by_name.items():
        there, here = (each.estimate for each in (one, back[name]))
        if there.low is not None:
            assert (here.low, here.high) == pytest.approx((-there.high, -there.low)), "whichever comes first"


def test_a_card_and_itself_do_not_differ(cards):
    for one in compare(cards[0], cards[0]).differences:
        assert one.better == "no clear difference"
        assert one.estimate.value in (0, None)
    assert compare(*cards) == compare(*cards), "nothing is left to chance"


def test_clips_are_paired(cards):
    """A small gain on every clip is clear, though clips differ among themselves by far more."""
    one, other = cards[0], copy.deepcopy(cards[0])
    for clip in other["clips"].values():
        clip["predictions"]["0"]["values"]["mse"] -= 1
    found = {each.metric: each for each in compare(one, other).differences}["mse"]
    assert found.estimate.value == pytest.approx(1)
    assert found.better == "second"
    spread = np.ptp([clip["predictions"]["0"]["values"]["mse"] for clip in one["clips"].values()])
    assert spread > 10


def test_only_common_clips_count(cards):
    one, other = cards[0], copy.deepcopy(cards[1])
    key = next(iter(other["clips"]))
    del other["clips"][key]
    found = compare(one, other)
    assert {each.metric: each.estimate.n for each in found.differences}["mse"] == 5
    assert found.left_out == {"spread": "the scores are of different sets of clips"}


def test_what_only_one_has_is_left_out(cards):
    one, other = cards[0], copy.deepcopy(cards[1])
    del other["summaries"]["mse"], other["metrics"]["mse"]
    assert compare(one, other).left_out == {"mse": "negative has no value"}
    other["predictions"]["name"] = "still"
    assert compare(one, other).left_out == {"mse": "still (second) has no value"}
    assert compare(one, other).names == ("still (first)", "still (second)")


def test_every_difference_is_listed(cards):
    one, other = cards[0], copy.deepcopy(cards[1])
    other["dataset"] |= {"version": "2.0.0", "reference": "mp4"}
    other["metrics"]["mse"]["version"] = 9
    other["meters"]["counting"]["option"] = 5
    list(other["clips"].values())[3]["truth"] = "0" * 64
    with pytest.raises(KineBenchError) as refused:
        compare(one, other)
    assert str(refused.value).splitlines() == [
        "the scores cannot be compared:",
        "  dataset, version: 1.0.0 and 2.0.0",
        "  dataset, reference: lossless and mp4",
        "  ground truth: 1 of 6 clips differ, the first is toys_test_000003",
        "  mse, version: 1 and 9",
        "  counting, option: 0 and 5",
    ]


def test_a_dataset_that_has_grown_elsewhere_is_the_same(cards):
    other = copy.deepcopy(cards[1])
    other["dataset"]["manifest_sha256"] = "0" * 64
    assert compare(cards[0], other).differences


def test_another_device_is_no_obstacle(cards):
    other = copy.deepcopy(cards[1])
    other["meters"]["counting"]["device"] = "cuda"
    assert compare(cards[0], other).differences


def test_videos_of_other_frames(counted, cards, deliver, data, tmp_path):
    """Clip by clip they can be compared, for each has its own truth to be compared with; sets cannot."""
    few = score(deliver(tmp_path / "few", (0, 3, 5, 8), lambda frames: 255 - frames), data)
    found = compare(cards[0], few)
    assert found.left_out == {"spread": "sets of videos of all 9 frames and of 4 of 9 frames have no common distance"}
    assert found.note == (
        "each is compared with the ground truth where it has frames, still at all 9 frames, few at 4 of 9 frames: "
        "read each beside its ceiling"
    )
    by_name = {each.metric: each for each in found.differences}
    assert (by_name["mse"].better, by_name["mse"].estimate.n, by_name["mse"].second) == (
        "first",
        6,
        few["summaries"]["mse"]["value"],
    )
    assert compare(*cards).note is compare(few, few).note is None
    assert "spread" not in compare(few, few).left_out


def test_nothing_in_common(cards):
    other = copy.deepcopy(cards[1])
    other["clips"] = {f"other{key}": clip for key, clip in other["clips"].items()}
    with pytest.raises(KineBenchError, match="no clip is in both"):
        compare(cards[0], other)
