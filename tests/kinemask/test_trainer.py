"""The trainer, through the same code as for the real models: what it learns, what it leaves alone, how it goes on."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import diffusers
import pytest
import torch
from transformers import T5EncoderModel, UMT5EncoderModel

from kinebench.errors import KineBenchError
from kinebench.kinemask import checkpoint
from kinebench.kinemask.advice import advised
from kinebench.kinemask.log import lines
from kinebench.kinemask.material import gathered
from kinebench.kinemask.precompute import precompute
from kinebench.kinemask.run import claimed, demand_same
from kinebench.kinemask.trainer import Moment, train, warmth

SPEED = ("seconds", "clips_per_s")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As the processes that are started here, so that sums are of the same order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    yield
    del os.environ["OMP_NUM_THREADS"]
    torch.set_num_threads(before)


def quiet(*_):
    pass


def curve(place):
    """The log without what depends on the machine."""
    return [{name: value for name, value in row.items() if name not in SPEED} for row in lines(place)]


@pytest.fixture(scope="module", params=["cogvideox", "wan", "small"])
def family(request):
    return request.param


@pytest.fixture(scope="module")
def config(configured, family):
    made = configured(family, data={"caption_dropout": 0.2}, stage1={"truncation": "uniform"})
    precompute(made, quiet)
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory, config):
    """Both stages, undisturbed."""
    out = tmp_path_factory.mktemp("whole")
    for stage in ("stage1", "stage2"):
        train(config, stage, out, quiet, quiet)
    return out


def test_it_learns_and_says_so(whole, config):
    rows = curve(whole / "stage1")
    assert [row["step"] for row in rows if row["kind"] == "train"] == [1, 2, 3, 4]
    judged = [row for row in rows if row["kind"] == "validation"]
    assert [row["step"] for row in judged] == [0, 2, 4]
    assert judged[0]["full"] == judged[0]["early"] == judged[0]["first"]  # a new branch says nothing
    assert judged[-1]["full"] != judged[-1]["first"]
    assert judged[-1]["full"] < judged[0]["full"]


def test_the_second_stage_starts_from_the_first(whole, config):
    first, second = curve(whole / "stage1"), curve(whole / "stage2")
    assert second[0] | {"step": 4} == first[-1]  # the same validation, before and after
    rates = [[row["learning_rate"] for row in rows if row["kind"] == "train"] for rows in (first, second)]
    assert rates[0] == rates[1]
    facts = checkpoint.found(whole / "stage2")[-1].facts
    assert facts["stage"] == "stage2" and facts["step"] == 4


def test_a_checkpoint_says_what_made_it(whole, config, family):
    point = checkpoint.found(whole / "stage1")[-1]
    facts = point.facts
    assert facts["config"] == config.record and facts["seed"] == 0 and facts["dataset"]["clips"] == 4
    assert set(facts["versions"]) == {"kinebench", "torch", "diffusers", "accelerate"}
    card = (point.folder / "control" / "README.md").read_text()
    assert card.startswith("---\n") and "stage1, step 4 of 4" in card and config.data.folder not in card
    assert (facts["backbone"]["hub"] or "one of its own") in card


def test_nothing_is_left_to_do(whole, config):
    before = (whole / "stage1" / "log.jsonl").read_bytes()
    outcome = train(config, "stage1", whole, quiet, quiet)
    assert outcome.resumed == 4 and outcome.loss is None
    assert (whole / "stage1" / "log.jsonl").read_bytes() == before


KILLED = """
import os, signal, sys
from pathlib import Path
from kinebench.kinemask.config import parse
from kinebench.kinemask.trainer import train
import json

def note(moment):
    if moment.clips >= 14:  # in the middle of the fourth step of four clips
        os.kill(os.getpid(), signal.SIGKILL)

train(parse(json.loads(sys.argv[1]), "toys.toml"), "stage1", Path(sys.argv[2]), note, lambda *_: None)
"""


def told(config):
    """A configuration as a table, for another process."""
    table = config.record
    del table["stage1"]["start"]
    return {part: {name: value for name, value in row.items() if value is not None} for part, row in table.items()}


def goes_on(config, out, whole, done=2):
    """The rest of a first stage that stopped after its step `done` + 1 comes out as if it never had."""
    place = out / "stage1"
    assert [point.step for point in checkpoint.found(place)] == ([done] if done else [])
    assert lines(place)[-1]["step"] == done + 1
    (place / ".partial-step-000004").mkdir()  # as if it had been writing
    assert train(config, "stage1", out, quiet, quiet).resumed == done
    assert curve(place) == curve(whole / "stage1")
    for name in ("state.safetensors", "control/diffusion_pytorch_model.safetensors"):
        assert (place / "step-000004" / name).read_bytes() == (whole / "stage1" / "step-000004" / name).read_bytes()
    assert not list(place.glob(".partial*"))


@pytest.mark.parametrize(("clips", "done"), [(6, 0), (14, 2)])
def test_after_an_interrupt_the_curve_is_the_undisturbed_one(whole, config, tmp_path, clips, done):
    """Bit for bit: it goes on from the checkpoint if there is one, and does later steps again."""

    def stop(moment):
        if moment.clips >= clips:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, "stage1", tmp_path, stop, quiet)
    goes_on(config, tmp_path, whole, done)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["cogvideox"], indirect=True)
def test_so_it_is_after_a_kill(whole, config, tmp_path):
    command = [sys.executable, "-c", KILLED, json.dumps(told(config)), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    goes_on(config, tmp_path, whole)


@pytest.mark.parametrize("batch", [1, 4])
def test_accumulation_changes_nothing_but_rounding(whole, config, configured, family, tmp_path, batch):
    rows = {"data": {"caption_dropout": 0.2}, "stage1": {"truncation": "uniform"}}
    other = configured(family, **rows, training={"device_batch": batch, "checkpointing": False})
    train(other, "stage1", tmp_path, quiet, quiet)
    mine, theirs = (
        [(row["loss"], row["grad_norm"]) for row in lines(out / "stage1") if row["kind"] == "train"]
        for out in (tmp_path, whole)
    )
    torch.testing.assert_close(torch.tensor(mine), torch.tensor(theirs), rtol=1e-4, atol=1e-5)


def as_toml(table):
    rows = ((part, [f"{name} = {json.dumps(value)}" for name, value in row.items()]) for part, row in table.items())
    return "\n".join(line for part, lines in rows for line in (f"[{part}]", *lines))


@pytest.mark.slow
def test_the_command_says_what_is_safe(configured, tmp_path):
    config = configured(stage1={"steps": 5000}, saving={"every": 1, "keep": 1})
    precompute(config, quiet)
    (tmp_path / "a.toml").write_text(as_toml(told(config)))
    command = [sys.executable, "-m", "kinebench.cli.main", "train", "stage1", "a.toml", "--out", "run"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    hearing = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    running = subprocess.Popen(command, cwd=tmp_path, **pipes, **hearing)
    until = time.monotonic() + 120
    while not list(tmp_path.glob("run/stage1/step-*/trainer.json")) and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130 and "Traceback" not in said, said
    (last,) = checkpoint.found(tmp_path / "run" / "stage1")
    assert (
        f"kinebench: interrupted; the checkpoint run/stage1/{last.folder.name} is whole, run the same command" in said
    )


def test_an_average_of_weights_is_kept_and_goes_on(configured, tmp_path):
    config = configured(training={"ema_decay": 0.5}, stage1={"steps": 3})
    precompute(config, quiet)
    train(config, "stage1", tmp_path / "whole", quiet, quiet)
    place = tmp_path / "whole" / "stage1"
    material = gathered(config, "cpu")
    transformer = material.family.transformer
    kind = material.family.control
    last, before = checkpoint.found(place)[::-1]
    average, control = (last.branch(kind, transformer, part) for part in (checkpoint.AVERAGE, checkpoint.CONTROL))
    earlier = before.branch(kind, transformer, checkpoint.AVERAGE)
    for mine, now, then in zip(average.parameters(), control.parameters(), earlier.parameters(), strict=True):
        torch.testing.assert_close(mine, (now + then) / 2)
    shutil.copytree(before.folder, tmp_path / "again" / "stage1" / before.folder.name)
    train(config, "stage1", tmp_path / "again", quiet, quiet)
    path = f"stage1/{last.folder.name}/average/diffusion_pytorch_model.safetensors"
    assert (tmp_path / "again" / path).read_bytes() == (tmp_path / "whole" / path).read_bytes()


def test_bfloat16_trains_float32_weights(configured, tmp_path, family):
    config = configured(family, training={"precision": "bfloat16"}, stage1={"steps": 2})
    precompute(config, quiet)
    outcome = train(config, "stage1", tmp_path, quiet, quiet)
    material = gathered(config, "cpu")
    assert material.family.transformer.dtype == torch.bfloat16
    control = outcome.checkpoint.branch(material.family.control, material.family.transformer)
    assert {parameter.dtype for parameter in control.parameters()} == {torch.float32}
    assert all(torch.isfinite(parameter).all() for parameter in control.parameters())


def test_progress_comes_to_an_end(configured, tmp_path):
    heard: list[Moment] = []
    config = configured(stage1={"steps": 2})
    precompute(config, quiet)
    train(config, "stage1", tmp_path, heard.append, quiet)
    clips = [moment.clips for moment in heard]
    assert clips == sorted(clips) and clips[-1] == heard[-1].whole == 8
    assert heard[0].loss is None and heard[-1].loss == lines(tmp_path / "stage1")[-2]["loss"]


def refused(config, stage, out):
    with pytest.raises(KineBenchError) as caught:
        train(config, stage, out, quiet, quiet)
    return str(caught.value)


def test_what_cannot_be_trained_is_said_before_anything_is(configured, tmp_path):
    config = configured(data={"cache": str(tmp_path / "empty")})
    said = refused(config, "stage1", tmp_path / "run")
    assert "of 6 clips the latents of 6 are not there, and the text of 6 prompts" in said
    assert said.endswith("run: kinebench train precompute toys.toml")
    assert "stage 2 starts from stage 1, and there is no checkpoint in" in refused(config, "stage2", tmp_path / "run")
    assert "data.held_out keeps 6 clips" in refused(configured(data={"held_out": 6}), "stage1", tmp_path / "run")
    assert "has no split 'test'" in refused(configured(data={"split": "test"}), "stage1", tmp_path / "run")
    assert "set data.size = [64, 64]" in refused(configured("wan", data={"size": [80, 70]}), "stage1", tmp_path / "run")
    assert "branch.layers is 2; the backbone has 1" in refused(
        configured(branch={"layers": 2}), "stage1", tmp_path / "r"
    )
    wrong = configured(backbone={"weights": configured("wan").backbone.weights})
    assert "holds a WanImageToVideoPipeline; a CogVideoXImageToVideoPipeline is wanted" in refused(
        wrong, "stage1", tmp_path / "run"
    )
    nowhere = refused(configured(backbone={"weights": str(tmp_path / "nothing")}), "stage1", tmp_path / "run")
    assert nowhere.startswith("toys.toml: backbone.weights: ") and "hf download" in nowhere
    assert not checkpoint.found(tmp_path / "run" / "stage1")


def test_a_run_of_something_else_is_refused(whole, config, configured, family, tmp_path):
    rows = {"data": {"caption_dropout": 0.2}, "stage1": {"truncation": "uniform"}}
    other = configured(family, **(rows | {"training": {"seed": 5}}))
    assert "trained with training.seed = 0, now 5; name another --out" in refused(other, "stage1", whole)
    other = configured(family, **(rows | {"branch": {"norm": "none"}}))
    assert "stage 1 in" in (said := refused(other, "stage2", fresh(whole, tmp_path))) and "branch.norm" in said
    longer = configured(family, **(rows | {"stage1": {"truncation": "uniform", "steps": 9}}))
    assert "is at step 4 of 9; run: kinebench train stage1 toys.toml" in refused(longer, "stage2", tmp_path)


def fresh(whole, tmp_path):
    """A run whose second stage has not begun."""
    shutil.copytree(whole / "stage1", tmp_path / "stage1")
    return tmp_path


@pytest.mark.parametrize(
    ("what", "row", "said"),
    [
        ("dataset", {}, "dataset; name another --out"),
        ("backbone", {}, "backbone; name another --out"),
        (
            "dataset",
            {"frames": 13},
            r"dataset: 4 clips of .*, 9 frames of 96x64, and not 4 .*, 13 frames of 96x64; name",
        ),
        ("backbone", {"title": "Another"}, r"backbone: .*, and not Another; name another --out"),
    ],
)
def test_another_dataset_or_backbone_is_refused(whole, config, what, row, said):
    (*_, point) = checkpoint.found(whole / "stage1")
    facts = {**point.facts, what: {**point.facts[what], "sha256": "another"} | row}
    with pytest.raises(KineBenchError, match=rf"step-000004 was trained with another {said}"):
        demand_same(point, facts, config)


def test_what_an_older_version_did_not_know_was_as_it_is_by_default(whole, config):
    (*_, point) = checkpoint.found(whole / "stage1")
    now = point.facts
    older = checkpoint.Checkpoint(point.folder)
    decides = {name: value for name, value in now["decides"].items() if name not in ("branch.norm", "data.mirror")}
    older.__dict__["facts"] = now | {"decides": decides}
    demand_same(older, now, config)
    other = now | {"decides": now["decides"] | {"data.mirror": True}}
    with pytest.raises(KineBenchError, match=r"was trained with data\.mirror = False, now True"):
        demand_same(older, other, config)


def test_no_autoencoder_and_no_text_encoder_is_loaded(config, tmp_path, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("training needs the transformer alone")

    for kind in (diffusers.AutoencoderKLCogVideoX, diffusers.AutoencoderKLWan, T5EncoderModel, UMT5EncoderModel):
        monkeypatch.setattr(kind, "from_pretrained", forbidden)
    assert train(config, "stage1", tmp_path, quiet, quiet).checkpoint.step == 4


def test_a_loss_that_is_no_number_ends_it(configured, tmp_path):
    config = configured(stage1={"learning_rate": 1e30, "warmup_steps": 0})
    precompute(config, quiet)
    said = refused(config, "stage1", tmp_path)
    assert "at step 2; lower stage1.learning_rate" in said and said.startswith("the loss is nan")


def test_two_trainers_do_not_meet(whole, config):
    with claimed(whole / "stage1", "stage1"):
        assert "another process is training in" in refused(config, "stage1", whole)


@pytest.mark.parametrize(
    ("rows", "advice"),
    [
        ({}, "set training.device_batch below 2; the total batch stays 4"),
        ({"device_batch": 1, "checkpointing": False}, "set training.checkpointing = true"),
        ({"device_batch": 1}, 'set training.precision = "bfloat16"'),
        ({"device_batch": 1, "precision": "bfloat16", "ema_decay": 0.9}, "set training.ema_decay = 0"),
        ({"device_batch": 1, "precision": "bfloat16"}, "set branch.layers below 1, or data.size smaller"),
    ],
)
def test_a_full_gpu_names_the_setting(configured, rows, advice):
    with pytest.raises(KineBenchError) as caught, advised(configured(training=rows), 1):
        raise torch.OutOfMemoryError("CUDA out of memory")
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "processes", "advice"),
    [
        ({}, 2, "set training.sharding = true: each of the 2 processes keeps a part of the weights alone"),
        ({"optimizer": "muon"}, 2, "set branch.layers below 1, or data.size smaller, or take several GPUs with"),
        ({"sharding": True}, 2, "or take more GPUs or a larger one"),
    ],
)
def test_a_full_gpu_among_many(configured, rows, processes, advice):
    config = configured(training={"device_batch": 1, "precision": "bfloat16"} | rows)
    with pytest.raises(KineBenchError, match=advice), advised(config, processes):
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("place", ["loss", "step"])
@pytest.mark.parametrize("family", ["small"], indirect=True)
def test_memory_that_is_full_in_the_middle_costs_nothing(whole, config, tmp_path, monkeypatch, place):
    """In a step, or when the optimizer first takes its own memory: what is there stays, and it goes on from there."""
    kind, name = (type(gathered(config, "cpu").family), "loss") if place == "loss" else (torch.optim.AdamW, "step")
    real, calls = getattr(kind, name), []

    def full(*args, **named):
        calls.append(1)
        if len(calls) > (10 if place == "loss" else 3):  # after the checkpoint of step 2
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(*args, **named)

    with monkeypatch.context() as context:
        context.setattr(kind, name, full)
        said = refused(config, "stage1", tmp_path)
    assert "set training.device_batch below 2; the total batch stays 4. Checkpoints are whole" in said
    assert len(checkpoint.found(tmp_path / "stage1")) == 1
    train(config, "stage1", tmp_path, quiet, quiet)
    assert curve(tmp_path / "stage1") == curve(whole / "stage1")


@pytest.mark.slow
@pytest.mark.parametrize("family", ["small"], indirect=True)
def test_compiled_blocks_do_the_same(whole, config, tmp_path, monkeypatch):
    """Traced as for a GPU, and run as they are. The branch's hooks are others in every step."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    compiled = replace(config, training=replace(config.training, compile=True))
    train(compiled, "stage1", tmp_path, quiet, quiet)
    for one, two in zip(curve(tmp_path / "stage1"), curve(whole / "stage1"), strict=True):
        assert one.keys() == two.keys()
        assert [one[name] for name in one if name != "kind"] == pytest.approx(
            [two[name] for name in two if name != "kind"], rel=1e-4
        )
    assert not torch._dynamo.utils.counters["recompile_limit"]


def test_no_compiler_is_said(configured):
    from torch._inductor.exc import InvalidCxxCompiler

    with pytest.raises(KineBenchError) as caught, advised(configured(), 1):
        raise InvalidCxxCompiler
    said = str(caught.value)
    assert "toys.toml: torch cannot compile the blocks: No working C++ compiler found in" in said
    assert "of Debian g++ and python3-dev" in said and "set training.compile = false" in said


def test_no_other_error_is_hidden(configured):
    for processes, error in ((2, RuntimeError("shapes differ")), (1, RuntimeError("Connection closed by peer"))):
        with pytest.raises(RuntimeError, match=str(error)), advised(configured(), processes):
            raise error


def test_the_learning_rate_rises_and_falls():
    rates = [warmth(step, 100, 10, 1) for step in range(100)]
    assert rates[0] == 0.1 and rates[9] == rates[10] == 1.0 and rates[99] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)
    again = [warmth(step, 110, 10, 2) for step in range(110)]
    assert again[60] == 1.0 and again[59] < 0.002 and again[10:60] == pytest.approx(again[60:])
    assert warmth(0, 5, 0, 1) == 1.0


def test_a_second_stage_may_begin_from_the_first_stage_of_another_run(whole, config, family, configured, tmp_path):
    rows = {"data": {"caption_dropout": 0.2}, "stage1": {"truncation": "uniform"}}
    same = configured(family, **rows)
    train(same, "stage2", tmp_path / "apart", quiet, quiet, whole / "stage1")
    file = "stage2/step-000004/control/diffusion_pytorch_model.safetensors"
    assert (tmp_path / "apart" / file).read_bytes() == (whole / file).read_bytes()
    with pytest.raises(
        KineBenchError, match=r"there is no checkpoint in .*nothing.*; run: kinebench train stage1 toys"
    ):
        train(same, "stage2", tmp_path / "never", quiet, quiet, tmp_path / "nothing" / "stage1")
