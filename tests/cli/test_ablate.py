import json

import pytest
import typer
from typer.testing import CliRunner

from kinebench.ablations import scale, stamp, table
from kinebench.ablations.account import facts
from kinebench.ablations.before import demand_configurations
from kinebench.ablations.executor import Failure, Moment
from kinebench.ablations.folder import TAKEN, changes, demand_apart, ready
from kinebench.ablations.foresight import Doing, Outlook
from kinebench.ablations.plan import plan
from kinebench.cli import ablate as commands
from kinebench.cli.ablate import ablate
from kinebench.cli.ablate_progress import bars
from kinebench.errors import KineBenchError

OWN = """
title = "One row"
question = "None?"
test = "simple_motion"
[[rows]]
id = "alone"
label = "no control"
prompt = "c0"
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(OWN)
    app = typer.Typer()
    app.command()(ablate)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(run, *arguments):
    return str(run(*arguments).exception)


def test_a_plan_names_every_command_once_and_writes_what_they_read(run, tmp_path):
    done = run("table1", "own.toml", "--plan", "--jobs", 2)
    assert done.exit_code == 0, done.exception
    both = plan([table.load("table1"), table.load("own.toml")], scale.load("tiny"))
    lines = done.output.splitlines()
    for task in both.tasks:
        assert lines.count(" ".join(("kinebench", *task.command))) == 1
    files = {str(path.relative_to(tmp_path / "ablations/tiny")) for path in tmp_path.glob("ablations/tiny/**/*.*")}
    assert files == {name for task in both.tasks for name in task.files}


def test_what_is_given_is_held_against_itself(run, tmp_path):
    assert "run.json says all by itself" in refused(run, "run.json", "table1")
    assert "leave --scale out" in refused(run, "run.json", "--scale", "tiny")
    assert "did you mean 'table5a'" in refused(run, "tabel5a")
    assert "no scale 'huge'" in refused(run, "table1", "--scale", "huge")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/own.toml").write_text(OWN)
    assert "two tables are called own: own.toml, other/own.toml" in refused(run, "own.toml", "other/own.toml")
    assert [path.name for path in tmp_path.iterdir()].count("ablations") == 0


def test_a_table_has_a_folder_of_its_own(tmp_path):
    work = plan([table.load(name) for name in table.built_in()], scale.load("tiny"))
    shared = {path.split("/")[0] for task in work.tasks for path in (task.made, *task.files)}
    assert shared < set(TAKEN)
    for name in TAKEN:
        with pytest.raises(KineBenchError, match=f"{name} is taken"):
            demand_apart([table.parse({**table.load("table2").content}, name, f"{name}.toml")])


def test_a_table_is_ready_when_all_its_rows_have_scores():
    work = plan([table.load("table2"), table.load("table3")], scale.load("tiny"))
    mine = {cell.scores for cell in work.cells if cell.table == "table2"}
    assert ready(work, work.tables[0], mine) and not ready(work, work.tables[1], mine)
    assert not ready(work, work.tables[0], mine - {next(iter(mine))})


def test_what_was_made_with_another_version_or_scale_is_told_of(tmp_path):
    work = plan([table.load("table2")], scale.load("tiny"))
    assert changes(work, tmp_path) == []
    for number, task in enumerate(work.tasks[:3]):
        stamp.write(tmp_path, stamp.Stamp(task.id, number < 2, 1.0, 1.0, 1.0, 1, {"kinebench": "0.0.1"}, {}))
        (tmp_path / task.made).mkdir(parents=True, exist_ok=True)
    (tmp_path / "table2").mkdir()
    (tmp_path / "table2/run.json").write_text('{"scale": {"name": "huge"}}')
    versions, other = changes(work, tmp_path)
    assert versions.startswith("2 of the tasks that are done were made with KineBench 0.0.1")
    assert "is of scale huge, and is written anew, of scale tiny" in other
    (tmp_path / "table2/run.json").write_text("damaged")
    assert len(changes(work, tmp_path)) == 1


def test_a_report_names_all_versions_that_tasks_were_made_with():
    class Found:
        seeds = (0,)

    went = [{"versions": {"kinebench": each, "torch": "2"}, "machine": {}, "seconds": 1.0} for each in ("1", "2", "1")]
    told = {
        "tasks": [{"kind": "videos", "went": each} for each in [*went, None]],
        "datasets": {}, "metrics": {}, "machine": {}, "versions": {"kinebench": "3", "torch": "2"},
    }  # fmt: skip
    assert dict(facts(Found, told))["versions"] == "kinebench 1 and 2, torch 2"


def test_a_fault_of_a_report_does_not_end_what_runs(tmp_path, monkeypatch):
    work = plan([table.load("table2")], scale.load("tiny"))
    moment = Moment(frozenset(task.id for task in work.tasks), 1, (), Outlook(1.0, 1.0, 0.0))
    faults, said = {}, []
    shown = type("Shown", (), {"say": lambda self, line: said.append(line)})()
    monkeypatch.setattr("kinebench.ablations.folder.write", lambda *_: 1 / 0)
    for _ in range(2):
        commands._report(work, tmp_path, moment, {}, faults, shown)
    assert said == ["table2 cannot be reported: division by zero"]
    with pytest.raises(ZeroDivisionError):
        commands._demand_reported(faults)
    with pytest.raises(KineBenchError, match="table2 cannot be reported: there is none"):
        commands._demand_reported({"table2": KineBenchError("there is none")})


def test_a_place_that_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "file").touch()
    assert "file/deep is no folder, or lies in a file; name another --out" in refused(
        run, "own.toml", "--out", "file/deep"
    )
    (tmp_path / "out").mkdir()
    (tmp_path / "out/recipes").touch()
    assert "out cannot be written: " in refused(run, "own.toml", "--out", "out", "--plan")


def test_a_training_that_cannot_be_configured_is_refused_before_anything_runs():
    content = json.loads(json.dumps(scale.load("tiny").content))
    content["config"]["stage2"] |= {"steps": 20, "warmup_steps": 10}  # a second stage alone warms up as a first one
    work = plan([table.load("table1")], scale.parse(content, "mine", "mine.toml"))
    with pytest.raises(KineBenchError, match=r"mine\.toml: .*warmup_steps: 30 leave nothing of 20"):
        demand_configurations(work)


def test_weights_that_are_not_here_are_told_of_before_anything_runs(run, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    said = refused(run, "own.toml", "--scale", "paper")
    assert "run: hf download zai-org/CogVideoX-5b-I2V" in said and said.count("kinebench weights fetch") >= 3
    assert not (tmp_path / "ablations").exists()


def test_gpus_that_are_not_there_are_told_of_before_anything_runs(run, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES names none" in refused(run, "own.toml", "--scale", "paper")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "--jobs 2: each task wants a GPU of its own, and there is 1" in refused(
        run, "own.toml", "--scale", "paper", "--jobs", 2
    )
    assert not (tmp_path / "ablations").exists()
    assert "with 1 GPU" in run("own.toml", "--scale", "paper", "--plan").output


def test_without_a_terminal_each_task_is_a_line(capsys):
    one, two = plan([table.load("table2")], scale.load("tiny")).tasks[:2]
    far = Outlook(30.0, 100.0, 5400.0)
    with bars() as shown:
        shown.note(Moment(frozenset(), 2, (), far, begun=(Doing(one, True, 0.0, 0, 0), Doing(two, False, 0.0, 0, 0))))
        shown.note(Moment(frozenset([one.id]), 2, (), far, ended=((one, 75.0),)))
        shown.note(Moment(frozenset(), 2, (), far, failed=(Failure(two, "it [is]\x1b broken", "logs/two.log"),)))
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"begun: {one.title}" and said[1] == f"another process is at work on: {two.title}"
    assert said[2] == f"done in 75 s: {one.title} (1 of 2; about 90 min left)"
    assert said[3] == f"failed: {two.title}: it [is]\N{REPLACEMENT CHARACTER} broken; see logs/two.log"
