import json

import pytest

from kinebench.ablations.foresight import Doing, Lanes, foreseen_s, outlook
from kinebench.ablations.machine import machine
from kinebench.ablations.schedule import chains_s
from kinebench.ablations.stamp import Stamp
from kinebench.ablations.task import Task
from kinebench.ablations.units import units_done

ONE, TWO, MANY = Lanes(1, 1, False), Lanes(2, 4, False), Lanes(8, 8, False)


def task(name, *needs, kind="videos", seconds=10.0, units=10, **more):
    return Task(name, kind, name, ("run",), f"made/{name}", needs, units, seconds, 0.0, **more)


def stamp(name, seconds, cpu_s=0.0, done=True, **more):
    return Stamp(name, done, seconds, cpu_s, 0.0, **({"attempts": 1, "versions": {}, "machine": machine()} | more))


def far(tasks, lanes, done=(), hopeless=(), doing=(), units=None, stamps=None):
    return outlook(tasks, stamps or {}, done, hopeless, doing, units or {}, lanes)


def test_a_chain_is_as_long_as_the_longest_row_behind_a_task():
    tasks = [task("a"), task("b"), task("c", "a", "b"), task("d", "a"), task("e", after=("c",))]
    seconds = {"a": 1.0, "b": 2.0, "c": 4.0, "d": 100.0, "e": 8.0}
    assert chains_s(tasks, seconds) == {"e": 8.0, "d": 100.0, "c": 12.0, "b": 14.0, "a": 101.0}


def test_what_is_foreseen_is_corrected_by_what_tasks_like_it_took():
    tasks = [
        task("done", kind="stage1", like="x", seconds=10),
        task("same", kind="stage2", like="x", seconds=1, units=30),
        task("gone on", kind="stage2", like="x", seconds=1),
        task("other", kind="stage2", like="y", seconds=30),
        task("half", kind="videos", seconds=7),
        task("clips", kind="data", seconds=5, whole=True),
        task("more", kind="data", seconds=5, units=100, whole=True),
    ]
    stamps = {
        "done": stamp("done", 25.0, cpu_s=99.0),
        "gone on": stamp("gone on", 1.0, attempts=2),
        "half": stamp("half", 1.0, done=False),
        "clips": stamp("clips", 5.0, cpu_s=10.0),
    }
    expected = {"done": 25.0, "same": 75.0, "gone on": 25.0, "other": 30.0, "half": 7.0, "clips": 10.0, "more": 100.0}
    assert foreseen_s(tasks, stamps) == expected


def test_the_outlook_counts_slots_chains_and_what_runs():
    tasks = [task("a"), task("b"), task("c"), task("all", whole=True, seconds=40)]
    found = far(tasks, TWO)
    assert (found.done_s, found.whole_s, found.left_s) == (0.0, 70.0, 20 + 40 / 4)
    row = [task("a"), task("b", "a"), task("c", "b")]
    assert far(row, MANY).left_s == 30.0
    assert far(row, MANY, done={"a"}, hopeless={"b", "c"}).left_s == 0.0
    assert far(row, MANY, units={"a": 4, "b": 1}).left_s == 25.0
    assert far([task("a"), task("b", "a"), task("all", whole=True)], Lanes(1, 2, True)).left_s == 20.0

    half = Doing(row[0], True, 8.0, 8, 4)  # 4 of 10 units in 8 s: 20 s in all, 4 s left
    found = far(row, ONE, doing=[half])
    assert found.whole_s == pytest.approx(40.0) and found.done_s == pytest.approx(16.0)
    assert found.left_s == pytest.approx(24.0)
    untold = Doing(row[0], True, 100.0, None, 0)
    assert 0 < far(row, ONE, doing=[untold]).left_s - 20 < 10
    assert far([task("a", seconds=0.0)], ONE, doing=[Doing(row[0], True, 0.0, None, 0)]).left_s == 0


def test_units_are_told_from_files(tmp_path):
    clips, stage = task("clips", kind="data"), task("stage", kind="stage2")
    videos, base, latents = task("videos"), task("base", kind="backbone"), task("latents", kind="latents")
    assert [units_done(tmp_path, each) for each in (clips, stage, videos, base, latents)] == [0, 0, 0, 0, None]
    spool = tmp_path / "made/clips/.spool"
    spool.mkdir(parents=True)
    for name in ("a.tar", "b.tar", ".c.tar.host.1.tmp", "plan-train.json"):
        (spool / name).touch()
    assert units_done(tmp_path, clips) == 2
    for path in spool.iterdir():
        path.unlink()
    (tmp_path / "made/clips/index.jsonl").write_text("{}\n{}\n{}\n")
    assert units_done(tmp_path, clips) == 3
    for place in ("made/stage/stage2", "made/base-training"):
        (tmp_path / place).mkdir(parents=True)
        rows = [json.dumps({"step": step, "kind": "train", "loss": 0.5}) for step in range(1, 301)]
        (tmp_path / place / "log.jsonl").write_text("\n".join(rows) + '\n{"step": 30')
    assert units_done(tmp_path, stage) == units_done(tmp_path, base) == 300
    for name in ("seed-0/a.mkv", "seed-0/a.json", "seed-0/b.error.json", "seed-0/.b.mkv.tmp", "seed-1/a.mkv"):
        (tmp_path / "made/videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made/videos" / name).touch()
    assert units_done(tmp_path, videos) == 2
