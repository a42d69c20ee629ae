import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from kinebench.ablations import executor, scale, stamp
from kinebench.ablations.executor import demand_done, execute
from kinebench.ablations.plan import Plan
from kinebench.ablations.script import lay_out
from kinebench.ablations.task import Task
from kinebench.errors import KineBenchError

WORK = """
import os, pathlib, signal, sys, time
verb, made, seconds = sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3])
events = os.open("events", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
say = lambda what: os.write(events, f"{what} {made.name} {os.getpid()} {time.time()}\\n".encode())
if verb == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
say("begin")
try:
    time.sleep(seconds)
except KeyboardInterrupt:
    say("stopped")
    sys.exit("what is safe is safe")
print("worked", *sys.argv[4:], flush=True)
if verb == "fail":
    print("kinebench: it cannot be done;\\nmend it", file=sys.stderr)
    sys.exit(3)
if verb == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if verb != "nothing":
    made.parent.mkdir(parents=True, exist_ok=True)
    told = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "KINEBENCH_CACHE")
    made.write_text("\\n".join(f"{name}={os.environ.get(name)}" for name in told))
say("end")
"""

DRIVER = """
import importlib.util, sys
from pathlib import Path
from kinebench.ablations import child
from kinebench.errors import KineBenchError
spec = importlib.util.spec_from_file_location("tests_of_executor", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
child.GRACE_S = tuple((number, 0.3) for number, _ in child.GRACE_S) if "hurry" in sys.argv else child.GRACE_S
plan = tests.PLANS[sys.argv[2]]()
program = (sys.executable, str(Path("work.py").absolute()))
try:
    outcome = tests.execute(plan, Path("out"), int(sys.argv[3]), lambda moment: None, program)
except KineBenchError as error:
    print(error)
    sys.exit(error.exit_code)
print(sorted(outcome.done))
"""


def task(name, *needs, verb="make", seconds=0.0, foreseen=1.0, **more):
    made = f"made/{name}"
    command = (verb, made, str(seconds))
    told = {"id": name, "kind": "videos", "title": f"work {name}", "command": command, "made": made, "needs": needs}
    told["like"] = name
    return Task(**(told | {"units": 1, "seconds": foreseen, "megabytes": 0.0} | more))


def plan(*tasks, processor="core"):
    return Plan((), dataclasses.replace(scale.load("tiny"), processor=processor), tasks, ())


def _row():
    return plan(task("a"), task("b", "a", seconds=60), task("c", "b"))


def _shared():
    return plan(*(task(f"t{i:02}", *([f"t{i - 4:02}"] if i > 3 else []), seconds=0.1) for i in range(16)))


PLANS = {
    "row": _row,
    "shared": _shared,
    "pair": lambda: plan(task("a", seconds=60), task("b", seconds=60, verb="deaf")),
}


@pytest.fixture
def out(tmp_path):
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "driver.py").write_text(DRIVER)
    return tmp_path / "out"


def run(work, out, jobs=2, note=lambda moment: None):
    return execute(work, out, jobs, note, (sys.executable, str(out.parent / "work.py")))


def drive(out, which, *more, jobs=2):
    """The same in a process of its own, which hears Ctrl-C."""
    command = [sys.executable, "driver.py", __file__, which, str(jobs), *more]
    return subprocess.Popen(
        command, cwd=out.parent, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def events(out):
    with contextlib.suppress(FileNotFoundError):
        rows = [line.split() for line in (out / "events").read_text().splitlines()]
        return [(what, name, int(pid), float(at)) for what, name, pid, at in rows]
    return []


def names(out, what):
    return [name for kind, name, _, _ in events(out) if kind == what]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def test_each_task_runs_once_after_what_it_needs(out):
    work = plan(task("a", files={"conf/a.toml": "x = 1\n"}), task("b", "a"), task("c", "a"), task("d", "b", "c"))
    told = []
    outcome = run(work, out, note=told.append)
    demand_done(outcome, out)
    assert (outcome.done, outcome.failed, outcome.left) == (frozenset("abcd"), (), ())
    ended = {name: at for what, name, _, at in events(out) if what == "end"}
    begun = {name: at for what, name, _, at in events(out) if what == "begin"}
    assert all(ended[need] < begun[each.id] for each in work.tasks for need in each.needs)
    assert (out / "conf/a.toml").read_text() == "x = 1\n"
    assert (out / "logs/b.log").read_text().splitlines()[0] == "$ kinebench make made/b 0.0"
    assert "worked" in (out / "logs/b.log").read_text()
    assert [each.id for moment in told for each, _ in moment.ended].count("d") == 1
    assert told[-1].done == outcome.done and told[-1].outlook.left_s == 0

    mark = stamp.read(out, "b")
    assert mark.done and mark.attempts == 1 and mark.cpu_s > 0 and 0 < mark.seconds < 20
    assert 0.001 < mark.memory_gb < 1 and mark.versions["kinebench"] and mark.machine["cores"]
    assert os.uname().nodename not in json.dumps(dict(mark.machine))

    assert run(work, out).done == outcome.done
    assert len(events(out)) == 8, "a second time there is nothing to do"
    (out / "made/d").unlink()
    run(work, out)
    assert names(out, "begin")[4:] == ["d"], "but for what was taken away"
    assert stamp.read(out, "d").attempts == 2


def test_slots_are_kept_full_and_no_fuller_and_who_is_waited_for_longest_goes_first(out):
    work = plan(
        task("short", seconds=0.3),
        task("first", seconds=1.0, foreseen=5),
        task("second", "first", seconds=0.3, foreseen=5),
        task("all", seconds=0.3, whole=True, foreseen=0.1),
        task("middle", seconds=1.0, foreseen=2),
    )
    run(work, out)
    assert names(out, "begin")[0] == "all"
    assert set(names(out, "begin")[1:3]) == {"first", "middle"}
    assert set(names(out, "begin")[3:]) == {"second", "short"}
    busy, most = set(), 0
    for what, name, _, _ in events(out):
        busy = busy | {name} if what == "begin" else busy - {name}
        most = max(most, len(busy))
        assert busy == {"all"} or "all" not in busy
    assert most == 2


def test_a_task_on_a_core_has_one_thread_and_one_on_all_is_told_how_many(out, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("KINEBENCH_CACHE", "cache")  # seen from here, and a task runs elsewhere
    run(plan(task("one"), task("all", whole=True, kind="data", command=("generate", "made/all", "0"))), out, jobs=3)
    cache = f"KINEBENCH_CACHE={Path.cwd() / 'cache'}"
    assert (out / "made/one").read_text().splitlines() == ["OMP_NUM_THREADS=1", "CUDA_VISIBLE_DEVICES=", cache]
    assert cache in (out / "made/all").read_text()
    assert "OMP_NUM_THREADS=7" in (out / "made/all").read_text()
    assert "worked --workers 3" in (out / "logs/all.log").read_text()


def test_each_slot_is_a_gpu_of_its_own(out, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-5a")
    run(plan(*(task(name, seconds=0.3) for name in "ab"), processor="gpu"), out)
    found = {(out / f"made/{name}").read_text().splitlines()[1] for name in "ab"}
    assert found == {"CUDA_VISIBLE_DEVICES=3", "CUDA_VISIBLE_DEVICES=GPU-5a"}
    with pytest.raises(KineBenchError, match="--jobs 3: each task wants a GPU of its own, and there are 2"):
        run(plan(processor="gpu"), out, jobs=3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(KineBenchError, match="there is none here: CUDA_VISIBLE_DEVICES names none"):
        run(plan(task("c"), processor="gpu"), out, jobs=1)
    assert "c" not in names(out, "begin")


def test_cores_are_taken_beside_gpus(out, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    whole = [task(name, seconds=0.8, whole=True, foreseen=9) for name in ("w1", "w2")]
    run(plan(*whole, task("g1", seconds=0.8), task("g2", seconds=0.8), processor="gpu"), out, jobs=1)
    busy, most, together = set(), 0, set()
    for what, name, _, _ in events(out):
        busy = busy | {name} if what == "begin" else busy - {name}
        most, together = max(most, len(busy)), together | {frozenset(busy)}
    assert most == 2 and not any(len({each[0] for each in pair}) == 1 for pair in together if len(pair) == 2)


def test_a_failure_costs_what_needs_it_and_no_more(out):
    work = plan(
        task("bad", verb="fail"), task("worse", verb="die"), task("empty", verb="nothing"), task("good"),
        task("after", "bad"), task("later", "after", "good"), task("fine", "good"),
    )  # fmt: skip
    told = []
    outcome = run(work, out, note=told.append)
    assert outcome.done == {"good", "fine"}
    assert {each.task.id for each in outcome.failed} == {"bad", "worse", "empty"}
    assert [each.id for each in outcome.left] == ["after", "later"]
    assert sum(len(moment.failed) for moment in told) == 3
    assert not stamp.read(out, "bad").done and stamp.read(out, "after") is None
    with pytest.raises(KineBenchError) as error:
        demand_done(outcome, out)
    said = str(error.value)
    assert "work bad (videos): it cannot be done;\n    mend it (exit 3" in said
    assert "killed by signal 9" in said and "there is no made/empty" in said
    assert str(out / "logs/bad.log") in said and "2 more need them" in said and "run the same command again" in said

    mended = [dataclasses.replace(each, command=("make", *each.command[1:])) for each in work.tasks]
    before = len(names(out, "end"))
    assert len(run(plan(*mended), out).done) == 7
    assert Counter(names(out, "end")[before:]) == Counter(["bad", "worse", "empty", "after", "later"])
    assert stamp.read(out, "bad").attempts == 2


def test_a_killed_execution_leaves_no_orphan_and_is_continued(out):
    first = drive(out, "row")
    until(lambda: "b" in names(out, "begin"))
    (worker,) = (pid for what, name, pid, _ in events(out) if (what, name) == ("begin", "b"))
    first.kill()
    first.wait()
    until(lambda: not alive(worker))
    mark = stamp.read(out, "b")
    assert stamp.read(out, "a").done and not mark.done and mark.attempts == 1

    work = _row()
    quick = [dataclasses.replace(each, command=(*each.command[:2], "0")) for each in work.tasks]
    assert run(plan(*quick), out).done == set("abc")
    assert Counter(names(out, "end")) == Counter("abc")
    assert stamp.read(out, "b").attempts == 2, "so that nobody takes the time of the second one for all of it"


def test_the_time_of_a_task_is_noted_while_it_runs(out, monkeypatch):
    monkeypatch.setattr(executor, "_NOTE_S", 0.0)
    seen = []

    def note(moment):
        if mark := stamp.read(out, "a"):
            seen.append((mark.done, mark.seconds))

    run(plan(task("a", seconds=0.5), task("b"), task("c", "b")), out, note=note)
    assert not seen[0][0] and 0 < seen[-2][1] < seen[-1][1] and seen[-1][0]
    assert stamp.read(out, "a").attempts == 1


def test_units_that_were_there_are_noted_as_nobodys_time(out):
    work = task("a", kind="data", units=3, files={"made/a/.spool/one.tar": "", "made/a/.spool/two.tar": ""})
    lay_out([work], out)
    failing = dataclasses.replace(work, command=("fail", "made/b", "0"))
    run(plan(failing), out)
    assert (stamp.read(out, "a").units_before, stamp.read(out, "a").attempts) == (2, 1)


def test_what_is_to_come_after_another_waits_for_it_as_long_as_there_is_hope(out):
    work = plan(
        task("one", seconds=0.2), task("two", after=("one",), foreseen=9),
        task("bad", verb="fail"), task("three", after=("bad", "not planned")),
    )  # fmt: skip
    assert run(work, out, jobs=4).done == {"one", "two", "three"}
    at = {(what, name): at for what, name, _, at in events(out)}
    assert at["end", "one"] < at["begin", "two"]


def test_two_executions_share_the_work(out):
    both = [drive(out, "shared"), drive(out, "shared")]
    for each in both:
        assert each.wait(60) == 0
        assert each.stdout.read().splitlines()[-1] == str([f"t{i:02}" for i in range(16)])
    assert Counter(names(out, "begin")) == Counter(f"t{i:02}" for i in range(16)), "each is done once"
    assert len({stamp.read(out, name).attempts for name in names(out, "end")}) == 1


def test_what_another_process_has_is_waited_for_and_taken_over_if_it_dies(out):
    first = drive(out, "row", jobs=1)
    until(lambda: "b" in names(out, "begin"))
    told, work = [], _row()
    quick = [dataclasses.replace(each, command=(*each.command[:2], "0")) for each in work.tasks]

    def note(moment):
        told.append(moment)
        if any(not each.here for each in moment.begun):
            first.kill()

    assert run(plan(*quick), out, note=note).done == set("abc")
    assert [(each.task.id, each.here) for moment in told for each in moment.begun] == [
        ("b", False),
        ("b", True),
        ("c", True),
    ]
    first.wait()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_ends_all_and_says_how_to_go_on(out, number, code):
    running = drive(out, "pair", "hurry")
    until(lambda: set(names(out, "begin")) == {"a", "b"})
    running.send_signal(number)
    said, _ = running.communicate(timeout=20)
    assert running.returncode == code
    assert "interrupted; 0 of 2 tasks are done in out" in said and "run the same command again" in said
    assert names(out, "stopped") == ["a"], "one was told and ended by itself; the other was deaf, and was killed"
    assert not any(alive(pid) for _, _, pid, _ in events(out))
    for name in "ab":
        mark = stamp.read(out, name)
        assert not mark.done and mark.attempts == 1 and mark.seconds > 0


def test_a_stamp_that_cannot_be_read_is_named(out):
    run(plan(task("a")), out)
    (out / "tasks/a.json").write_text("{")
    with pytest.raises(KineBenchError, match=r"tasks/a\.json cannot be read .* remove it"):
        run(plan(task("a")), out)
