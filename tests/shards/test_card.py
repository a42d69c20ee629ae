"""What stands beside the tars for other people's tools."""

import json
import re

import pytest

from kinebench.shards import croissant, manifest, tracks
from kinebench.shards import record as records
from kinebench.shards.columns import MEANINGS, features
from kinebench.shards.sample import COMPANIONS, MEMBERS


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


def test_every_member_has_its_words_and_its_features(synthetic, make, tmp_path):
    make(tmp_path, [synthetic.sample("train", 0, companions=tuple(COMPANIONS))])
    front, text = front_matter(tmp_path), (tmp_path / "README.md").read_text()
    for suffix in (*MEMBERS, *(suffix for suffixes in COMPANIONS.values() for suffix in suffixes)):
        assert MEANINGS[suffix] in text
        assert f"  - name: {suffix}\n" in front
    for name in tracks.schema()["properties"]:
        assert f"    - name: {name}\n" in front


def test_a_union_with_text_is_declared_as_text(monkeypatch):
    union = {"anyOf": [{"type": "number"}, {"type": ["string", "null"]}]}
    monkeypatch.setattr(records, "schema", lambda: {"type": "object", "properties": {"value": union}})
    assert "  - name: value\n    dtype: string" in "\n".join(features(("json",)))


def test_the_card_says_how_to_load_in_ten_lines(packed):
    text = (packed / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    assert len(code.splitlines()) <= 10
    space = {}
    exec(code.replace("path/to/this/folder", str(packed)), space)
    assert space["clip"].velocity.shape == (9, 64, 96, 3)


def test_croissant_lists_every_tar_with_its_hash(packed):
    described = json.loads((packed / "croissant.json").read_text())
    assert "http://mlcommons.org/croissant/1.1" in described["conformsTo"]
    files = {e["name"]: e["sha256"] for e in described["distribution"] if e["@type"] == "cr:FileObject"}
    assert files == {shard.name: shard.sha256 for shard in manifest.read(packed).all_shards}
    ids = {entry["@id"] for entry in described["distribution"]}
    for entry in described["distribution"]:
        assert all(part["@id"] in ids for part in entry.get("containedIn", []))
    assert {name for name in described if name.startswith("rai:")} >= {"rai:dataLimitations", "rai:dataBiases"}


def test_croissant_is_complete_and_valid(packed):
    """Every field that NeurIPS asks for; no error of the validator, and one known warning: dates are not made up."""
    mlcroissant = pytest.importorskip("mlcroissant")
    described = json.loads((packed / "croissant.json").read_text())
    asked = {"dataLimitations", "dataBiases", "personalSensitiveInformation", "dataUseCases", "dataSocialImpact"}
    assert {f"rai:{name}" for name in asked | {"hasSyntheticData"}} | {"prov:wasGeneratedBy"} <= set(described)
    issues = mlcroissant.Dataset(str(packed / "croissant.json")).metadata.issues
    assert not issues.errors
    assert ["datePublished" in str(warning) for warning in issues.warnings] == [True]


def test_mlcroissant_reads_it(packed):
    mlcroissant = pytest.importorskip("mlcroissant")
    loaded = mlcroissant.Dataset(str(packed / "croissant.json"))
    found = {(r["samples-txt/key"], r["samples-txt/split"]) for r in loaded.records("samples-txt")}
    assert len(found) == 8
    assert (b"toys_test_000001", b"test") in found


def test_croissant_finds_the_split_in_the_names_of_ordinary_and_of_hidden_samples():
    def split(name, hidden):
        field = croissant._record_set("txt", hidden)["field"][1]
        return re.match(field["source"]["transform"]["regex"], name)[1]  # as mlcroissant applies it

    for name in ("toys_test_000001.txt", "toys_test_000001.velocity.mkv", "test"):
        assert split(name, hidden=False) == "test"
    for digits in ("c68d730e257bc27c", "0a28b55e57bc1875"):
        for name in (f"toys-autumn_test_{digits}.txt", f"toys-autumn_test_{digits}.velocity.mkv", "test"):
            assert split(name, hidden=True) == "test"


def test_mlcroissant_finds_another_hash(dataset):
    mlcroissant = pytest.importorskip("mlcroissant")
    path = dataset / "toys-train-000000.tar"
    data = bytearray(path.read_bytes())
    data[700] ^= 1
    path.write_bytes(data)
    loaded = mlcroissant.Dataset(str(dataset / "croissant.json"))
    with pytest.raises(mlcroissant.GenerationError) as caught:
        list(loaded.records("samples-txt"))
    assert re.search(r"(?i)hash|sha256", str(caught.value.__cause__))
