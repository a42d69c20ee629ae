"""Photos from the command line: `animate`, `realworld pack`, `studio`, as real processes."""

import json
import select
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinebench.methods import condition_folder
from kinebench.shards import video

pytestmark = pytest.mark.slow

PHOTOS = Path(__file__).parents[1] / "photo" / "photos"
PHOTO = PHOTOS / "linen.jpg"


@pytest.fixture
def masks(tmp_path):
    """Mask files of the photo's objects, by id."""
    ids = np.asarray(Image.open(PHOTOS / "linen_ids.png"))
    for number in (1, 2, 3):
        Image.fromarray(ids == 85 * number).save(tmp_path / f"{number}.png")
    return {number: tmp_path / f"{number}.png" for number in (1, 2, 3)}


def test_a_photo_becomes_a_clip(processes, tmp_path, masks):
    """Two arrows, and an object that stands; the anchor moves what is driven, and a second run finds all done."""
    out = tmp_path / "out"
    arrows = ["--arrow", "810,210,675,495", "--arrow", "255,320,525,360"]
    named = ["--mask", masks[1], "--mask", masks[2], "--other-mask", masks[3]]
    named += ["--name", "pink box", "--name", "green can", "--name", "blue box", "--ground", "blue cloth"]
    done = processes.kinebench("animate", PHOTO, *arrows, *named, "--out", out, "--method", "constant_velocity")
    assert "taken to be as in the dataset Interactions" in done.stdout and "green can" in done.stdout
    made = condition_folder.read(out / "conditions" / "linen")
    assert len(made.driven) == 2 and len(made.others) == 1
    assert Image.open(out / "linen.png").size[0] == 2 * 720 + 4
    clip = video.decode_rgb((out / "constant_velocity" / "seed-0" / "linen.mkv").read_bytes())
    playable = video.decode_rgb((out / "linen-constant_velocity-0.mp4").read_bytes())
    assert clip.shape == playable.shape == (49, 480, 720, 3)
    np.testing.assert_array_equal(clip[0], made.first_frame)
    pink = made.first_frame[150, 540].astype(int)
    assert np.abs(clip[-1][150, 540] - pink).max() > 40  # it is gone from there
    again = processes.kinebench("animate", PHOTO, *arrows, *named, "--out", out, "--method", "constant_velocity")
    assert again.stdout == done.stdout


def test_what_cannot_be_is_one_message(processes, tmp_path, masks):
    out = tmp_path / "out"
    for arguments, message in (
        (["--arrow", "450,600,600,600"], "looks like the background"),
        (["--arrow", "810,210,810,210"], "has no length"),
        (["--arrow", "810,210,810,210", "--mask", masks[1], "--mask", masks[2]], "one --mask for each arrow"),
        (["--arrow", "810,210,675,495", "--weights", "branch=x"], "name it with --method"),
        (["--arrow", "810,210,675,495", "--method", "kinemask", "--weights", "brunch=x"], "weights model, branch"),
        (["--arrow", "810,210,675,495", "--mask", masks[1], "--method", "oracle"], "looks at the ground truth"),
    ):
        assert message in processes.kinebench("animate", PHOTO, *arguments, "--out", out, code=1).stderr
    assert not out.exists()
    arguments = ["--arrow", "810,210,675,495", "--mask", masks[1], "--out", out, "--method", "kinemask"]
    done = processes.kinebench("animate", PHOTO, *arguments, code=1)
    assert "weights" in done.stderr
    condition_folder.read(out / "conditions" / "linen")  # it is there for when there are weights


def test_no_file_of_the_users_is_overwritten(processes, tmp_path, masks):
    photo = tmp_path / "cup.png"
    Image.open(PHOTO).save(photo)
    before = photo.read_bytes()
    arguments = ["--arrow", "810,210,675,495", "--mask", masks[1], "--out", tmp_path]
    assert "would be overwritten" in processes.kinebench("animate", photo, *arguments, code=1).stderr
    assert photo.read_bytes() == before and not (tmp_path / "conditions").exists()


def test_a_set_is_packed_and_run(processes, tmp_path, masks):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "linen.jpg").write_bytes(PHOTO.read_bytes())
    (folder / "pink.png").write_bytes(masks[1].read_bytes())
    (folder / "linen.json").write_text(json.dumps({"driven": [{"mask": "pink.png", "arrow": [810, 210, 675, 495]}]}))
    done = processes.kinebench("realworld", "pack", folder, "--out", tmp_path / "set")
    assert "1 conditions with 1 driven objects" in done.stdout
    processes.kinebench("run", "static", "--data", tmp_path / "set", "--out", tmp_path / "made")
    assert (tmp_path / "made" / "seed-0" / "linen.mkv").is_file()


def test_the_studio_opens_and_closes(processes):
    command = [sys.executable, "-u", "-m", "kinebench.cli.main", "studio", "--port", "0"]
    opened = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **processes.HEARING)
    try:
        assert select.select([opened.stdout], [], [], 60)[0]
        address = opened.stdout.readline().split()[-1]
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert b"KineBench studio" in answer.read()
        opened.send_signal(signal.SIGINT)
        _, errors = opened.communicate(timeout=30)
    finally:
        opened.kill()
    assert opened.returncode == 130 and errors.strip() == "kinebench: the studio is closed"
