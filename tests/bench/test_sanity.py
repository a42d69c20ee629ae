import json

import pytest

from kinebench.bench import sanity
from kinebench.cli import bench
from kinebench.metrics.catalogue import Setup, meter
from kinebench.metrics.metric import Metric

LOWER, HIGHER = (Metric("toy", 1, "a toy", "", better, 0.0) for better in ("lower", "higher"))
FEW = ("oracle", "frames16", "slowed", "static")


def test_a_metric_is_weak_if_standing_still_pays():
    values = {"oracle": 0.0, "codec": 1.0, "slowed": 2.0, "static": 3.0, "reversed": None}
    assert sanity.Row(LOWER, values, 1).beaten == ()
    assert sanity.Row(HIGHER, values, 1).beaten == ("codec", "slowed")
    assert sanity.Row(LOWER, {**values, "static": 2.0}, 1).beaten == ("slowed",)
    assert sanity.Row(HIGHER, {**values, "static": None}, 1).beaten == ()
    assert sanity.Row(LOWER, values, 1).order == ("oracle", "codec", "slowed", "static")
    assert sanity.Row(HIGHER, values, 1).order == ("static", "slowed", "codec", "oracle")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("sanity")


@pytest.fixture(autouse=True, scope="module")
def cache(place):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINEBENCH_CACHE", str(place / "cache"))
        yield


@pytest.fixture(scope="module")
def found(packed, place):
    return sanity.measure(packed, "test", FEW, place / "out", 1, lambda *note: None)


def test_the_ground_truth_is_best(found):
    """By pixels exactly."""
    rows = {row.metric.name: row for row in found.rows}
    for name in ("mse", "psnr", "ssim"):
        row = rows[name]
        assert row.n == 3
        assert row.values.keys() == set(FEW)
        assert row.values["oracle"] == row.values["frames16"] == row.metric.best, "the clips have nine frames"
    assert rows["mse"].beaten == ()
    assert rows["mse"].values["static"] > rows["mse"].values["slowed"] > rows["mse"].values["oracle"]


def test_every_light_metric_has_a_row_or_a_reason(found):
    """Clips of nine frames are too short for windows of sixteen; a split without groups has no group metric."""
    expected = {
        metric.name
        for name in sanity.light_meters()
        for metric in meter(name, Setup()).metrics
        if metric.scope != "group" and name != "fvmd_lk"
    }
    assert {row.metric.name for row in found.rows} == expected
    assert found.refused.keys() == {"fvmd_lk"}


def test_an_anchor_that_cannot_be_made_is_named(synthetic, make, tmp_path):
    make(tmp_path / "toys", [synthetic.sample("test", 0, companions=("lossless",))])
    names = ("oracle", "shuffled")
    table = sanity.measure(tmp_path / "toys", "test", names, tmp_path / "out", 1, lambda *note: None)
    assert "cannot be shuffled" in table.refused["shuffled"]
    assert all(row.values.keys() == {"oracle"} for row in table.rows)


def test_the_command(packed, place, monkeypatch, capsys):
    monkeypatch.setattr(sanity, "ANCHORS", (*FEW, *sanity.RENDERED))
    bench.sanity(packed, place / "out", json_path=place / "out.json")
    assert "no fvmd_lk: " in " ".join(capsys.readouterr().out.split())
    rows = {row["name"]: row for row in json.loads((place / "out.json").read_text())}
    assert rows["mse"]["values"]["oracle"] == 0
    assert rows["mse"]["order"][0] == "oracle"
    assert sorted(path.name for path in (place / "out").iterdir()) == sorted(FEW), "nothing is rendered unasked"
