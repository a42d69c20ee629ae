"""An ablation from rendering to its report by one command: killed, continued, and repeated from its own record."""

import json
import shutil
from pathlib import Path

import pytest

LEAST = Path(__file__).parents[1] / "recipes" / "least_simple.toml"
STEPS, EVERY = 40, 5

NANO = f"""
title = "as little as there can be"
machine = "none"
processor = "core"
seeds = [0]
metrics = ["mse", "iou_flow"]
score_s = 1

[data.simple_motion]
recipe = "{LEAST}"
train = 4
test = 3
clip_s = 1
clip_mb = 0.1

[backbones.cogvideox]
family = "small"
title = "a nano CogVideoX"
pretraining = {{ steps = 4, layers = 1, heads = 1, channels = 8, warmup_steps = 1 }}
pretraining_step_s = 1
step_s = 1
latents_s = 1
video_s = 1
latents_mb = 0.1
memory_gb = 1
weights_gb = 0

[config.data]
held_out = 2

[config.branch]
layers = 1
mask_width = 8
mask_channels = 4

[config.stage1]
steps = {STEPS}
warmup_steps = 1

[config.stage2]
steps = {STEPS}

[config.training]
total_batch = 2
device_batch = 2
checkpointing = false
workers = 0

[config.saving]
every = {EVERY}
strips = 0
"""

MINE = """
title = "A branch or none"
question = "Does a branch help?"
test = "simple_motion"

[trainings.alone]
data = "simple_motion"
stage1 = "none"

[[rows]]
id = "no_control"
label = "no control"
prompt = "c0"

[[rows]]
id = "alone"
label = "2nd stage alone"
prompt = "c0"
training = "alone"

[[pairs]]
first = "alone"
second = "no_control"
asks = "Does a branch move objects as it is told?"
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "nano.toml").write_text(NANO)
    (tmp_path / "mine.toml").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stamps(out):
    return {path.stem: json.loads(path.read_text()) for path in (out / "tasks").glob("*.json")}


def numbers(out):
    """What came out, without how long it took."""
    found = json.loads((out / "mine/results.json").read_text())
    for row in found["rows"]:
        del row["train_s"], row["video_s"]
    return found, json.loads((out / "mine/run.json").read_text())["checkpoints"]


@pytest.mark.slow
def test_killed_and_continued_it_ends_as_it_does_undisturbed(place, processes):
    order, out = ("ablate", "mine.toml", "--scale", "nano.toml", "--out", "out", "--jobs", 1), place / "out"
    run = processes.start(*order)
    try:
        begun = f"branches/**/stage2/step-{EVERY:06d}"
        processes.wait_until(lambda: run.poll() is not None or list(out.glob(begun)), seconds=600)
        below = processes.descendants(run.pid)
        assert below and processes.kill(run.pid)
        processes.wait_until(lambda: not any(map(processes.alive, below)), seconds=20)
    finally:
        run.kill()
        run.wait()
    assert not list(out.glob(f"branches/**/stage2/step-{STEPS:06d}"))
    before = stamps(out)
    begun = {name for name, each in before.items() if not each["done"]}
    assert [name.partition("-")[0] for name in begun] == ["stage2"]

    said = processes.kinebench(*order)
    assert "Does a branch move objects as it is told?" in said.stdout and "mine/report.html" in said.stdout
    assert "done in" in said.stderr and "of 9" in said.stderr
    after = stamps(out)
    assert len(after) == 9 and all(each["done"] for each in after.values())
    assert all(each["attempts"] == (2 if name in begun else 1) for name, each in after.items())
    kept = {name: each for name, each in before.items() if name not in begun}
    assert {name: each for name, each in after.items() if name in kept} == kept
    assert "2nd stage alone" in (out / "mine/report.html").read_text()
    assert (out / "mine/report.md").stat().st_size > 0
    killed = numbers(out)

    (branch,) = (name for name in after if name.startswith("stage2"))
    for name in (
        branch,
        *(each for each in after if each.startswith(("videos-", "scores-")) and "simple_motion" in each),
    ):
        (out / f"tasks/{name}.json").unlink()
    for made in (*out.glob("branches/*"), *out.glob("videos/*simple_motion*"), *out.glob("mine")):
        shutil.copytree(made, place / "kept" / made.name)
        shutil.rmtree(made)
    processes.kinebench("ablate", place / "kept/mine/run.json", "--out", "out", "--jobs", 1)
    assert numbers(out) == killed
    assert {name: each for name, each in stamps(out).items() if name in kept} == kept
