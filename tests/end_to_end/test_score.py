"""Scoring as a user does it: real processes, real files, interrupted and continued."""

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from kinebench.scoring import scorecard
from kinebench.shards import files, video

CLIPS = 8
KEYS = [f"toys_test_{i:06d}" for i in range(CLIPS)]
FREE = ("--metrics", "pixel")
FEW = """
from kinebench.errors import KineBenchError
from kinebench.methods.video import Span, Video


class Few:
    def __init__(self, dataset):
        self.dataset = dataset

    def generate(self, condition, seed):
        if condition.key.endswith("000000"):
            raise KineBenchError("too hard")
        return Video(self.dataset[condition.key].lossless[[0, 3, 5, 8]], Span())


def load(setup):
    return Few(setup.dataset)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory, synthetic, make):
    folder = tmp_path_factory.mktemp("score") / "toys"
    make(folder, [synthetic.sample("test", i, companions=("lossless",)) for i in range(CLIPS)])
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the command runs, with a cache of its own and a terminal wide enough."""
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def truths(data):
    from kinebench.shards.read import Shards

    shards = Shards(data)
    return {key: video.decode_rgb(shards.member(key, "rgb.mkv")) for key in KEYS}


@pytest.fixture
def write(truths, place):
    def put(name, change=lambda frames: np.repeat(frames[:1], len(frames), axis=0)):
        (place / name).mkdir()
        for key, frames in truths.items():
            (place / name / f"{key}.mp4").write_bytes(video.encode_mp4(change(frames), 12))
        return place / name

    return put


def test_scores_and_their_comparison(processes, data, place, write):
    write("still"), write("backwards", lambda frames: frames[::-1])
    done = processes.kinebench("score", "still", "--data", data, *FREE)
    assert re.search(r"still on toys 1\.0\.0, test: 8 clips, lossless frames", done.stdout)
    assert re.search(r"↓ mse +│ +\d+\.\d+ │ +\d+\.\d+ to \d+\.\d+ │ +0\.000 │ 8", done.stdout)
    assert done.stdout.splitlines()[-1] == "every number is in scores-still.json"
    card = scorecard.load(place / "scores-still.json")
    assert list(card["summaries"]) == ["mse", "psnr", "ssim", "mse_moving", "mse_background"]
    processes.kinebench("score", place / "backwards", "--data", data, *FREE, "--out", "b.json")
    done = processes.kinebench("compare", "scores-still.json", "b.json")
    assert re.search(r"still against backwards, paired", done.stdout)
    assert re.search(r"↓ mse .*│ ?(still|backwards|not clear)", done.stdout)
    same = processes.kinebench("compare", "b.json", "b.json").stdout
    assert same.count("not clear") == 5


def test_missing_weights_give_3_and_the_rest(processes, data, place, write):
    done = processes.kinebench("score", write("still"), "--data", data, "--metrics", "mse,fvd,fvmd", code=3)
    assert re.search(r"not computed: fvd: .*kinebench weights fetch", done.stdout)
    assert re.search(r"not computed: fvmd: .*kinebench weights fetch", done.stdout)
    assert re.search(r"↓ fvd +│ +-", done.stdout)
    assert list(scorecard.load(place / "scores-still.json")["summaries"]) == ["mse"]


def test_by_default_all_that_can_run_is_computed_and_the_rest_named(processes, data, place, write):
    done = processes.kinebench("score", write("still"), "--data", data)
    assert re.search(r"not computed: fvd, kvd: .*kinebench weights fetch", done.stdout)
    card = scorecard.load(place / "scores-still.json")
    assert {"mse", "iou_flow"} <= card["summaries"].keys()
    assert {"fvd", "fvmd", "iou_sam2"} <= card["unavailable"].keys()


def test_what_kinebench_run_made_is_scored_at_its_own_frames(processes, data, place, truths):
    """A method of few frames gives those of the truth itself; one clip it cannot make."""
    method = place / "few"
    method.mkdir()
    (method / "method.toml").write_text(
        '[method]\nname = "few"\ntitle = "Few"\nversion = "1.0.0"\ndescription = "Few frames."\nruns = "in process"\n'
        "privileged = true\n"
    )
    (method / "adapter.py").write_text(FEW)
    processes.kinebench("run", "few", "--data", data, "--out", "made", code=3)
    done = processes.kinebench("score", "made", "--data", data, "--metrics", "pixel")
    lines = done.stdout.splitlines()
    assert "made by few 1.0.0, prompt c_infer; it looks at the ground truth" in lines
    assert "4 of the 9 frames of each clip are compared, evenly spread; so are those of the truth itself" in lines
    assert "not made: 1 not what was asked for" in lines
    assert any(line.startswith(f"  {KEYS[0]} is missing: not what was asked for (too hard); run it") for line in lines)
    card = scorecard.load(place / "scores-made.json")
    assert card["sampling"]["truth_frames"] == [0, 3, 5, 8]
    assert card["run"]["source"]["seed"] == 7
    errors = [one["predictions"]["0"]["values"]["mse"] for one in card["clips"].values()]
    assert errors == [255.0**2] + [0.0] * (CLIPS - 1)


@pytest.mark.slow
def test_weights_of_ones_own_are_used_and_named_by_their_hash(processes, data, place, write):
    import torch

    from kinebench.metrics.i3d import InceptionI3d

    torch.manual_seed(0)
    torch.save(InceptionI3d().state_dict(), place / "net.pt")
    write("still"), write("truth", lambda frames: frames)
    for name in ("still", "truth"):
        processes.kinebench("score", name, "--data", data, "--metrics", "fvd", "--weights", "fvd=net.pt")
    still, truth = (scorecard.load(place / f"scores-{name}.json") for name in ("still", "truth"))
    assert 0 <= truth["summaries"]["fvd"]["value"] < still["summaries"]["fvd"]["value"]
    assert still["meters"]["fvd"]["weights"] == files.sha256_file(place / "net.pt")
    for wrong, says in (("i3d=net.pt", "METER one of fvd, fvmd, sam2"), ("fvd=absent.pt", "no file absent.pt")):
        done = processes.kinebench("score", "still", "--data", data, "--weights", wrong, code=1)
        assert says in done.stderr


def test_what_is_unusable_is_listed_and_counted(processes, data, place, write, truths):
    folder = write("still")
    (folder / f"{KEYS[0]}.mp4").unlink()
    (folder / f"{KEYS[1]}.mp4").write_bytes(b"junk")
    (folder / f"{KEYS[2]}.mp4").write_bytes(video.encode_mp4(truths[KEYS[2]][:5], 12))
    (folder / f"{KEYS[3]}.mp4").write_bytes(video.encode_mp4(truths[KEYS[3]][:, :, :80], 12))
    (folder / "stray.mp4").write_bytes(b"what is this")
    done = processes.kinebench("score", folder, "--data", data, *FREE)
    lines = done.stdout.splitlines()
    start = lines.index("4 of 8 predictions count as worst case:")
    assert lines[start + 1] == f"  {KEYS[0]} is missing; add {KEYS[0]}.mp4"
    assert lines[start + 2].startswith(f"  {KEYS[1]} cannot be decoded: ")
    assert lines[start + 3].startswith(f"  {KEYS[2]} has 5 frames, not 9; write 9 frames")
    assert lines[start + 4].startswith(f"  {KEYS[3]} is 80x64, not 96x64; write it at 96x64")
    assert "ignored: stray.mp4: no clip of the split is called so" in lines
    card = scorecard.load(place / "scores-still.json")
    assert [one["key"] for one in card["unusable"]] == KEYS[:4]


@pytest.mark.slow
def test_every_metric_without_weights_on_rendered_clips(processes, place):
    tiny = (Path(__file__).parents[1] / "recipes" / "tiny_interactions.toml").read_text()
    recipe = place / "recipe.toml"
    recipe.write_text(tiny.replace("frames = 13", "frames = 17"))  # of fewer than 16 there is no FVMD
    processes.kinebench("generate", recipe, "--split", "test", "--count", 3, "--out", "data")
    for name in ("oracle", "static"):
        processes.kinebench("run", name, "--data", "data", "--out", name)
        done = processes.kinebench("score", name, "--data", "data", "--metrics", "pixel,flow,fvmd_lk")
        assert f"{name} on tiny_interactions" in done.stdout
    perfect, still = (scorecard.load(place / f"scores-{name}.json") for name in ("oracle", "static"))
    assert list(perfect["meters"]) == ["pixel", "flow", "fvmd_lk"]
    assert perfect["unavailable"] == {}
    for name, found in perfect["summaries"].items():
        assert found["value"] == found["ceiling"] if "ceiling" in found else found["value"] < 1, name
    assert perfect["summaries"]["mse"]["value"] == 0 < still["summaries"]["mse"]["value"]
    assert perfect["summaries"]["iou_flow"]["value"] > still["summaries"]["iou_flow"]["value"]
    assert perfect["sets"]["fvmd_lk"]["values"]["0"] < still["sets"]["fvmd_lk"]["values"]["0"]
    assert perfect["summaries"]["response_speed"]["n"] == 0, "these clips are in no groups"


MISTAKES = {
    "no dataset": (("still", "--data", "still"), "still is no packed dataset"),
    "no folder": (("still", "--data", "nowhere"), "there is no folder nowhere"),
    "no split": (("still", "--data", "DATA", "--split", "valid"), "has no split 'valid'; it has test"),
    "no predictions": (("nowhere", "--data", "DATA"), "nowhere is no folder and no tar of predictions"),
    "nothing known": (("empty", "--data", "DATA"), "predicts no clip of the split: there is no video"),
    "a wrong name": (("still", "--data", "DATA", "--metrics", "pixels"), "did you mean 'pixel'"),
    "a file in the way": (("still", "--data", "DATA", "--out", "note.json"), "is there already and is no scorecard"),
    "no place to write": (("still", "--data", "DATA", "--out", "nowhere/s.json"), "there is no folder"),
    "no gpu": (("still", "--data", "DATA", "--device", "cuda", "--metrics", "pixel", "--bfloat16"), None),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_message(processes, data, place, write, mistake):
    arguments, words = MISTAKES[mistake]
    write("still"), (place / "empty").mkdir()
    (place / "note.json").write_text("{}")
    done = processes.kinebench(
        "score", *(str(data) if one == "DATA" else one for one in arguments), code=1 if words else 0
    )
    if words:
        assert words in done.stderr
        assert done.stderr.strip().startswith("kinebench: ")
        assert len(done.stderr.strip().splitlines()) == 1
    assert (place / "note.json").read_text() == "{}"
    assert (place / "scores-still.json").exists() == (words is None)


def test_scores_that_cannot_be_compared(processes, data, place, write):
    write("still")
    processes.kinebench("score", "still", "--data", data, *FREE)
    card = json.loads((place / "scores-still.json").read_text())
    card["dataset"]["seed"] = 99
    (place / "other.json").write_bytes(scorecard.dump(card))
    done = processes.kinebench("compare", "scores-still.json", "other.json", code=1)
    assert done.stderr.strip().splitlines() == [
        "kinebench: the scores cannot be compared:",
        "  dataset, seed: 7 and 99",
    ]
    done = processes.kinebench("compare", "scores-still.json", data / "manifest.json", code=1)
    assert "manifest.json is no scorecard" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_says_what_is_safe_and_the_next_run_goes_on(processes, data, place, write, number):
    write("still")
    processes.kinebench("score", "still", "--data", data, *FREE)
    whole = (place / "scores-still.json").read_bytes()
    (place / "scores-still.json").unlink()
    shutil.rmtree(place / "cache")
    order = ("score", "still", "--data", data, *FREE, "--workers", 2)
    run = processes.start(*order, errors=subprocess.PIPE)
    readings = lambda: list((place / "cache").rglob("*.npz"))  # noqa: E731
    processes.wait_until(readings)
    family = processes.descendants(run.pid)
    run.send_signal(number)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], errors
    assert "kinebench: interrupted; nothing was written; what was read is kept" in errors
    assert "Traceback" not in errors
    processes.wait_until(lambda: not any(map(processes.alive, family)), 20)
    assert not (place / "scores-still.json").exists()
    safe = {path: path.stat().st_mtime_ns for path in readings()}
    processes.kinebench(*order)
    assert (place / "scores-still.json").read_bytes() == whole
    assert all(path.stat().st_mtime_ns == then for path, then in safe.items()), "what was read is not read again"
    assert len(readings()) == 2 * CLIPS


@pytest.mark.slow
def test_a_run_whose_command_is_killed_leaves_nothing_behind(processes, data, place, write):
    write("still")
    run = processes.start("score", "still", "--data", data, *FREE, "--workers", 2)
    processes.wait_until(lambda: len(processes.descendants(run.pid)) >= 2)
    family = processes.descendants(run.pid)
    assert processes.kill(run.pid)
    run.wait()
    processes.wait_until(lambda: not any(map(processes.alive, family)), 20)
    processes.kinebench("score", "still", "--data", data, *FREE)


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_the_run_and_names_its_clip(processes, data, place, write):
    write("still")
    run = processes.start("score", "still", "--data", data, *FREE, "--workers", 1, errors=subprocess.PIPE)
    processes.wait_until(lambda: list((place / "cache").rglob("*.npz")))
    workers = [pid for pid in processes.descendants(run.pid) if "spawn_main" in processes.title(pid)]
    assert processes.kill(workers[0])
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    assert re.search(
        r"a worker process died \(signal 9\) while it read toys_test_\d+, perhaps for lack of memory", errors
    )
