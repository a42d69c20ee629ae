"""The method of docs/methods.md, twice, as it stands: checked, and run over the same clips with the same result."""

import json
import re
from pathlib import Path

import pytest

from kinebench.methods import method as methods
from kinebench.methods.check import check
from kinebench.methods.runner import run
from kinebench.methods.source import open_source
from kinebench.shards import video

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def folders(tmp_path):
    """The page's method in process, and with a run.py."""
    (toml,), (adapter, worker) = blocks("toml"), blocks("python")
    found = []
    for place, runs, code in (("a", "in process", adapter), ("b", "folder", worker)):
        home = tmp_path / place / "slide"
        home.mkdir(parents=True)
        (home / "method.toml").write_text(toml.replace('"in process"', f'"{runs}"'))
        (home / methods.CODE[runs]).write_text(code)
        found.append(home)
    return found


def test_it_is_30_lines():
    (toml,), (adapter, worker) = blocks("toml"), blocks("python")
    assert len([line for line in (toml + adapter).splitlines() if line.strip()]) <= 30
    assert len(worker.splitlines()) <= 25


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1])
def test_the_check_passes(folders, which):
    states = {finding.name: (finding.state, finding.said) for finding in check(str(folders[which]), {})}
    assert {name for name, (state, _) in states.items() if state == "warning"} == {"README"}
    assert not [name for name, (state, _) in states.items() if state == "failed"], states
    assert states["nothing driven"][1] == "refused: it moves what is driven, and nothing is"


def test_both_make_the_same_videos(folders, packed, tmp_path):
    source = open_source(packed, "test", "c_infer")
    found = []
    for number, home in enumerate(folders):
        out = tmp_path / f"pred-{number}"
        assert run(methods.read(home), source, [0], out, given={}, weights={}, device="auto").made == 3
        found.append([video.decode_rgb((out / "seed-0" / f"{key}.mkv").read_bytes()) for key in source.keys])
    for one, two, key in zip(*found, source.keys, strict=True):
        assert (one == two).all()
        assert (one[0] == source[key].first_frame).all()
        assert (one[-1] != one[0]).any()


def test_every_key_of_a_method_toml_is_on_the_page():
    properties = json.loads(methods.SCHEMA_PATH.read_text())["properties"]
    section = PAGE.read_text().partition("## method.toml")[2].partition("\n## ")[0]
    for table, schema in properties.items():
        inner = schema.get("properties") or schema["additionalProperties"]["properties"]
        for key in inner:
            assert re.search(rf"\b{key}`", section), f"{table}.{key}"
