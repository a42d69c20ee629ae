import re

import pytest
from PIL import Image
from typer.testing import CliRunner

from kinebench.cli.textures import app
from kinebench.textures import ambientcg, library
from kinebench.textures.ambientcg import Fetched
from kinebench.textures.bake import draw
from kinebench.textures.catalogue import ids

run = CliRunner().invoke


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(library, "draw", lambda entry: draw(entry, 32))


def test_list_shows_every_ground_of_a_split():
    shown = run(app, ["list", "--split", "test"]).stdout
    assert set(re.findall(r"[a-z_]+_[0-9]{2}", shown)) == set(ids("test"))
    assert "a marble floor" not in run(app, ["list", "--split", "train"]).stdout


def test_bake_into_the_cache_then_list_says_so(tmp_path):
    sheet = tmp_path / "sheet.png"
    result = run(app, ["bake", "sand_01", "marble_02", "--sheet", str(sheet)])
    assert result.exit_code == 0, result.output
    assert "2 grounds are ready" in result.stdout
    with Image.open(sheet) as picture:
        assert picture.size[0] > 256
    lines = run(app, ["list"]).stdout.splitlines()
    ready = [line for line in lines if re.search(r"\byes\b", line)]
    assert len(ready) == 2
    assert "sand_01" in ready[0] + ready[1]


@pytest.mark.slow
def test_bake_into_a_folder(tmp_path):
    result = run(app, ["bake", "sand_01", "--out", str(tmp_path / "grounds")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "grounds" / "sand_01" / "sand_01_1K-JPG_Color.jpg").is_file()


def test_fetch_says_what_is_new(monkeypatch, tmp_path):
    def pretend(names, folder, resolution):
        assert (names, folder, resolution) == (["Rock023", "Rock024"], tmp_path, "2K")
        yield Fetched("Rock023", folder / "Rock023", True)
        yield Fetched("Rock024", folder / "Rock024", False)

    monkeypatch.setattr(ambientcg, "fetch", pretend)
    result = run(app, ["fetch", "Rock023", "Rock024", "--out", str(tmp_path), "--resolution", "2K"])
    assert result.stdout.splitlines() == [
        f"Rock023: fetched into {tmp_path / 'Rock023'}",
        f"Rock024: already in {tmp_path / 'Rock024'}",
    ]
