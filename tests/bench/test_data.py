import importlib.util
import json
import subprocess
import sys

import pytest

from kinebench.bench import data
from kinebench.data import open_dataset
from kinebench.errors import KineBenchError
from kinebench.shards.read import Shards

pytest.importorskip("torch")


def test_both_ways_to_a_mask_agree(packed):
    cost = data.masks(packed, repeats=2)
    assert len(cost.rebuilt) == len(cost.decoded) == 16
    assert 0 < cost.largest_difference_steps <= 0.5 + 1e-3
    assert all(one.wall_s > 0 and one.cpu_s >= 0 for one in cost.rebuilt + cost.decoded)


@pytest.mark.skipif(importlib.util.find_spec("webdataset") is None, reason="webdataset is not installed")
def test_both_loaders_give_the_same_clips_equally_often(packed, tmp_path):
    assert data._lengthened(Shards(packed), tmp_path) == 16
    ours, plain = list(data._ours(tmp_path)), list(data._plain(tmp_path))
    assert [item["key"].partition("-")[2] for item in ours] == [clip.key for clip in open_dataset(packed)] * 2
    assert [item["key"] for item in plain] == [item["key"].partition("-")[2] for item in ours]
    for mine, other in zip(ours, plain, strict=True):
        assert mine["caption"] == other["caption"]
        assert (mine["rgb"] == other["rgb"]).all()
        assert mine["velocity"].shape == other["velocity"].shape == (9, 3, 64, 96)
        assert (mine["velocity"] - other["velocity"]).abs().max() <= 1.5 / 254 + 1e-6


@pytest.mark.slow
def test_the_command_prints_ratios_and_writes_figures(packed, tmp_path):
    command = [sys.executable, "-m", "kinebench.cli.main", "bench", "data", str(packed), "--repeats", "2"]
    done = subprocess.run([*command, "--json", str(tmp_path / "out.json")], capture_output=True, text=True, check=True)
    assert "speed-up" in done.stdout
    figures = json.loads((tmp_path / "out.json").read_text())
    assert [cost["workers"] for cost in figures["loaders"]] == [0, 2]
    assert {cost["clips"] for cost in figures["loaders"]} == {16}
    assert all(len(cost[way]) == 2 for cost in figures["loaders"] for way in ("ours", "plain"))
    assert figures["mask"]["speed_up"] > 0


def test_without_webdataset_the_extra_is_named(packed, monkeypatch):
    monkeypatch.setitem(sys.modules, "webdataset", None)
    with pytest.raises(
        KineBenchError, match=r"'webdataset', which is not installed; run: pip install 'kinebench\[dev\]'"
    ):
        next(data.loaders(packed, 1))


def test_a_folder_without_a_dataset_is_named(tmp_path):
    with pytest.raises(KineBenchError, match="no packed dataset"):
        data.masks(tmp_path, 1)
