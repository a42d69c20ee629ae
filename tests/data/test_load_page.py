"""The code of docs/load.md, run as it stands, block after block."""

import re
from pathlib import Path

import pytest

from kinebench.data import open_dataset

pytest.importorskip("torch")
PAGE = Path(__file__).parents[2] / "docs" / "load.md"


def test_the_page_runs(tmp_path, synthetic, make, monkeypatch):
    samples = [synthetic.sample("train", i, companions=("depth",), dataset="interactions") for i in range(4)]
    make(tmp_path / "data" / "interactions", samples, dataset="interactions")
    monkeypatch.chdir(tmp_path)
    space = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks[0].splitlines()) == 5
    for block in blocks[:3]:
        exec(block, space)
    keys = open_dataset("data/interactions").keys
    assert space["clip"].key == keys[-1]
    assert space["consumed"] == 4
    state = space["state"]
    space["state"] = state | {"start": 1}
    exec(blocks[3], space)
    assert space["batch"]["key"] == [clip.key for clip in space["stream"]][3:]
    assert state["start"] == 4
