import sys

import pytest

from kinebench.cli import demo as module
from kinebench.cli.demo import ANCHORS, demo
from kinebench.errors import MissingExtra
from kinebench.metrics import catalogue
from kinebench.scoring import scorecard


@pytest.fixture
def light(monkeypatch, tmp_path):
    """Pixels alone: clips of the demo's size are scored in tests/end_to_end."""
    monkeypatch.setattr(catalogue, "METERS", {"pixel": catalogue.METERS["pixel"]})
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))


def test_anchors_are_scored_in_one_table(light, dataset, tmp_path, capsys):
    module._score_anchors(dataset, tmp_path / "anchors")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("toys, test, 3 clips")
    assert [cell.strip() for cell in lines[2].split("┃")[1:-1]] == ["metric", "ground truth", *ANCHORS]
    (mse,) = ([cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "mse" in line)
    assert mse[:2] == ["↓ mse", "0.000"]
    values = [float(cell) for cell in mse[2:]]
    assert 0 < values[0] < min(values[1:]), "compression costs less than standing still"
    for name in ANCHORS:
        assert scorecard.load(tmp_path / "anchors" / f"{name}.json")["predictions"]["name"] == name


def test_a_missing_extra_is_named_before_anything_is_rendered(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtra, match=r"pip install 'kinebench\[score\]'"):
        demo(tmp_path / "demo", 1)
    assert not (tmp_path / "demo").exists()
