import json
import subprocess
import sys

import pytest

from kinebench.bench import sanity
from kinebench.errors import KineBenchError
from kinebench.metrics.metric import Metric
from kinebench.scoring.anchors import ANCHORS

LOWER, HIGHER = (Metric("toy", 1, "a toy", "", better, 0.0) for better in ("lower", "higher"))


def test_a_metric_is_weak_if_standing_still_pays():
    values = {"oracle": 0.0, "codec": 1.0, "slowed": 2.0, "static": 3.0, "reversed": None}
    assert sanity.Row(LOWER, values, 1).beaten == ()
    assert sanity.Row(HIGHER, values, 1).beaten == ("codec", "slowed")
    assert sanity.Row(LOWER, {**values, "static": 2.0}, 1).beaten == ("slowed",)
    assert sanity.Row(HIGHER, {**values, "static": None}, 1).beaten == ()
    assert sanity.Row(LOWER, values, 1).order == ("oracle", "codec", "slowed", "static")
    assert sanity.Row(HIGHER, values, 1).order == ("static", "slowed", "codec", "oracle")


@pytest.fixture(scope="module")
def found(packed):
    notes = []
    table = sanity.measure(packed, "test", packed, 2, lambda *note: notes.append(note))
    assert notes == [("clips", number, 3) for number in (1, 2, 3)]
    return table


def test_the_ground_truth_is_best(found):
    """By pixels exactly; and the same frames again score the same."""
    rows = {row.metric.name: row for row in found.rows}
    for name in ("mse", "psnr", "ssim"):
        row = rows[name]
        assert row.n == 3
        assert row.values.keys() == {*ANCHORS, "rerender"}
        assert row.values["oracle"] == row.values["rerender"] == row.metric.best
    assert rows["mse"].beaten == ()
    assert rows["mse"].values["static"] > rows["mse"].values["slowed"] > rows["mse"].values["oracle"]


def test_every_light_metric_has_a_row_or_its_meter_a_reason(found):
    """Clips of nine frames are too short for windows of sixteen; a split without groups has no group metric."""
    expected = {
        metric.name
        for one in sanity.light_meters()
        for metric in one.metrics
        if one.name not in found.refused and metric.scope != "group"
    }
    assert {row.metric.name for row in found.rows} == expected
    assert found.refused.keys() == {"fvmd_lk"}


def test_another_dataset_is_no_rerender(packed, samples, make, tmp_path):
    make(tmp_path / "fewer", [sample for sample in samples if "_test_" in sample.key][:2])
    with pytest.raises(KineBenchError, match="not the same scene"):
        sanity.measure(packed, "test", tmp_path / "fewer", 1, lambda *note: None)


@pytest.mark.slow
def test_the_command(packed, tmp_path):
    command = [sys.executable, "-m", "kinebench.cli.main", "bench", "sanity", str(packed)]
    done = subprocess.run([*command, "--json", str(tmp_path / "out.json")], capture_output=True, text=True, check=True)
    assert "no fvmd_lk: " in " ".join(done.stdout.split())
    rows = {row["name"]: row for row in json.loads((tmp_path / "out.json").read_text())}
    assert rows["mse"]["values"]["oracle"] == 0
    assert rows["mse"]["order"][0] == "oracle"
