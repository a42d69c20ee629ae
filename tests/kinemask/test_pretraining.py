"""A small backbone from clips alone: made, trained, gone on with, and opened like any other."""

import json
import resource
import shutil

import numpy as np
import pytest
import torch

from kinebench.errors import KineBenchError
from kinebench.kinemask import checkpoint, pretraining
from kinebench.kinemask.families import open_family
from kinebench.kinemask.log import lines
from kinebench.kinemask.pipeline import KineMaskPipeline
from kinebench.kinemask.run import claimed
from kinebench.kinemask.trainer import train
from kinebench.shards import files
from kinebench.shards.files import write_durable


def quiet(*_):
    return None


SHAPE = {"channels": 8, "layers": 1, "heads": 1, "warmup_steps": 1}
ARCHITECTURES = pytest.mark.parametrize("architecture", ["cogvideox", "wan"])
WHOSE = {"cogvideox": "CogVideoX's", "wan": "Wan's"}


@pytest.fixture
def small(configured, tmp_path):
    """`small(steps, ...)`: a configuration whose backbone is made in a folder of its own."""

    def make(steps=4, weights="backbone", **rows):
        tables = {
            "backbone": {"weights": str(tmp_path / weights)},
            "data": {"cache": str(tmp_path / "cache"), "mirror": True},
            "pretraining": SHAPE | {"steps": steps},
            "training": {"optimizer": "muon", "total_batch": 4, "device_batch": 4, "workers": 0},
            "saving": {"every": 2, "validate_every": 4},
        }
        for name, row in rows.items():
            tables[name] = tables.get(name, {}) | row
        return configured("small", **tables)

    return make


def same(one, two):
    pairs = zip(one.parameters(), two.parameters(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


def losses(config):
    return [row["loss"] for row in lines(_training(config)) if row["kind"] == "train"]


def _training(config):
    from kinebench.kinemask.pretraining import place

    return place(config)


@ARCHITECTURES
def test_a_backbone_is_made_trained_and_opened(small, tmp_path, architecture):
    config = small(pretraining={"architecture": architecture})
    outcome = train(config, "backbone", None, quiet, quiet)
    assert outcome.checkpoint.step == 4 and outcome.loss is not None
    folder = tmp_path / "backbone"
    family = open_family("small", folder, "cpu", "float32")
    kept = open_family("small", outcome.checkpoint.folder, "cpu", "float32")
    start = open_family("small", _training(config) / "untrained", "cpu", "float32")
    assert family.architecture == architecture
    assert same(family.transformer, kept.transformer) and not same(family.transformer, start.transformer)
    assert {row["kind"] for row in lines(_training(config))} == {"train", "validation"}
    card = (folder / "README.md").read_text()
    assert f"# A small backbone of KineBench\n\n{WHOSE[architecture]} transformer class" in card
    assert str(tmp_path) not in card


@ARCHITECTURES
def test_it_goes_on_as_if_nothing_had_happened(small, tmp_path, architecture):
    whole, broken = (small(weights=name, pretraining={"architecture": architecture}) for name in ("whole", "broken"))
    train(whole, "backbone", None, quiet, quiet)

    class Stop(BaseException):
        pass

    def stop(moment):
        if moment.clips >= 3 * 4:
            raise Stop

    with pytest.raises(Stop):
        train(broken, "backbone", None, stop, quiet)
    assert not (tmp_path / "broken/model_index.json").exists()
    outcome = train(broken, "backbone", None, quiet, quiet)
    assert outcome.resumed == 2
    assert losses(broken) == losses(whole)
    ends = [checkpoint.found(_training(config))[-1].folder / "transformer" for config in (whole, broken)]
    files = [(end / "diffusion_pytorch_model.safetensors").read_bytes() for end in ends]
    assert files[0] == files[1]


@ARCHITECTURES
def test_a_branch_is_trained_on_it(small, tmp_path, architecture):
    stages = {f"stage{n}": {"steps": 2, "warmup_steps": 1} for n in (1, 2)}
    tables = {"pretraining": {"architecture": architecture}, **stages}
    config = small(steps=2, branch={"layers": 1, "mask_width": 4, "mask_channels": 4}, **tables)
    with pytest.raises(KineBenchError, match=r"there is no small backbone in .*make it with: kinebench train backbone"):
        train(config, "stage1", tmp_path / "run", quiet, quiet)
    train(config, "backbone", None, quiet, quiet)
    with pytest.raises(KineBenchError, match="kinebench train precompute"):  # the caption of stages is c, not c_0
        train(small(steps=2, data={"cache": str(tmp_path / "other")}), "stage1", tmp_path / "run", quiet, quiet)
    for stage in ("stage1", "stage2"):
        point = train(config, stage, tmp_path / "run", quiet, quiet).checkpoint
    assert point.step == 2 and json.loads((point.folder / "control/config.json").read_text())["num_layers"] == 1
    kind = {"cogvideox": "CogVideoXControl", "wan": "WanControl"}[architecture]
    assert f"branch.{architecture} import {kind}" in (point.folder / "control" / "README.md").read_text()
    steered(point.folder, tmp_path / "backbone")


def steered(branch, backbone):
    """A video of a branch, which begins with the picture."""
    pipeline = KineMaskPipeline.from_pretrained(branch, backbone=backbone, device="cpu")
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    told = {"masks": [np.ones((64, 96), bool)], "velocities": [(1.0, 0.0, 0.0)], "steps": 2}
    made, alone = pipeline(picture, "", **told), KineMaskPipeline(pipeline.sampler)(picture, "", steps=2)
    assert made.shape == (1, 9, 64, 96, 3) and np.array_equal(made[0, 0], picture)
    assert not np.array_equal(made, alone)


def test_a_branch_of_wan_sees_the_first_frame(small, tmp_path):
    config = small(steps=2, pretraining={"architecture": "wan"}, branch={"layers": 1, "image_latents": False})
    train(config, "backbone", None, quiet, quiet)
    with pytest.raises(KineBenchError, match=r"branch.image_latents: Wan's latents hold the first frame"):
        train(config, "stage1", tmp_path / "run", quiet, quiet)


def test_a_damaged_backbone_is_named(small, tmp_path):
    config = small(steps=4, training={"ema_decay": 0.5})
    point = train(config, "backbone", None, quiet, quiet).checkpoint
    shutil.rmtree(point.folder)
    before = checkpoint.found(_training(config))[-1].folder
    for part in ("average", "transformer"):
        file = before / part / "diffusion_pytorch_model.safetensors"
        file.write_bytes(file.read_bytes()[:-100])
        with pytest.raises(KineBenchError, match=rf"step-000002/{part}: "):
            train(config, "backbone", None, quiet, quiet)


@pytest.mark.parametrize("stopped", ["transformer", "codec", "model_index.json"])
def test_a_kill_while_it_is_finished_costs_nothing(small, tmp_path, monkeypatch, stopped):
    """Whatever is being written: the folder is no backbone before it is whole, and the same command ends it."""
    config = small(steps=2)

    class Killed(BaseException):
        pass

    def write(path, data):
        if stopped in path.name or path.parent == tmp_path / "backbone" / stopped:
            path.write_bytes(data[:5])
            raise Killed
        write_durable(path, data)

    with monkeypatch.context() as context:
        context.setattr(pretraining, "write_durable", write)
        context.setattr(files, "write_durable", write)
        with pytest.raises(Killed):
            train(config, "backbone", None, quiet, quiet)
    assert not (tmp_path / "backbone/model_index.json").exists()
    train(config, "backbone", None, quiet, quiet)
    whole(tmp_path / "backbone")
    assert not list((tmp_path / "backbone").glob(".model_index.json*"))


def test_a_full_disk_while_it_is_made_and_finished(small, tmp_path):
    config = small(steps=2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def refused(task):
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            with pytest.raises(KineBenchError, match=rf"no larger file fits while {task} in"):
                train(config, "backbone", None, quiet, quiet)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    refused("making the backbone")
    assert not (tmp_path / "backbone-training/untrained").exists()
    train(config, "backbone", None, quiet, quiet)
    (tmp_path / "backbone/model_index.json").unlink()
    refused("writing the backbone")
    assert not (tmp_path / "backbone/model_index.json").exists()
    train(config, "backbone", None, quiet, quiet)
    whole(tmp_path / "backbone")


def whole(folder):
    """What `Small` opens, with the weights of the last checkpoint."""
    point = checkpoint.found(folder.with_name(f"{folder.name}-training"))[-1].folder
    for path in ("model_index.json", "codec/model.safetensors", "transformer/diffusion_pytorch_model.safetensors"):
        assert (folder / path).read_bytes() == (point / path).read_bytes()
    assert (folder / "README.md").read_bytes() == (point / "transformer/README.md").read_bytes()


def test_another_configuration_begins_anew_until_there_is_a_checkpoint(small):
    class Stop(BaseException):
        pass

    def stop(*_):
        raise Stop

    for rows in ({"seed": 1}, {}):
        with pytest.raises(Stop):
            train(small(training=rows), "backbone", None, stop, quiet)
    train(small(), "backbone", None, quiet, quiet)
    train(small(weights="fresh"), "backbone", None, quiet, quiet)
    assert losses(small()) == losses(small(weights="fresh"))


def test_what_lies_there_is_not_written_over(small, tmp_path):
    (tmp_path / "backbone").mkdir()
    (tmp_path / "backbone/README.md").write_text("Mine.")
    with pytest.raises(KineBenchError, match=r"holds README.md already, which would be written over; name another"):
        train(small(), "backbone", None, quiet, quiet)
    assert [path.name for path in (tmp_path / "backbone").iterdir()] == ["README.md"]
    (tmp_path / "file").write_text("")
    with pytest.raises(KineBenchError, match=r"file is a file; name another backbone.weights"):
        train(small(weights="file"), "backbone", None, quiet, quiet)


def test_several_folders_are_alike_and_apart(small, toys, make, synthetic, tmp_path):
    copy = shutil.copytree(toys, tmp_path / "copy")
    said = r"data.folder: .*/toys and .*/copy both have a clip toys_train_000000"
    with pytest.raises(KineBenchError, match=said):
        train(small(data={"folder": [str(toys), str(copy)]}), "backbone", None, quiet, quiet)


def test_no_clip_is_told_c0_alone(small):
    """It is judged with c_0 all the same."""
    assert train(small(steps=2, pretraining={"plain_captions": 0}), "backbone", None, quiet, quiet).checkpoint.step == 2


def test_what_it_refuses(small, configured, tmp_path):
    with pytest.raises(KineBenchError, match=r"a backbone is made only where backbone.family is 'small'"):
        train(configured("wan"), "backbone", None, quiet, quiet)
    config = small(steps=2)
    train(config, "backbone", None, quiet, quiet)
    with pytest.raises(
        KineBenchError, match=r"was trained with pretraining.steps = 2, now 4; name another backbone.weights,"
    ):
        train(small(steps=4), "backbone", None, quiet, quiet)
    with pytest.raises(
        KineBenchError, match=r"pretraining.patch_px: 8 times pretraining.patch, 3, .* no multiples of 24"
    ):
        train(small(weights="odd", pretraining={"patch": 3}), "backbone", None, quiet, quiet)
    said = r"another process is training in .*; wait for it, or name another backbone.weights"
    with claimed(_training(config), "backbone"), pytest.raises(KineBenchError, match=said):
        train(config, "backbone", None, quiet, quiet)
    shutil.rmtree(checkpoint.found(_training(config))[-1].folder)
    with pytest.raises(KineBenchError, match=r"holds a backbone already, and nothing of its training"):
        train(config, "backbone", None, quiet, quiet)
