"""The protocol of SAM2 IoU, and what the meter says when something is missing or wrong."""

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
import torch

from kinebench.errors import KineBenchError, Unavailable
from kinebench.metrics import iou
from kinebench.metrics.sam2 import Sam2Masks, backend, track

COLOURS = {3: (200, 30, 30), 7: (20, 200, 30)}
SIZE, SEEN = (40, 64), 8  # of the picture, and of the squares in it


class Colours:
    """A tracker that follows the colour under a prompt, as a perfect network would these squares."""

    def logits(self, frames, prompts):
        colours = [frames[0][mask][0] for mask in prompts]
        for frame in frames:
            found = [(frame == colour).all(axis=2) for colour in colours]
            yield np.stack([np.where(seen, 5.0, -5.0) if seen.any() else np.full(SIZE, -1024.0) for seen in found])


class Unused:
    def logits(self, frames, prompts):
        raise AssertionError("nothing to follow")


def paint(*paths, count=5):
    """Frames with a square of its colour on each path."""
    frames = np.full((count, *SIZE, 3), 90, np.uint8)
    for path, colour in zip(paths, COLOURS.values(), strict=False):
        for frame, (x, y) in zip(frames, path, strict=True):
            frame[max(y, 0) : max(y + SEEN, 0), max(x, 0) : max(x + SEEN, 0)] = colour
    return frames


STILL = [(50, 20)] * 5
SLIDING = [(10 + 4 * frame, 8) for frame in range(5)]
LEAVING = [(2 - 8 * frame, 8) for frame in range(5)]  # gone from frame 2 on


def first(truth):
    return {id: truth.instances[0] == id for id in truth.visible}


def score(truth, frames, tracker=None):
    return iou.summary(truth, track(tracker or Colours(), frames, first(truth)), "sam2")


def test_tracking_is_by_id_in_any_order(flat):
    frames = paint(SLIDING, STILL)
    truth = flat(frames, SLIDING, STILL)
    masks = {7: truth.mask(2)[0], 3: truth.mask(1)[0]}
    found = track(Colours(), frames, masks)
    assert list(found) == [7, 3]
    assert (found[3] == truth.mask(1)).all()
    assert (found[7] == truth.mask(2)).all()
    assert found[3].dtype == bool


def test_frame_0_is_the_prompt_and_does_not_count(flat):
    truth = flat(paint(SLIDING), SLIDING)
    late = paint([SLIDING[1], *SLIDING[1:]])  # on frame 0 it is elsewhere, and SAM2 prompted with background
    late[0][first(truth)[1]] = COLOURS[3]
    assert (track(Colours(), late, first(truth))[1][0] == truth.mask(1)[0]).all()
    assert score(truth, late)["iou_sam2"] == 1


def test_an_empty_prompt_is_nowhere_and_runs_nothing():
    frames = paint(SLIDING)
    nothing = np.zeros(SIZE, bool)
    found = track(Unused(), frames, {4: nothing})
    assert found[4].shape == (5, *SIZE) and not found[4].any()
    assert track(Unused(), frames, {}) == {}
    beside = track(Colours(), frames, {4: nothing, 3: (frames[0] == COLOURS[3]).all(axis=2)})
    assert not beside[4].any() and beside[3].all(axis=0).sum() == 0 and beside[3].sum() == 5 * SEEN**2


def test_gone_in_both_is_right_and_gone_in_one_is_wrong(flat):
    truth = flat(paint(LEAVING), LEAVING)
    assert score(truth, paint(LEAVING))["iou_sam2"] == 1
    assert (
        score(truth, paint(LEAVING[:1] * 5))["iou_sam2"] == 0
    )  # never leaves; half of it was visible, all is elsewhere
    still = flat(paint(SLIDING), SLIDING)
    gone = paint(SLIDING)
    gone[2:] = 90
    assert score(still, gone)["iou_sam2"] == pytest.approx(1 / 4)


def test_a_frozen_video_is_caught_by_the_moving_alone(flat):
    truth = flat(paint(SLIDING, STILL), SLIDING, STILL)
    frozen = paint(SLIDING[:1] * 5, STILL)
    values = score(truth, frozen)
    assert values["iou_sam2"] < 0.15
    assert values["iou_sam2_all"] == pytest.approx((values["iou_sam2"] + 1) / 2)
    assert values["iou_sam2_struck"] is None


@pytest.mark.slow
@pytest.mark.parametrize("name", backend.BACKENDS)
def test_a_reading_is_the_overlap_of_its_own_masks(flat, checkpoint, name):
    """Random weights follow nothing; every step from file to value runs."""
    frames = paint(SLIDING, STILL, count=5)
    truth = flat(frames, SLIDING, STILL)
    meter = Sam2Masks(size="tiny", backend=name, image_size=64, weights=checkpoint)
    masks = meter.masks(frames, first(truth))
    assert {id: mask.shape for id, mask in masks.items()} == {1: truth.instances.shape, 2: truth.instances.shape}
    assert masks[1][1:].any() and not masks[1][1:].all()
    reading = meter.read(truth, frames)
    assert reading.values == iou.summary(truth, masks, "sam2")
    assert set(reading.values) == {metric.name for metric in meter.metrics}


def test_the_worst_is_0_where_there_is_something_to_follow(flat):
    meter = Sam2Masks()
    worst = meter.worst(flat(paint(LEAVING, STILL), LEAVING, STILL))
    assert worst == {"iou_sam2": 0, "iou_sam2_all": 0, "iou_sam2_driven": 0, "iou_sam2_struck": None}


def test_configuration_names_all_that_a_reading_depends_on(checkpoint):
    meter = Sam2Masks(size="tiny", image_size=64, weights=checkpoint)
    base = meter.configuration
    assert len(base["weights"]) == 64 and base["package"].startswith("transformers ")
    others = [replace(meter, backend="sam2"), replace(meter, image_size=128), replace(meter, bfloat16=True)]
    others.append(replace(meter, device="cuda"))
    configurations = [base, *(other.configuration for other in others)]
    assert all(a != b for i, a in enumerate(configurations) for b in configurations[:i])
    assert pickle.loads(pickle.dumps(meter)) == meter


def test_absent_weights_are_unavailable(monkeypatch, tmp_path, flat):
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path))
    with pytest.raises(Unavailable, match=r"kinebench weights fetch sam2\.1-hiera-large"):
        Sam2Masks().configuration  # noqa: B018
    with pytest.raises(Unavailable, match="fetch"):
        Sam2Masks().masks(paint(SLIDING), {1: np.ones(SIZE, bool)})


@pytest.mark.parametrize("name", backend.BACKENDS)
def test_weights_of_another_size_are_refused(checkpoint, tmp_path, name):
    meter = Sam2Masks(size="small", backend=name, image_size=64, weights=checkpoint)
    with pytest.raises(KineBenchError, match=r"not the weights of sam2\.1_hiera_s"):
        meter.masks(paint(SLIDING), {1: np.ones(SIZE, bool)})


def test_no_such_file_of_weights(tmp_path):
    meter = Sam2Masks(size="tiny", weights=tmp_path / "none.pt")
    with pytest.raises(KineBenchError, match=r"none\.pt"):
        meter.configuration  # noqa: B018
    with pytest.raises(KineBenchError, match=r"none\.pt"):
        meter.masks(paint(SLIDING), {1: np.ones(SIZE, bool)})


@pytest.mark.parametrize("option", [{"size": "huge"}, {"backend": "onnx"}, {"image_size": 100}])
def test_options_that_are_not_there(option):
    with pytest.raises(KineBenchError, match=str(next(iter(option.values())))):
        Sam2Masks(**option)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_a_device_that_is_not_there(checkpoint):
    with pytest.raises(KineBenchError, match="device 'cuda'"):
        Sam2Masks(size="tiny", image_size=64, weights=checkpoint, device="cuda").masks(
            paint(SLIDING), {1: np.ones(SIZE, bool)}
        )


@pytest.mark.parametrize(
    ("name", "install"), [("sam2", r"--no-deps .*sam2==1\.1\.0"), ("transformers", r"\[networks\]")]
)
def test_a_package_that_is_not_installed(monkeypatch, checkpoint, name, install):
    def absent(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(backend, "version", absent)
    with pytest.raises(Unavailable, match=install):
        Sam2Masks(size="tiny", backend=name, weights=checkpoint).configuration  # noqa: B018


def python(code, *path):
    """The output of a fresh interpreter with `path` ahead of everything installed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def test_importing_the_meter_imports_no_network():
    out = python(
        "import sys, kinebench.metrics.sam2 as s; s.Sam2Masks()\n"
        "print([n for n in ('torch', 'transformers', 'sam2', 'torchvision', 'scipy', 'cv2') if n in sys.modules])"
    )
    assert out.stdout.strip() == "[]", out.stderr


@pytest.mark.slow
def test_a_torchvision_that_does_not_load_is_named(tmp_path, checkpoint):
    """As PyPI's beside a CPU build of torch: transformers imports it on sight and breaks; the other back end works."""
    (tmp_path / "torchvision").mkdir()
    broken = 'raise RuntimeError("operator torchvision::nms does not exist")'
    (tmp_path / "torchvision" / "__init__.py").write_text(broken)
    info = tmp_path / "torchvision-0.28.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n")
    code = (
        "from pathlib import Path\nimport numpy as np\nfrom kinebench.errors import Unavailable\n"
        "from kinebench.metrics.sam2 import Sam2Masks\n"
        f"path = Path({str(checkpoint)!r})\n"
        "frames, mask = np.zeros((1, 32, 48, 3), np.uint8), np.ones((32, 48), bool)\n"
        "for backend in ('sam2', 'transformers'):\n"
        "    try:\n"
        "        meter = Sam2Masks('tiny', backend, image_size=64, weights=path)\n"
        "        print(backend, meter.masks(frames, {1: mask})[1].all())\n"
        "    except Unavailable as error:\n"
        "        print(backend, error)\n"
    )
    out = python(code, tmp_path)
    works, fails = out.stdout.strip().splitlines() if out.stdout else ("", out.stderr)
    assert works == "sam2 True", out.stderr
    assert "torchvision is installed but does not load (operator torchvision::nms" in fails
