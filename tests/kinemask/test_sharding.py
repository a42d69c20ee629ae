"""Many processes, with all weights in each or shared out: the same numbers and files, and none that waits for ever."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from kinebench.kinemask import checkpoint
from kinebench.kinemask.log import LINES, lines
from kinebench.kinemask.precompute import precompute
from kinebench.kinemask.trainer import train

SPEED = ("seconds", "clips_per_s")
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]

SHARED_OUT = """
import json, sys
from pathlib import Path

from torch.distributed.tensor import DTensor

from kinebench.errors import KineBenchError
from kinebench.kinemask import trainer
from kinebench.kinemask.config import parse
from kinebench.kinemask.device import agreed, demand_alike

tables, out = json.loads(sys.argv[1]), Path(sys.argv[2])
configs = {name: parse(table, "toys.toml") for name, table in tables.items()}
nothing = lambda *_: None
sessions = []
made = trainer.session


def kept(*args):
    sessions.append(made(*args))
    return sessions[-1]


def stop(moment):
    if moment.clips >= 14:
        raise KeyboardInterrupt


trainer.session = kept
for name, config in configs.items():
    trainer.train(config, "stage1", out / name, nothing, nothing)
try:
    trainer.train(configs["cogvideox"], "stage1", out / "stopped", stop, nothing)
except KeyboardInterrupt:
    pass
assert trainer.train(configs["cogvideox"], "stage1", out / "stopped", nothing, nothing).resumed == 2

rank = sessions[0].work.process_index
try:
    with agreed():
        if rank == 1:
            raise KineBenchError("the second alone")
except KineBenchError as error:
    assert str(error) == "the second alone"
else:
    raise AssertionError("one process went on without the other")
demand_alike({"data.folder": "one"})
try:
    demand_alike({"data.folder": rank})
except KineBenchError as error:
    assert str(error).startswith("data.folder is not the same for all 2 processes")
else:
    raise AssertionError("other data were taken for the same")

for run in sessions[1:]:
    frozen = run.material.family.transformer
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in frozen.parameters())
    for model in (frozen, run.model, *([run.average] if run.average is not None else [])):
        parts = list(model.parameters())
        assert all(isinstance(each, DTensor) for each in parts)
        assert sum(each.to_local().numel() for each in parts) < 0.6 * sum(each.numel() for each in parts)
"""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """As the processes that are started here, so that sums are of the same order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield
    torch.set_num_threads(before)


def quiet(*_):
    pass


def told(config):
    """A configuration as a table, for another process."""
    table = config.record
    del table["stage1"]["start"]
    return {part: {name: value for name, value in row.items() if value is not None} for part, row in table.items()}


def environment():
    return os.environ | {"ACCELERATE_USE_CPU": "true", "PYTHONPATH": os.pathsep.join(sys.path)}


def curve(out):
    return [{name: value for name, value in row.items() if name not in SPEED} for row in lines(out / "stage1")]


def alike(mine, theirs, tolerance):
    for one, two in zip(curve(mine), curve(theirs), strict=True):
        assert one.keys() == two.keys()
        for name in one.keys() - {"kind"}:
            assert one[name] == pytest.approx(two[name], rel=tolerance, abs=tolerance / 100), name
    files = sorted(path.relative_to(theirs) for path in theirs.rglob("*.safetensors"))
    assert files == sorted(path.relative_to(mine) for path in mine.rglob("*.safetensors"))
    for path in files:
        one, two = load_file(mine / path), load_file(theirs / path)
        assert {name: (value.shape, value.dtype) for name, value in one.items()} == {
            name: (value.shape, value.dtype) for name, value in two.items()
        }
        if "state" not in path.name:
            for name, value in one.items():
                torch.testing.assert_close(value, two[name], rtol=tolerance, atol=tolerance)


@pytest.mark.slow
def test_two_processes_do_what_one_does(configured, tmp_path):
    """With all weights in each, or a part. One goes on where two stopped, and two with parts where one did."""
    training = {"device_batch": 1, "ema_decay": 0.5}
    rows = {"stage1": {"learning_rate": 1e-3}, "data": {"held_out": 3}}
    configs = {
        "cogvideox": configured("cogvideox", training=training, saving={"strips": 1}, **rows),
        "wan": configured("wan", training=training | {"precision": "bfloat16"}, saving={"strips": 0}, **rows),
    }
    for name, config in configs.items():
        precompute(config, quiet)
        train(config, "stage1", tmp_path / "one" / name, quiet, quiet)
    begun = Path("stage1") / "step-000002"
    shutil.copytree(tmp_path / "one" / "wan" / begun, tmp_path / "two" / "wan" / begun)
    shutil.copy(tmp_path / "one" / "wan" / "stage1" / LINES, tmp_path / "two" / "wan" / "stage1")
    tables = {"all": told(configs["cogvideox"])} | {name: told(config) for name, config in configs.items()}
    for name in configs:
        tables[name]["training"]["sharding"] = True
    (tmp_path / "run.py").write_text(SHARED_OUT)
    command = [*LAUNCH, str(tmp_path / "run.py"), json.dumps(tables), str(tmp_path / "two")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=400)
    assert done.returncode == 0, done.stderr
    one, two = tmp_path / "one", tmp_path / "two"
    alike(two / "all", one / "cogvideox", 1e-4)
    alike(two / "cogvideox", one / "cogvideox", 1e-4)
    alike(two / "wan", one / "wan", 0.05)
    assert curve(two / "stopped") == curve(two / "cogvideox")
    for path in (two / "cogvideox").rglob("step-000004/**/*.safetensors"):
        assert path.read_bytes() == (two / "stopped" / path.relative_to(two / "cogvideox")).read_bytes()
    shutil.copytree(two / "cogvideox" / begun, tmp_path / "again" / begun)
    train(configs["cogvideox"], "stage1", tmp_path / "again", quiet, quiet)
    assert curve(tmp_path / "again")[-1]["full"] == pytest.approx(curve(one / "cogvideox")[-1]["full"], rel=1e-4)


def as_toml(table):
    rows = ((part, [f"{name} = {json.dumps(value)}" for name, value in row.items()]) for part, row in table.items())
    return "\n".join(line for part, lines in rows for line in (f"[{part}]", *lines))


def rank(number, above):
    """The process of this rank below another."""
    for pid in Path(f"/proc/{above}/task/{above}/children").read_text().split():
        if f"\0RANK={number}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes():
            return int(pid)
    raise AssertionError("it is not there")


@pytest.mark.slow
def test_none_waits_for_another_that_has_gone(configured, tmp_path):
    """And one message says what is safe, however many processes there are."""
    config = configured(stage1={"steps": 5000}, saving={"every": 1, "keep": 2, "strips": 0})
    precompute(config, quiet)
    table = told(config)
    table["training"]["sharding"] = True
    (tmp_path / "a.toml").write_text(as_toml(table))
    command = [*LAUNCH, "-m", "kinebench.cli.main", "train", "stage1", "a.toml", "--out", "run"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment()}
    running = subprocess.Popen(command, cwd=tmp_path, **pipes)
    until = time.monotonic() + 300
    while not list(tmp_path.glob("run/stage1/step-*/trainer.json")) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(rank(1, running.pid), signal.SIGKILL)
    said = running.communicate(timeout=200)[1]
    assert running.returncode != 0
    messages = [line for line in said.splitlines() if line.startswith("kinebench: ")]
    assert len(messages) == 1, said
    ends = ("another process of this run has ended", "interrupted; the checkpoint")  # torchrun may end it first
    assert any(end in messages[0] for end in ends)
    last = checkpoint.found(tmp_path / "run" / "stage1")[-1]
    assert last.step and load_file(last.folder / checkpoint.STATE)
