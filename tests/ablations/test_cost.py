import dataclasses
import re
import shlex
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.ablations import scale, stamp, table
from kinebench.ablations.cost import cost, demand, gigabytes
from kinebench.ablations.machine import machine
from kinebench.ablations.plan import plan
from kinebench.ablations.schedule import path_s, wall_s
from kinebench.ablations.script import lay_out, script
from kinebench.ablations.stamp import Stamp
from kinebench.ablations.task import Task
from kinebench.cli.ablate_tables import print_cost
from kinebench.errors import KineBenchError
from kinebench.kinemask import config

TINY, PAPER = scale.load("tiny"), scale.load("paper")
TABLES = [table.load(name) for name in table.built_in()]


@pytest.fixture(scope="module")
def whole():
    """Everything, tiny."""
    return plan(TABLES, TINY)


@pytest.fixture(scope="module")
def first():
    return plan([table.load("table1")], TINY)


def finish(out, task, unit_s=1.0, **changes):
    """As if a task had been done, at so many seconds a unit."""
    seconds = task.units * unit_s
    told = Stamp(task.id, True, seconds, seconds, 1.0, 1, {}, machine())
    stamp.write(out, dataclasses.replace(told, **changes))
    (out / task.made).mkdir(parents=True, exist_ok=True)


def works(price):
    return {work.kind: work for work in price.works}


def test_all_of_a_plan_is_to_come_at_first(whole, tmp_path):
    price = cost(whole, tmp_path / "not" / "there")
    assert sum(work.tasks for work in price.works) == len(whole.tasks)
    assert sum(work.seconds for work in price.works) == pytest.approx(sum(task.seconds for task in whole.tasks))
    assert price.megabytes == pytest.approx(sum(task.megabytes for task in whole.tasks))
    assert not any(work.done or work.measured_s for work in price.works)
    assert not (tmp_path / "not").exists()


def test_what_is_done_costs_nothing(first, tmp_path):
    for task in first.tasks:
        finish(tmp_path, task)
    price = cost(first, tmp_path)
    assert price.done and price.wall_s == price.path_s == price.megabytes == 0
    assert all(work.done == work.tasks and work.units == work.seconds == 0 for work in price.works)
    assert not price.needs


def test_a_stamp_without_what_was_made_counts_as_nothing(first, tmp_path):
    task = first.tasks[0]
    finish(tmp_path, task)
    (tmp_path / task.made).rmdir()
    assert works(cost(first, tmp_path))[task.kind].done == 0


def test_measured_seconds_stand_in_for_those_of_the_scale(whole, tmp_path):
    before = works(cost(whole, tmp_path))
    done = next(task for task in whole.tasks if task.kind == "stage1" and task.like == "cogvideox")
    finish(tmp_path, done, unit_s=7.0)
    after = works(cost(whole, tmp_path))
    for kind in ("stage1", "stage2"):
        tasks = [task for task in whole.tasks if task.kind == kind and task.id != done.id]
        same, others = ([task for task in tasks if (task.like == "cogvideox") is it] for it in (True, False))
        assert others  # Wan's steps, of which nothing is known
        assert after[kind].measured_s == pytest.approx(7.0 * sum(task.units for task in same))
        assert after[kind].seconds == pytest.approx(after[kind].measured_s + sum(task.seconds for task in others))
    assert after["videos"] == before["videos"]


@pytest.mark.parametrize(
    "told",
    [{"machine": {"processor": "another"}}, {"attempts": 2}, {"done": False}, {"units_before": 9}],
    ids=["elsewhere", "gone on", "failed", "found"],
)
def test_what_says_nothing_of_this_machine_is_not_reckoned_with(first, tmp_path, told):
    done = next(task for task in first.tasks if task.kind == "stage1")
    finish(tmp_path, done, unit_s=7.0, **told)
    assert works(cost(first, tmp_path))["stage2"].measured_s == 0


def test_latents_that_were_there_do_not_make_the_others_free(whole, tmp_path):
    finish(tmp_path, next(task for task in whole.tasks if task.kind == "latents"), unit_s=1e-4)
    price = works(cost(whole, tmp_path))["latents"]
    assert price.measured_s == 0 and price.seconds > 0


def test_of_what_was_begun_the_rest_is_to_come(first, tmp_path):
    one = next(task for task in first.tasks if task.kind == "data" and task.units == 96)
    before = cost(first, tmp_path)
    (spool := tmp_path / one.made / ".spool").mkdir(parents=True)
    for number in range(24):
        (spool / f"{number}.tar").touch()
    after = cost(first, tmp_path)
    assert works(before)["data"].units - works(after)["data"].units == 24
    assert works(before)["data"].seconds - works(after)["data"].seconds == pytest.approx(one.seconds / 4)
    assert before.megabytes - after.megabytes == pytest.approx(one.megabytes / 4)


def test_more_jobs_take_no_longer_and_none_beats_the_longest_chain(whole, tmp_path):
    prices = [cost(whole, tmp_path, jobs, cores=2) for jobs in (1, 2, 3, 8, 500)]
    walls = [price.wall_s for price in prices]
    assert walls[1] < walls[0] and all(wall <= walls[0] for wall in walls)
    assert all(price.wall_s >= price.path_s * (1 - 1e-9) for price in prices)
    assert len({price.path_s for price in prices}) == 1


@st.composite
def graphs(draw):
    """Tasks that need earlier ones, some of which take all slots, and their seconds."""
    count = draw(st.integers(1, 12))
    tasks, seconds = [], {}
    for number in range(count):
        needs = tuple(sorted(draw(st.sets(st.sampled_from([task.id for task in tasks]), max_size=3)))) if tasks else ()
        tasks.append(Task(f"t{number}", "videos", "", (), "", needs, 1, 1.0, 0.0, whole=draw(st.booleans())))
        seconds[f"t{number}"] = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0, 7.0]))
    return tasks, seconds


@given(graphs(), st.integers(1, 5))
def test_a_schedule_is_between_the_longest_chain_and_one_after_the_other(graph, slots):
    tasks, seconds = graph
    found, one = wall_s(tasks, seconds, slots), sum(seconds.values())
    assert path_s(tasks, seconds) - 1e-9 <= found <= one + 1e-9
    assert found >= one / slots - 1e-9
    assert wall_s(tasks, seconds, 1) == pytest.approx(one)


def test_cores_apart_from_slots_are_taken_beside_them():
    rows = [("a", False, 2.0), ("b", True, 3.0), ("c", False, 4.0), ("d", True, 1.0)]
    tasks = [Task(name, "videos", "", (), "", (), 1, 1.0, 0.0, whole=whole) for name, whole, _ in rows]
    assert wall_s(tasks, {name: seconds for name, _, seconds in rows}, 1, apart=True) == 2.0 + 4.0


def test_what_is_begun_goes_on_first():
    tasks = [Task(name, "videos", "", (), "", (), 1, 1.0, 0.0) for name in "abc"]
    seconds = {"a": 1.0, "b": 3.0, "c": 3.0}
    assert wall_s(tasks, seconds, 2) == 4.0 and wall_s(tasks, seconds, 2, begun=["a", "b"]) == 4.0
    assert wall_s(tasks, seconds | {"a": 2.0}, 2, begun=["a", "b"]) == 5.0


def test_what_takes_all_slots_has_them_alone():
    rows = [("a", False, 2.0), ("b", True, 3.0), ("c", False, 4.0)]
    tasks = [Task(name, "videos", "", (), "", (), 1, 1.0, 0.0, whole=whole) for name, whole, _ in rows]
    assert wall_s(tasks, {name: seconds for name, _, seconds in rows}, 2) == 3.0 + 4.0


def test_the_disk_must_hold_it(first, tmp_path):
    price = cost(first, tmp_path)
    demand(dataclasses.replace(price, free_mb=1e9), tmp_path)
    assert not dataclasses.replace(price, free_mb=1e9).tight
    small = dataclasses.replace(price, free_mb=price.megabytes)
    assert small.tight
    with pytest.raises(KineBenchError, match=r"are free; make room, or name another disk with --out"):
        demand(small, tmp_path)


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    """Neither weights of metrics nor those of the Hub."""
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_published_weights_are_named_and_missing_ones_stop_it(nothing_here, tmp_path):
    price = cost(plan([table.load("table4")], PAPER), tmp_path)
    wanted = {need.name: need.purpose for need in price.needs}
    assert wanted == {
        "zai-org/CogVideoX-5b-I2V": "CogVideoX-5B-I2V",
        "Wan-AI/Wan2.2-TI2V-5B-Diffusers": "Wan2.2-TI2V-5B",
        "i3d-torchscript": "fvd",
        "pips2": "fvmd",
        "sam2.1-hiera-large": "iou_sam2",
    }
    with pytest.raises(KineBenchError) as error:
        demand(dataclasses.replace(price, free_mb=1e9), tmp_path)
    assert "run: hf download Wan-AI/Wan2.2-TI2V-5B-Diffusers --revision" in str(error.value)
    assert "run: kinebench weights fetch pips2" in str(error.value)


def test_tiny_tables_need_no_weights_and_a_table_only_its_own_backbone(first, nothing_here, tmp_path):
    assert cost(first, tmp_path).needs == ()
    names = [need.name for need in cost(plan([table.load("table1")], PAPER), tmp_path).needs]
    assert names[0].startswith("zai-org/") and not any(name.startswith("Wan") for name in names)


def test_clips_are_encoded_once_for_both_captions(whole):
    latents = [task for task in whole.tasks if task.kind == "latents" and "interactions" in task.id]
    both = [task for task in latents if "cogvideox" in task.id]
    assert sorted(task.seconds > 0 for task in both) == [False, True]
    assert all(task.seconds for task in latents if "wan" in task.id)


def test_the_papers_scale_adds_up():
    """Forty-two trainings at one checkpoint each; docs/reproduce.md has these figures."""
    found = plan(TABLES, PAPER)
    stages = [task for task in found.tasks if task.kind in ("stage1", "stage2")]
    wan = [task for task in stages if task.like == "wan"]
    assert sum(task.megabytes for task in stages) == (len(stages) - len(wan)) * 13800 + len(wan) * 17700
    assert {task.seconds for task in wan} == {70_000}
    assert not [task for task in found.tasks if task.kind == "backbone"]


def test_it_is_printed_on_eighty_columns(whole, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = next(task for task in whole.tasks if task.kind == "stage1" and task.like == "cogvideox")
    finish(tmp_path, done, unit_s=1.0)
    print_cost(cost(whole, tmp_path, 2))
    said = capsys.readouterr().out
    rows = {
        row[0]: row for row in ([cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines()) if row
    }
    assert rows["first stages"][1:3] == ["1 of 15", "7,000 steps"]
    assert re.fullmatch(r"\d+ %", rows["first stages"][4]) and rows["videos"][4] == "no"
    assert "with 2 cores: about" in said and "disk: " in said and TINY.machine in said
    assert max(map(len, said.splitlines())) <= 120 and "…" not in said


def test_commands_by_hand_are_those_of_the_tasks_and_their_files_are_there(first, tmp_path):
    lay_out(first.tasks, tmp_path)
    done = first.tasks[0]
    lines = script(first, tmp_path, {done.id}).splitlines()
    assert lines[0] == f"cd {tmp_path}"
    commands = [shlex.split(line) for line in lines if line.startswith("kinebench ")]
    assert sorted(commands) == sorted(["kinebench", *task.command] for task in first.tasks if task is not done)
    assert f"# done: {shlex.join(('kinebench', *done.command))}" in lines
    heads = [line for line in lines if re.fullmatch(r"# \w+", line)]
    assert heads == ["# data", "# backbones", "# latents", "# stages", "# videos", "# scores"]
    for command in commands:
        if command[1] == "train":
            config.load(tmp_path / command[3])
        if command[1] == "generate":
            assert tomllib.loads((tmp_path / command[2]).read_text())["dataset"]


@pytest.mark.parametrize(
    ("megabytes", "text"), [(0.4, "0 MB"), (803.2, "803 MB"), (5500, "5.5 GB"), (219_000, "219 GB"), (2.4e6, "2.4 TB")]
)
def test_sizes_are_short(megabytes, text):
    assert gigabytes(megabytes) == text
