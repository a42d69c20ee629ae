import subprocess
import sys
from dataclasses import replace

import pytest

from kinebench.errors import KineBenchError
from kinebench.generate import Share, missing, pack, plan, ready, share
from kinebench.runners import Runner
from kinebench.shards.binding import bind
from kinebench.shards.plan import Plan, announce, plan_path, planned
from kinebench.shards.spool import Spool


@pytest.fixture
def work(synthetic):
    return Plan("toys", synthetic.recipe(), synthetic.HASH, synthetic.SEED, "train", 5, ())


@pytest.fixture
def folder(tmp_path, work):
    bind(tmp_path / "data", work.recipe_sha256, work.seed, work.dataset)
    return tmp_path / "data"


def ignore(stage, done, whole):
    pass


def test_what_was_announced_is_planned(folder, work):
    assert planned(folder) == {}
    test = replace(work, split="test", companions=("lossless",))
    for each in (work, test, replace(work, source="elsewhere.toml"), work):
        announce(folder, each)
    assert planned(folder) == {"train": work, "test": test}
    assert len(list((folder / ".spool").glob("plan-*"))) == 2


def test_the_largest_count_holds_whoever_writes_last(folder, work):
    for count in (3, 12, 7):
        announce(folder, replace(work, count=count))
    assert planned(folder)["train"].count == 12
    plan_path(folder, replace(work, count=12)).unlink()
    assert planned(folder)["train"].count == 7


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"companions": ("depth", "flow")}, "planned with no companions, now with depth and flow companions"),
        ({"seed": 8}, "planned with seed 7, now 8"),
        ({"recipe_sha256": "b" * 64}, "planned with recipe_sha256 [0-9a-f]*, now bbb"),
        ({"split": "test", "dataset": "blocks"}, "planned with dataset toys, now blocks"),
    ],
)
def test_a_plan_that_contradicts_another_is_refused(folder, work, change, named):
    announce(folder, work)
    with pytest.raises(KineBenchError, match=named):
        announce(folder, replace(work, **({"count": 9} | change)))
    assert planned(folder) == {"train": work}


ANNOUNCE = """
import sys, time
from pathlib import Path
from kinebench.shards.plan import Plan, announce
number = int(sys.argv[2])
while not Path(sys.argv[3]).exists():
    time.sleep(0.001)
announce(Path(sys.argv[1]), Plan("toys", {}, "a" * 64, 7, "train", 10 + number % 3, ()))
"""


def test_many_workers_announce_at_once(folder, tmp_path):
    command = [sys.executable, "-c", ANNOUNCE, folder]
    workers = [subprocess.Popen([*command, str(number), tmp_path / "go"]) for number in range(6)]
    (tmp_path / "go").touch()
    assert [worker.wait() for worker in workers] == [0] * 6
    assert planned(folder)["train"].count == 12
    assert not list((folder / ".spool").glob(".*"))


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]", None])
def test_a_damaged_plan_is_named(folder, work, damage):
    announce(folder, work)
    path = plan_path(folder, work)
    path.write_bytes(path.read_bytes().replace(b'"count": 5', b'"count": 4') if damage is None else damage)
    with pytest.raises(KineBenchError, match=f"{path} is damaged"):
        planned(folder)


def test_pack_takes_all_that_is_planned_and_needs_no_recipe(folder, work, samples, tmp_path, make, synthetic):
    test = replace(work, split="test", count=3, companions=("lossless",))
    for each in (work, test):
        announce(folder, each)
    for sample in samples:
        Spool(folder).put(sample)
    manifest = pack(folder, ignore)
    make(tmp_path / "want", samples, samples_per_shard=100)
    assert {name: split.count for name, split in manifest.splits.items()} == {"train": 5, "test": 3}
    for path in (tmp_path / "want").glob("[!.]*"):
        assert (folder / path.name).read_bytes() == path.read_bytes()
    pack(folder, ignore)


def test_pack_refuses_while_samples_are_missing(folder, work, samples):
    with pytest.raises(KineBenchError, match="holds no plan"):
        pack(folder, ignore)
    announce(folder, replace(work, count=30))
    Spool(folder).put(samples[3])
    with pytest.raises(KineBenchError, match="29 of the 30 planned train samples are missing") as caught:
        pack(folder, ignore)
    named = [f"toys_train_{index:06d}" for index in (0, 1, 2, 4, 5, 6, 7, 8, 9, 10)]
    assert ", ".join(named) + " and 19 more" in str(caught.value)
    assert "toys_train_000011" not in str(caught.value)
    assert not (folder / "manifest.json").exists()


def test_ready_counts_spool_and_shards(dataset, work, synthetic):
    Spool(dataset).put(synthetic.sample("train", 7))
    assert ready(replace(work, count=9), dataset) == 6
    assert ready(work, dataset) == 5
    with pytest.raises(KineBenchError, match=r"seed 7 .now 8"):
        ready(replace(work, seed=8), dataset)


@pytest.mark.parametrize(("of", "count"), [(1, 1), (2, 7), (3, 3), (7, 5), (4, 100)])
def test_shares_part_the_plan_and_stay_even_when_it_grows(of, count):
    parts = [share(worker, of) for worker in range(of)]
    for clips in (count, count + 1, 3 * count):
        owners = [[part.worker for part in parts if part.has(index)] for index in range(clips)]
        assert all(len(owner) == 1 for owner in owners)
        sizes = [part.size(clips) for part in parts]
        assert sizes == [sum(part.has(index) for index in range(clips)) for part in parts]
        assert max(sizes) - min(sizes) <= 1


def test_no_share_is_asked_for():
    assert share(None, None) is None
    assert Share().size(9) == 9


@pytest.mark.parametrize(
    ("worker", "of", "message"),
    [
        (0, None, "--worker is given without --of"),
        (None, 4, "--of is given without --worker"),
        (0, 0, "--of is 0; expected at least 1"),
        (-1, 4, "--worker is -1 of --of 4; expected 0 to 3"),
        (4, 4, "--worker is 4 of --of 4; expected 0 to 3"),
    ],
)
def test_impossible_shares(worker, of, message):
    with pytest.raises(KineBenchError, match=message):
        share(worker, of)


def test_other_companions_than_the_packed_samples_are_refused_before_they_are_planned(
    tmp_path, samples, make, synthetic
):
    """As in a folder that was downloaded: it has shards, and no plan."""
    folder = tmp_path / "data"
    make(folder, samples[:2])
    work = Plan("toys", synthetic.recipe(), synthetic.HASH, synthetic.SEED, "train", 5, ("depth",))
    with pytest.raises(KineBenchError, match="its train samples have no companions"):
        missing(work, folder, Share(), Runner.LOCAL, ignore)
    assert planned(folder) == {}
    jobs = missing(replace(work, companions=()), folder, Share(1, 2), Runner.LOCAL, ignore)
    assert [job["index"] for job in jobs] == [3]


def test_planning_writes_nothing(tiny_interactions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    work = plan(tiny_interactions, "test", 3, 0, ("tracks", "depth"))
    assert work.companions == ("lossless", "depth", "tracks")
    assert work.keys == tuple(f"tiny_interactions_test_{index:06d}" for index in range(3))
    assert ready(work, tmp_path / "data") == 0
    assert list(tmp_path.iterdir()) == []
