"""Checkpoints: whole or not there, exact, and never at the price of the one before."""

import errno
import json
import resource
import shutil

import pytest
import torch
from diffusers import CogVideoXTransformer3DModel

from kinebench.errors import KineBenchError
from kinebench.kinemask import checkpoint
from kinebench.kinemask.branch.cogvideox import CogVideoXControl
from kinebench.kinemask.optimizer import Optimizer


@pytest.fixture(scope="module")
def backbone():
    torch.manual_seed(0)
    return CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=8,
        out_channels=4,
        time_embed_dim=8,
        text_embed_dim=16,
        num_layers=1,
        use_rotary_positional_embeddings=True,
    )


def trained(backbone, steps, kind="adamw"):
    """A branch and its optimizer after some steps."""
    torch.manual_seed(1)
    control = CogVideoXControl.on(backbone, num_layers=1, mask_width=8, mask_channels=4)
    optimizer = Optimizer(control, kind, (0.9, 0.95), 0.01)
    for step in range(steps):
        push(control, optimizer, step)
    return control, optimizer


def push(control, optimizer, step):
    draw = torch.Generator().manual_seed(step)
    for parameter in control.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=draw)
    optimizer.step(1e-2)


def written(place, step, control, optimizer, average=None, keep=None):
    models = {"control": control} | ({"average": average} if average else {})
    return checkpoint.write(place, {"step": step, "stage": "stage1"}, "# A card", models, optimizer.state(), keep)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_training_goes_on_exactly(backbone, tmp_path, kind):
    control, optimizer = trained(backbone, 3, kind)
    point = written(tmp_path, 3, control, optimizer)
    again = point.branch(CogVideoXControl, backbone)
    assert same(again, control)
    other = Optimizer(again, kind, (0.9, 0.95), 0.01)
    point.restore(other)
    for step in (3, 4):
        push(control, optimizer, step)
        push(again, other, step)
    assert same(again, control)


def test_what_a_folder_holds(backbone, tmp_path):
    control, optimizer = trained(backbone, 1)
    point = written(tmp_path, 7, control, optimizer, average=control)
    files = {path.relative_to(point.folder).as_posix() for path in point.folder.rglob("*") if path.is_file()}
    model = {"config.json", "diffusion_pytorch_model.safetensors", "README.md"}
    assert files == {"trainer.json", "state.safetensors"} | {f"{p}/{n}" for p in ("control", "average") for n in model}
    assert (point.folder / "control" / "README.md").read_text() == "# A card"
    assert point.step == 7 and point.folder.name == "step-000007"
    assert [path.name for path in tmp_path.iterdir()] == ["step-000007"]


def test_the_last_ones_are_kept(backbone, tmp_path):
    control, optimizer = trained(backbone, 1)
    for step in (5, 10, 1_000_000):
        written(tmp_path, step, control, optimizer, keep=2)
    assert [point.step for point in checkpoint.found(tmp_path)] == [10, 1_000_000]


@pytest.mark.parametrize("limit", [2_000, 40_000, 120_000])
def test_a_full_disk_leaves_those_before_alone(backbone, tmp_path, limit):
    control, optimizer = trained(backbone, 1)
    before = written(tmp_path, 1, control, optimizer)
    bytes_before = {path: path.read_bytes() for path in before.folder.rglob("*") if path.is_file()}
    assert max(map(len, bytes_before.values())) > limit
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(KineBenchError, match=r"no larger file fits while writing the checkpoint step-000002 in"):
            written(tmp_path, 2, control, optimizer, keep=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001"]
    assert {path: path.read_bytes() for path in before.folder.rglob("*") if path.is_file()} == bytes_before


def test_too_little_room_is_seen_before_anything_is_written(backbone, tmp_path, monkeypatch):
    control, optimizer = trained(backbone, 1)
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(KineBenchError, match=r"the disk is full while .* 0.1 MB are free"):
        written(tmp_path, 2, control, optimizer)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_writer_left_is_no_checkpoint(backbone, tmp_path):
    control, optimizer = trained(backbone, 1)
    point = written(tmp_path, 1, control, optimizer)
    shutil.copytree(point.folder, tmp_path / ".partial-step-000002")
    assert [each.step for each in checkpoint.found(tmp_path)] == [1]
    checkpoint.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001"]
    assert checkpoint.found(tmp_path / "nowhere") == []


def test_damage_and_other_backbones_are_named(backbone, tmp_path):
    control, optimizer = trained(backbone, 1)
    point = written(tmp_path, 1, control, optimizer)
    other = CogVideoXTransformer3DModel(**{**dict(backbone.config), "num_layers": 2})
    with pytest.raises(KineBenchError, match=r"of another backbone: num_layers 1 instead of 2"):
        point.branch(CogVideoXControl, other)
    (point.folder / "trainer.json").write_text(json.dumps({"step": 1})[:-3])
    with pytest.raises(KineBenchError, match=r"step-000001 is no checkpoint: its trainer.json is missing or damaged"):
        _ = checkpoint.Checkpoint(point.folder).step
    (point.folder / "state.safetensors").write_bytes(b"\0" * 20)
    with pytest.raises(KineBenchError, match=r"state.safetensors: .*remove .*step-000001 to go on from the one before"):
        point.restore(optimizer)


def test_an_error_that_is_no_full_disk_is_not_called_one(backbone, tmp_path):
    control, optimizer = trained(backbone, 1)
    (tmp_path / ".partial-step-000002").write_text("a file")
    with pytest.raises(OSError) as caught:
        written(tmp_path, 2, control, optimizer)
    assert caught.value.errno == errno.EEXIST
