"""What stands beside the tars for other people's tools."""

import json
import re

import pytest

from kinebench.shards import manifest
from kinebench.shards import record as records


def front_matter(folder):
    return (folder / "README.md").read_text().split("---\n")[1]


def test_configs_find_the_right_tars(packed):
    """A pattern of the main shards must not catch the companions."""
    from fnmatch import fnmatch

    patterns = re.findall(r'split: (\w+)\n    path: "(.*)"', front_matter(packed))
    assert [split for split, _ in patterns] == ["test", "train", "test"]
    tars = sorted(path.name for path in packed.glob("*.tar"))
    found = [[tar for tar in tars if fnmatch(tar, pattern)] for _, pattern in patterns]
    assert [len(names) for names in found] == [2, 3, 2]
    assert sorted(tar for names in found for tar in names) == tars


def test_every_field_of_the_schema_is_declared(packed):
    front = front_matter(packed)

    def names(node):
        if "$ref" in node:
            return
        for name, child in node.get("properties", {}).items():
            yield name
            yield from names(child)
        yield from names(node["items"]) if "items" in node else ()

    for name in names(records.schema()):
        assert f"- name: {name}\n" in front
    assert "    - name: events\n      list:\n      - name: time_s\n        dtype: float64" in front
    assert "null" not in front


def test_the_card_says_how_to_load_in_ten_lines(packed):
    text = (packed / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    assert len(code.splitlines()) <= 10
    space = {}
    exec(code.replace("path/to/this/folder", str(packed)), space)
    assert space["clip"].velocity.shape == (9, 64, 96, 3)


def test_croissant_lists_every_tar_with_its_hash(packed):
    described = json.loads((packed / "croissant.json").read_text())
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    files = {e["name"]: e["sha256"] for e in described["distribution"] if e["@type"] == "cr:FileObject"}
    assert files == {shard.name: shard.sha256 for shard in manifest.read(packed).all_shards}
    ids = {entry["@id"] for entry in described["distribution"]}
    for entry in described["distribution"]:
        assert all(part["@id"] in ids for part in entry.get("containedIn", []))
    assert {name for name in described if name.startswith("rai:")} >= {"rai:dataLimitations", "rai:dataBiases"}


def test_the_hub_loader_takes_empty_event_lists(packed, tmp_path):
    """`datasets` guesses features from the first five samples unless the card declares them."""
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(packed), split="train", cache_dir=str(tmp_path))
    for name in ("mp4", "velocity.mkv", "segmentation.mkv"):
        loaded = loaded.cast_column(name, datasets.Video(decode=False))
    assert [len(sample["json"]["events"]) for sample in loaded] == [1, 0, 1, 1, 1]


def test_mlcroissant_reads_it(packed):
    mlcroissant = pytest.importorskip("mlcroissant")
    loaded = mlcroissant.Dataset(str(packed / "croissant.json"))
    assert not loaded.metadata.issues.errors
    found = {(r["samples-txt/key"], r["samples-txt/split"]) for r in loaded.records("samples-txt")}
    assert len(found) == 8
    assert (b"toys_test_000001", b"test") in found
