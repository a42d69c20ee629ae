"""A small submission of two seeds, as `kinebench submit pack` makes it, and ways to change it."""

import hashlib
import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kinebench.board import packing, submission
from kinebench.methods import delivery
from kinebench.methods.delivery import Delivery, Native, Signature
from kinebench.methods.placement import SAME
from kinebench.scoring import truths
from kinebench.shards import tar, video

ABOUT = """
[method]
name = "boxes"
title = "Boxes"
version = "1.2.0"
description = "The truth with a little noise."
authors = ["A. Uthor"]
contact = "https://example.org/boxes"
paper = ""
code = "https://example.org/boxes/code"
code_revision = "0123456789abcdef"
licence = "MIT"
uses = ["first_frame", "prompt"]
[model]
backbone = "none such"
parameters = 5_000_000
[[model.weights]]
name = "model"
where = "example/boxes"
revision = "0123456"
sha256 = ""
licence = "MIT"
[model.training_data]
kinebench = [{dataset = "toys", version = "1.0.0", split = "train"}]
other = ""
[inference]
prompt_rewriting = ""
guidance = 6.0
scheduler = ""
precision = "float32"
best_of.n = 1
best_of.selector = ""
native.fps = ""
[cost]
hardware = "one core"
memory_gb = ""
[videos]
url = ""
"""
SIGNATURE = Signature("boxes", "1.2.0", "ab" * 32)


def quiet(stage, done, whole):
    pass


def noisy(frames, key, seed):
    """Frames that begin as the truth does, and go on with noise of their own."""
    rng = np.random.default_rng([seed, *key.encode()])
    noise = rng.integers(0, 12, frames.shape, np.uint8)
    noise[0] = 0
    return np.minimum(frames, 243) + noise


def run_json(manifest):
    return {
        "format_version": 1,
        "method": {**vars(SIGNATURE), "kind": "baseline", "privileged": False},
        "options": {"steps": 4},
        "weights": {},
        "source": {
            "dataset": manifest.dataset,
            "version": "1.0.0",
            "recipe_sha256": manifest.recipe_sha256,
            "seed": manifest.seed,
            "split": "test",
            "prompt": "c_infer",
        },
        "device": "cpu",
        "versions": {"kinebench": "0.7.0", "python": "3.11.7", "numpy": "1.26.4"},
    }


def sidecar(key, seed, frames=range(9), **changes):
    said = {
        "key": key,
        "seed": seed,
        "condition_sha256": "0" * 64,
        "method": SIGNATURE,
        "truth_frames": tuple(frames),
        "alignment": "index",
        "native": Native(96, 64, 9),
        "placement": SAME,
        "resized": None,
        "unused_frames": 0,
        "driven_ignored": (),
        "seconds": 1.5,
        "facts": {"torch": "2.13.0", "prompt_truncated": False},
    }
    return delivery.dump(Delivery(**said | changes))


@pytest.fixture(scope="session")
def clips(packed):
    """The truth of every test clip, by key."""
    shards = truths.open_truths(packed, "test")
    return {key: video.decode_rgb(shards.member(key, "rgb.mkv")) for key in shards.keys("test")}


@pytest.fixture(scope="session")
def predicted(tmp_path_factory, packed, clips):
    """What `kinebench run` would leave of a method with two seeds."""
    folder = tmp_path_factory.mktemp("predicted") / "boxes"
    for seed in (0, 3):
        (folder / f"seed-{seed}").mkdir(parents=True)
        for key, frames in clips.items():
            data = video.encode_lossless_rgb(noisy(frames, key, seed), 12)
            (folder / f"seed-{seed}" / f"{key}.mkv").write_bytes(data)
            (folder / f"seed-{seed}" / f"{key}.json").write_bytes(sidecar(key, seed))
    manifest = truths.open_truths(packed, "test").manifest
    (folder / "run.json").write_text(json.dumps(run_json(manifest)))
    return folder


@pytest.fixture(scope="session")
def whole(tmp_path_factory, predicted, packed):
    """A submission without a fault; do not change it."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "about.toml").write_text(ABOUT)
    order = packing.Order(predicted, packed, folder / "about.toml", folder / "boxes")
    assert not packing.pack(order, quiet).faults
    return folder / "boxes"


@pytest.fixture
def submitted(tmp_path, whole):
    """The same; each test has its own."""
    return Path(shutil.copytree(whole, tmp_path / "boxes"))


def members(folder):
    """Every file in the tars, by name."""
    found = {}
    for path in sorted((folder / "videos").glob("*.tar")):
        with path.open("rb") as file:
            for entry in tar.entries(file):
                found[entry.name] = path.read_bytes()[entry.offset : entry.offset + entry.size]
    return found


def rewrite(folder, changes, statement=lambda said: said):
    """Change files in the tars, None takes one away, and what is said of them: nothing else is wrong afterwards."""
    found = {name: data for name, data in (members(folder) | changes).items() if data is not None}
    for path in (folder / "videos").glob("*.tar"):
        path.unlink()
    for seed in sorted({name.split("/")[0] for name in found}):
        with (folder / "videos" / f"{seed}-000000.tar").open("wb") as file:
            for name in sorted(found):
                if name.startswith(f"{seed}/"):
                    tar.add(file, name, found[name])
            tar.close(file)
    seal(folder, statement)


def seal(folder, statement=lambda said: said):
    """Make statement and hashes agree with the files."""
    said = json.loads((folder / "submission.json").read_text())
    tars = sorted((folder / "videos").glob("*.tar"))
    said["videos"]["files"] = [
        {"name": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in tars
    ]
    (folder / "submission.json").write_text(json.dumps(statement(said)))
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS"]
    sums = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (folder / "SHA256SUMS").write_bytes(submission.dump_sums(sums))


@pytest.fixture(name="rewrite")
def _rewrite():
    return rewrite


@pytest.fixture(name="seal")
def _seal():
    return seal


@pytest.fixture(name="members")
def _members():
    return members


@pytest.fixture(name="sidecar")
def _sidecar():
    return sidecar


@pytest.fixture
def about_text():
    return ABOUT


@pytest.fixture(scope="session")
def boards():
    """The module of made-up results beside this file."""
    spec = importlib.util.spec_from_file_location("boards", Path(__file__).with_name("boards.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
