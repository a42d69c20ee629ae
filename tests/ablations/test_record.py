import copy
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kinebench import recipe
from kinebench.ablations import record, scale, stamp, table
from kinebench.ablations.machine import machine, versions
from kinebench.ablations.plan import plan
from kinebench.ablations.stamp import Stamp
from kinebench.errors import KineBenchError
from kinebench.scoring import scorecard
from kinebench.scoring.scorer import score
from kinebench.scoring.truths import open_truths
from kinebench.shards import video

TABLES = [table.load(name) for name in table.built_in()]


def shrunk():
    """The tiny scale with one seed and one metric."""
    content = copy.deepcopy(dict(scale.load("tiny").content))
    return scale.parse(content | {"seeds": [3], "metrics": ["mse"]}, "shrunk", "shrunk.toml")


@pytest.fixture(scope="module")
def planned():
    return plan([table.load("table2")], shrunk())


@pytest.fixture(scope="module")
def card(packed, tmp_path_factory):
    """A real scorecard, of still pictures."""
    where = tmp_path_factory.mktemp("still")
    shards = open_truths(packed, "test")
    for key in shards.keys("test"):
        frames = video.decode_rgb(shards.member(key, "rgb.mkv"))
        (where / f"{key}.mkv").write_bytes(video.encode_lossless_rgb(np.repeat(frames[:1], len(frames), axis=0), 12))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return score(where, packed, "test", ("mse",))


@pytest.fixture(scope="module")
def finished(planned, packed, card, tmp_path_factory):
    """A folder in which all is done: real shards and scorecards, and weights that were never trained."""
    from safetensors.numpy import save_file

    out = tmp_path_factory.mktemp("ablation")
    for number, task in enumerate(planned.tasks):
        stamp.write(out, Stamp(task.id, True, 2.5, 4.0, 0.3, 1, versions(), machine()))
        made = out / task.made
        made.parent.mkdir(parents=True, exist_ok=True)
        if task.kind == "data":
            shutil.copytree(packed, made)
        elif task.kind == "scores":
            scorecard.write(card, made)
        elif task.kind in ("backbone", "stage1", "stage2"):
            alone = task.kind == "backbone"
            log = made.with_name(f"{made.name}-training") if alone else made / task.kind
            weights = made / "transformer" if alone else log / f"step-{task.units:06d}" / "control"
            weights.mkdir(parents=True)
            save_file({"w": np.full(3, number, np.float32)}, weights / "diffusion_pytorch_model.safetensors")
            log.mkdir(parents=True, exist_ok=True)
            lines = [
                {"step": 0, "kind": "validation", "first": 0.9},
                *({"step": step, "kind": "train", "loss": 1 / step, "seconds": 0.4} for step in (1, 2, 4)),
                {"step": 4, "kind": "validation", "first": 0.5},
            ]
            (log / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        else:
            made.mkdir(exist_ok=True)
    return out


@pytest.fixture
def written(planned, finished, tmp_path):
    """run.json as it is on the disk."""
    path = tmp_path / "run.json"
    path.write_text(json.dumps(record.record(planned, finished, planned.tables[0])))
    return path


def changed(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


@pytest.mark.parametrize("name", ["tiny", "paper"])
def test_a_table_is_repeated_from_its_record_alone(name, tmp_path):
    found = plan(TABLES, scale.load(name))
    for each in found.tables:
        path = tmp_path / "run.json"
        path.write_text(json.dumps(record.record(found, tmp_path / "nothing", each)))
        again = plan(*record.load(path))
        assert sorted(task.id for task in again.tasks) == sorted(task.id for task in record.tasks_of(found, each))
        commands = {task.id: task.command for task in found.tasks}
        assert all(task.command == commands[task.id] for task in again.tasks)
        assert again.cells == tuple(cell for cell in found.cells if cell.table == each.name)


def test_a_record_has_what_came_out(planned, finished, written, packed, card):
    found = record.read(written)
    tasks = {task["id"]: task for task in found["tasks"]}
    assert list(tasks) == [task.id for task in planned.tasks]
    assert all(task["went"]["seconds"] == 2.5 and task["went"]["cpu_s"] == 4.0 for task in tasks.values())
    assert found["seeds"] == [3] and found["metrics"]["mse"] == 1 and found["data_version"] == recipe.DATA_VERSION
    for kind, results in (("data", "datasets"), ("scores", "scores")):
        assert found[results].keys() == {name for name, task in tasks.items() if task["kind"] == kind}
    trained = [name for name, task in tasks.items() if task["kind"] in ("backbone", "stage1", "stage2")]
    assert found["checkpoints"].keys() == set(trained)
    assert all(row["loss"] == 0.25 and row["validation_first"] == 0.5 for row in found["checkpoints"].values())
    assert len({row["sha256"] for row in found["checkpoints"].values()}) == len(trained)
    manifest = json.loads((packed / "manifest.json").read_text())
    assert {row["recipe_sha256"] for row in found["datasets"].values()} == {manifest["recipe_sha256"]}
    assert {row["mse"] for row in found["scores"].values()} == {card["summaries"]["mse"]["value"]}


def test_a_record_names_no_place_and_no_machine(written, finished):
    import os

    text = written.read_text()
    assert os.uname().nodename not in text and str(finished) not in text and str(Path.home()) not in text

    def strings(value):
        if isinstance(value, dict):
            for key, each in value.items():
                yield key
                yield from strings(each)
        elif isinstance(value, list):
            for each in value:
                yield from strings(each)
        elif isinstance(value, str):
            yield value

    assert not [said for said in strings(json.loads(text)) if said.startswith(("/", "~")) or "=/" in said]


def test_what_is_not_done_has_no_results(planned, tmp_path):
    found = record.record(planned, tmp_path, planned.tables[0])
    assert not found["datasets"] and not found["checkpoints"] and not found["scores"]
    assert {task["went"] for task in found["tasks"]} == {None}


@pytest.mark.parametrize("name", ["../../elsewhere", "..", "a/b", ""])
def test_a_name_that_leads_elsewhere_is_refused(written, name):
    content = json.loads(written.read_text())
    with pytest.raises(KineBenchError, match=r"table\.name: .*expected: a name that a folder can have"):
        record.load(changed(written, table=content["table"] | {"name": name}))


def test_other_data_are_no_repeat(written, monkeypatch):
    then = recipe.DATA_VERSION
    monkeypatch.setattr(recipe, "DATA_VERSION", then + 1)
    expected = rf"had data version {then}, this KineBench makes {then + 1}; .*kinebench=="
    with pytest.raises(KineBenchError, match=expected) as error:
        record.load(written)
    assert str(written) in str(error.value)


def test_other_scores_are_no_repeat(written):
    with pytest.raises(KineBenchError, match=r"had version 7 of mse, this KineBench has 1; .*kinebench==9\.9$"):
        record.load(changed(written, metrics={"mse": 7}, kinebench="9.9"))
    with pytest.raises(KineBenchError, match="no metric or meter 'beauty'"):
        record.load(changed(written, metrics={"beauty": 1}))


def test_another_plan_is_no_repeat(written):
    content = json.loads(written.read_text())
    content["tasks"][0]["id"] += "0"
    written.write_text(json.dumps(content))
    with pytest.raises(KineBenchError, match=r"plans 1 of \d+ tasks otherwise; install the version that made it"):
        record.load(written)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no JSON"),
        ("[]", r"no run\.json"),
        ('{"kind": "kinebench scores"}', r"no run\.json"),
        ('{"kind": "kinebench ablation", "format_version": 9}', "format version 9"),
        ('{"kind": "kinebench ablation", "format_version": 1}', "missing"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, content, said):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(KineBenchError, match=said):
        record.load(path)
    with pytest.raises(KineBenchError, match="cannot be read"):
        record.load(tmp_path / "none.json")


def test_a_repeat_is_held_against_its_record(written):
    before = record.read(written)
    assert record.differs(before, copy.deepcopy(before)) == []
    now = copy.deepcopy(before)
    data, weights, scores = (next(iter(now[part])) for part in ("datasets", "checkpoints", "scores"))
    now["datasets"][data]["sha256"] = "f" * 64
    now["checkpoints"][weights]["loss"] = 0.5
    del now["scores"][scores]
    now["versions"] = now["versions"] | {"torch": "9.9"}
    found = record.differs(before, now)
    assert found[0] == f"dataset {data}: sha256 ffffffffffff instead of {before['datasets'][data]['sha256'][:12]}"
    assert found[1:3] == [f"checkpoint {weights}: loss 0.5 instead of 0.25", f"scores {scores}: not there now"]
    assert found[3:] == [f"versions: torch 9.9 instead of {before['versions']['torch']}"]


def test_one_weight_changes_the_hash(planned, finished, written):
    from safetensors.numpy import load_file, save_file

    before = record.read(written)
    task = next(task for task in planned.tasks if task.kind == "stage2")
    file = next((finished / task.made).rglob("*.safetensors"))
    kept = load_file(file)
    save_file({"w": kept["w"] + np.float32([0, 0, 1e-3])}, file)
    try:
        found = record.differs(before, record.record(planned, finished, planned.tables[0]))
    finally:
        save_file(kept, file)
    assert [line.partition(":")[0] for line in found] == [f"checkpoint {task.id}"]


def test_weights_that_are_gone_are_named(planned, finished, tmp_path):
    out = Path(shutil.copytree(finished, tmp_path / "out"))
    task = next(task for task in planned.tasks if task.kind == "stage1")
    shutil.rmtree(out / task.made / "stage1" / f"step-{task.units:06d}")
    with pytest.raises(KineBenchError, match=rf"has no weights; remove .*{task.id}\.json, and it is trained anew"):
        record.record(planned, out, planned.tables[0])


def test_a_table_has_only_its_own_tasks():
    found = plan(TABLES, dataclasses.replace(scale.load("tiny"), seeds=(0,)))
    ids = {each.name: {task.id for task in record.tasks_of(found, each)} for each in found.tables}
    assert set.union(*ids.values()) == {task.id for task in found.tasks}
    assert not any("interactions-c0" in name for name in ids["table1"])
    assert all(ids[name] == {task.id for task in plan([table.load(name)], found.scale).tasks} for name in ids)
