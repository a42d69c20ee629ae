"""The real `datasets` library on packed folders: every configuration and split, as the card declares them."""

import json

import numpy as np
import pytest
import yaml

from kinebench.shards import record as records
from kinebench.shards import video
from kinebench.shards.read import Shards
from kinebench.shards.sample import COMPANIONS, MEMBERS

datasets = pytest.importorskip("datasets")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["required", "forbidden"])
def folder(request, tmp_path_factory, synthetic, make):
    """Three of train and two of test with all companions; "forbidden" is Simple Motion: no events at all."""
    folder = tmp_path_factory.mktemp(request.param) / "toys"
    made = [
        synthetic.sample(split, i, companions=tuple(COMPANIONS), rule=request.param)
        for split, count in (("train", 3), ("test", 2))
        for i in range(count)
    ]
    make(folder, made, contact=request.param)
    return folder


def load(folder, cache, name, split, decode):
    loaded = datasets.load_dataset(str(folder), name, split=split, cache_dir=str(cache))
    videos = [column for column, kind in loaded.features.items() if isinstance(kind, datasets.Video)]
    for column in () if decode else videos:
        loaded = loaded.cast_column(column, datasets.Video(decode=False))
    return loaded, videos


def without_none(value):
    """A struct has every declared field; those that a record lacks are None."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


def front_matter(folder):
    return yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


def test_every_configuration_and_split_loads_as_declared(folder, tmp_path):
    shards, front = Shards(folder), front_matter(folder)
    assert [config["config_name"] for config in front["configs"]] == ["default", *COMPANIONS]
    for config in front["configs"]:
        name = config["config_name"]
        for split in ("train", "test"):
            loaded, videos = load(folder, tmp_path, name, split, decode=False)
            wanted = MEMBERS if name == "default" else COMPANIONS[name]
            assert set(loaded.column_names) == {"__key__", "__url__", *wanted}
            assert videos == [suffix for suffix in loaded.column_names if suffix.endswith(("mp4", "mkv"))]
            assert tuple(loaded["__key__"]) == shards.keys(split)
            for sample in loaded:
                check(shards, sample, wanted)


def check(shards, sample, suffixes):
    for suffix in suffixes:
        data = shards.member(sample["__key__"], suffix)
        if suffix == "txt":
            assert sample[suffix] == data.decode()
        elif suffix.endswith("json"):
            assert without_none(sample[suffix]) == without_none(json.loads(data))
        else:
            assert sample[suffix]["bytes"] == data


def test_what_a_record_may_lack_is_none(folder, tmp_path):
    optional = set(records.schema()["properties"]) - set(records.schema()["required"])
    loaded, _ = load(folder, tmp_path, "default", "train", decode=False)
    assert loaded[0]["json"]["captions"]["vlm"] is None
    for name in optional:
        assert all(value is None for value in [loaded[0]["json"][name]])


def test_what_some_records_have_is_kept(tmp_path, synthetic, make):
    """The group of a counterfactual clip, and what a model said of a clip: declared, wherever they occur."""
    made = [synthetic.sample("train", i) for i in range(7)]
    record = dict(made[6].record, counterfactual={"group": "000001", "factor": "speed", "value": 0.75})
    record["captions"] = dict(record["captions"], vlm="A cube moves.")
    make(tmp_path / "toys", [*made[:6], synthetic.change(made[6], json=record)])
    loaded, _ = load(tmp_path / "toys", tmp_path, "default", "train", decode=False)
    assert loaded[6]["json"]["counterfactual"] == record["counterfactual"]
    assert loaded[6]["json"]["captions"]["vlm"] == "A cube moves."
    assert loaded[0]["json"]["counterfactual"] is None


def test_a_dataset_without_contact_has_empty_lists(folder, tmp_path):
    loaded, _ = load(folder, tmp_path, "default", "train", decode=False)
    events = [len(sample["json"]["events"]) for sample in loaded]
    assert events == ([0, 0, 0] if "forbidden" in str(folder) else [0, 1, 1])


def test_torchcodec_decodes_the_same_pictures(folder, tmp_path):
    """The 8-bit members exactly; the 16-bit ones are cut to 8 bits by torchcodec, as the card says."""
    pytest.importorskip("torchcodec", exc_type=ImportError)
    shards = Shards(folder)
    loaded, _ = load(folder, tmp_path, "default", "train", decode=True)
    exact, _ = load(folder, tmp_path, "lossless", "train", decode=True)
    for sample in (*loaded, *exact):
        for suffix in set(sample) & {"mp4", "velocity.mkv", "segmentation.mkv", "rgb.mkv"}:
            frames = sample[suffix][:].permute(0, 2, 3, 1).numpy()
            data = shards.member(sample["__key__"], suffix)
            if suffix == "segmentation.mkv":
                assert np.array_equal(frames[..., 0], video.decode_gray(data))
            elif suffix == "mp4":
                off = np.abs(frames.astype(int) - video.decode_rgb(data))
                assert off.max() <= 2
            else:
                assert np.array_equal(frames, video.decode_rgb(data)), suffix
