import json
import subprocess

import pytest

from kinebench.errors import KineBenchError
from kinebench.shards import manifest
from kinebench.shards.binding import bind
from kinebench.shards.pack import pack
from kinebench.shards.read import Shards
from kinebench.shards.spool import Spool
from kinebench.shards.stock import Stock


def contents(folder):
    """Every visible file of a dataset, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def waiting(folder):
    return sorted(path.stem for path in (folder / ".spool").glob("*.tar"))


def test_layout(dataset):
    assert sorted(contents(dataset)) == [
        "README.md",
        "SHA256SUMS",
        "croissant.json",
        "index.jsonl",
        "manifest.json",
        *(f"toys-test-{n:06d}.tar" for n in range(2)),
        *(f"toys-test-lossless-{n:06d}.tar" for n in range(2)),
        *(f"toys-train-{n:06d}.tar" for n in range(3)),
    ]
    assert waiting(dataset) == []
    assert not (dataset / ".pack").exists()


def test_members_stand_in_order_with_adjacent_keys(dataset):
    listed = subprocess.run(
        ["tar", "tf", dataset / "toys-train-000001.tar"], capture_output=True, check=True, text=True
    )
    suffixes = ["mp4", "velocity.mkv", "segmentation.mkv", "txt", "json"]
    assert listed.stdout.split() == [f"toys_train_00000{i}.{suffix}" for i in (2, 3) for suffix in suffixes]


def test_sha256sum_agrees(dataset):
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=dataset, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": OK") == 7 + 3


def test_index_finds_every_member(dataset, samples):
    shards = Shards(dataset)
    assert set(shards.keys()) == {sample.key for sample in samples}
    for sample in samples:
        assert {
            suffix: shards.member(sample.key, suffix) for suffix in shards.rows[sample.key].members
        } == sample.members
        row = shards.rows[sample.key]
        assert (row.objects, row.driven, row.events) == (3, 1, len(sample.record["events"]))


def test_manifest_counts(dataset, synthetic):
    held = manifest.read(dataset)
    assert held.recipe == synthetic.recipe()
    assert {name: split.count for name, split in held.splits.items()} == {"test": 3, "train": 5}
    assert [shard.samples for shard in held.splits["train"].shards] == [2, 2, 1]
    assert list(held.splits["test"].companions) == ["lossless"]
    assert held.splits["train"].companions == {}
    totals = json.loads((dataset / "manifest.json").read_text())["totals"]
    assert totals["samples"] == 8
    assert totals["bytes"] == sum(path.stat().st_size for path in dataset.glob("*.tar"))


def test_order_and_history_leave_no_trace(tmp_path, samples, make, dataset):
    """Rendered in another order, packed in three goes, with another cut in between: the same bytes."""
    other = tmp_path / "other"
    make(other, samples[::-2])
    make(other, samples[1:3], samples_per_shard=3)
    make(other, samples[::-1])
    assert contents(other) == contents(dataset)


def test_growing_takes_old_samples_from_the_shards(tmp_path, samples, make, synthetic):
    folder = tmp_path / "grow"
    make(folder, samples[:3])
    first = (folder / "toys-train-000000.tar").stat()
    make(folder, samples[3:5])
    make(tmp_path / "once", samples[:5])
    assert contents(folder) == contents(tmp_path / "once")
    assert (folder / "toys-train-000000.tar").stat().st_ino == first.st_ino, "a full shard is not written again"


def test_packing_again_changes_nothing(dataset, samples, synthetic):
    before = contents(dataset)
    pack(dataset, [samples[0].key], samples_per_shard=2, **synthetic.packing())
    assert contents(dataset) == before


def test_larger_shards_remove_the_tars_left_over(dataset, synthetic):
    pack(dataset, [], samples_per_shard=100, **synthetic.packing())
    assert sorted(path.name for path in dataset.glob("*.tar")) == [
        "toys-test-000000.tar",
        "toys-test-lossless-000000.tar",
        "toys-train-000000.tar",
    ]


def test_the_spool_overrides_the_shards(dataset, samples, synthetic):
    record = json.loads(json.dumps(samples[0].record))
    record["captions"]["vlm"] = "A box slides."
    Spool(dataset).put(synthetic.change(samples[0], json=record))
    pack(dataset, [samples[0].key], samples_per_shard=2, **synthetic.packing())
    assert Shards(dataset).record(samples[0].key)["captions"]["vlm"] == "A box slides."
    assert waiting(dataset) == []


def test_a_companion_can_be_added_later(tmp_path, samples, make, synthetic):
    folder = tmp_path / "later"
    make(folder, samples[:2])
    make(folder, [synthetic.sample("train", i, companions=("depth", "flow")) for i in range(2)])
    assert (folder / "toys-train-depth-000000.tar").exists()
    assert "toys-train-flow-[0-9]" in (folder / "README.md").read_text()


def test_unequal_members_are_refused(tmp_path, samples, make, synthetic):
    folder = tmp_path / "unequal"
    make(folder, samples[:2])
    before = contents(folder)
    with pytest.raises(KineBenchError, match=r"toys_train_000000 has no depth.mkv, .* split train"):
        make(folder, [synthetic.sample("train", 4, companions=("depth",))])
    assert contents(folder) == before
    assert waiting(folder) == ["toys_train_000004"]


def test_a_missing_sample_is_refused(dataset, synthetic):
    before = contents(dataset)
    with pytest.raises(KineBenchError, match=r"1 samples are not finished, such as toys_train_000077"):
        pack(dataset, ["toys_train_000077"], **synthetic.packing())
    assert contents(dataset) == before


def test_a_spooled_sample_of_another_recipe_is_refused(tmp_path, samples, synthetic, make):
    record = json.loads(json.dumps(samples[0].record))
    record["provenance"]["recipe_sha256"] = "b" * 64
    with pytest.raises(KineBenchError, match="toys_train_000000 is damaged or of another recipe"):
        make(tmp_path, [synthetic.change(samples[0], json=record)])


def test_a_key_of_another_dataset_is_refused(dataset, synthetic):
    with pytest.raises(KineBenchError, match="no key of dataset toys"):
        pack(dataset, ["blocks_train_000001"], **synthetic.packing())


def test_a_damaged_shard_is_never_packed_on(dataset, samples, synthetic, make):
    path = dataset / "toys-train-000000.tar"
    data = bytearray(path.read_bytes())
    place = Shards(dataset).rows["toys_train_000001"].members["mp4"]
    data[place.offset + 100] ^= 4
    path.write_bytes(data)
    stock = Stock(dataset, synthetic.HASH)
    assert stock.has("toys_train_000000", ["mp4"])
    with pytest.warns(UserWarning, match="mp4 of toys_train_000001 is damaged"):
        assert not stock.has("toys_train_000001", ["mp4"])
    with pytest.warns(UserWarning), pytest.raises(KineBenchError, match="toys_train_000001 is damaged"):
        pack(dataset, [], samples_per_shard=2, **synthetic.packing())
    make(dataset, [samples[1]])
    assert Shards(dataset).member("toys_train_000001", "mp4") == samples[1].members["mp4"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 8}, "seed 7 .now 8"),
        ({"recipe_sha256": "b" * 64}, "recipe_sha256 [0-9a-f]+ .now bbb"),
        ({"dataset": "x"}, "dataset toys"),
    ],
)
def test_a_folder_of_another_recipe_or_seed_is_refused(dataset, synthetic, samples, change, named):
    before = contents(dataset)
    mine = {"recipe_sha256": synthetic.HASH, "seed": synthetic.SEED, "dataset": "toys"}
    bind(dataset, **mine)
    with pytest.raises(KineBenchError, match=named):
        bind(dataset, **(mine | change))
    with pytest.raises(KineBenchError, match=named):
        pack(dataset, [samples[0].key], **(synthetic.packing() | change))
    assert contents(dataset) == before


def test_binding_holds_before_anything_is_packed(tmp_path):
    bind(tmp_path / "out", "a" * 64, 0, "toys")
    bind(tmp_path / "out", "a" * 64, 0, "toys")
    with pytest.raises(KineBenchError, match=r"seed 0 .now 1"):
        bind(tmp_path / "out", "a" * 64, 1, "toys")


def test_a_readme_of_somebody_elses_is_safe(tmp_path):
    (tmp_path / "README.md").write_text("my project")
    with pytest.raises(KineBenchError, match=r"README.md of its own"):
        bind(tmp_path, "a" * 64, 0, "toys")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_place_that_cannot_hold_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("taken")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(KineBenchError, match="choose another output folder"):
            bind(out, "a" * 64, 0, "toys")
    assert (tmp_path / "file").read_text() == "taken"


def test_two_packs_at_once_are_refused(dataset, synthetic):
    from kinebench.shards.staging import locked

    with locked(dataset), pytest.raises(KineBenchError, match="another process is packing"):
        pack(dataset, [], **synthetic.packing())
