"""A small packed dataset to score against, and ways to write predictions of it."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from kinebench.methods import delivery
from kinebench.methods.delivery import Delivery, Native, Signature
from kinebench.methods.placement import SAME
from kinebench.metrics import catalogue
from kinebench.scoring import predictions, reader, truths
from kinebench.shards import video


@pytest.fixture(scope="session")
def data(tmp_path_factory, synthetic, make):
    """Six clips of test with lossless frames, and two of train without."""
    folder = tmp_path_factory.mktemp("scoring") / "toys"
    test = [synthetic.sample("test", i, companions=("lossless",)) for i in range(6)]
    make(folder, [*test, *(synthetic.sample("train", i) for i in range(2))], samples_per_shard=4)
    return folder


@pytest.fixture(scope="session")
def clips(data):
    """The truth of every test clip, by key."""
    shards = truths.open_truths(data, "test")
    return {key: video.decode_rgb(shards.member(key, "rgb.mkv")) for key in shards.keys("test")}


@pytest.fixture
def predict(clips):
    """Write videos: `predict(folder, change, seed)`; `change(frames)` gives what is predicted, None for nothing."""

    def write(folder, change=static, seed=None):
        place = folder if seed is None else folder / f"seed-{seed}"
        place.mkdir(parents=True, exist_ok=True)
        for key, frames in clips.items():
            made = change(frames)
            if made is not None:
                (place / f"{key}.mkv").write_bytes(video.encode_lossless_rgb(made, 12))
        return folder

    return write


def static(frames):
    return np.repeat(frames[:1], len(frames), axis=0)


@pytest.fixture
def sidecar():
    """The bytes of one: `sidecar(key, frames, seed=0, **changes)`, of a video that shows these frames of its clip."""

    def made(key, frames, seed=0, **changes):
        said = {
            "key": key,
            "seed": seed,
            "condition_sha256": "0" * 64,
            "method": Signature("boxes", "1.2", "ab" * 32),
            "truth_frames": tuple(frames),
            "alignment": "span",
            "native": Native(96, 64, len(frames)),
            "placement": SAME,
            "resized": None,
            "unused_frames": 0,
            "driven_ignored": (),
            "seconds": 1.5,
        }
        return delivery.dump(Delivery(**said | changes))

    return made


@pytest.fixture
def deliver(clips, sidecar):
    """Write what `kinebench run` writes: `deliver(folder, frames, change, seed=0, **changes of the sidecar)`."""

    def write(folder, frames, change=lambda frames: frames, seed=0, **changes):
        place = folder / f"seed-{seed}"
        place.mkdir(parents=True, exist_ok=True)
        for key, clip in clips.items():
            (place / f"{key}.mkv").write_bytes(video.encode_lossless_rgb(change(clip[list(frames)]), 12))
            (place / f"{key}.json").write_bytes(sidecar(key, frames, seed, **changes))
        return folder

    return write


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("KINEBENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def meters(monkeypatch):
    """The module of meters for tests, which worker processes can import too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield importlib.import_module("counting_meters")
    sys.modules.pop("counting_meters")


@pytest.fixture
def diary(tmp_path, monkeypatch):
    """What the meters for tests have read: `diary()` gives the lines since the last call."""
    path, seen = tmp_path / "diary", [0]
    monkeypatch.setenv("DIARY", str(path))

    def lines():
        found = path.read_text().splitlines() if path.exists() else []
        new, seen[0] = found[seen[0] :], len(found)
        return new

    lines.path = path
    return lines


@pytest.fixture
def read(data):
    """Read a folder of predictions with some meters: `read(folder, meters, workers=1, note=...)`."""

    def run(folder, chosen, workers=1, note=lambda stage, done, whole: None):
        shards = truths.open_truths(data, "test")
        found = predictions.find(folder, shards.keys("test"))
        hashes = {slot: each.sha256 for slot, each in predictions.look(found, note).items()}
        return reader.read(reader.subject(shards, "test", found, hashes), chosen, workers, note)

    return run


@pytest.fixture
def counted(meters, diary, monkeypatch):
    """The catalogue with the meter for tests beside `pixel`, and nothing that needs weights."""
    own = {"pixel": catalogue.METERS["pixel"], "counting": "counting_meters:Counting"}
    monkeypatch.setattr(catalogue, "METERS", own)
    return diary
