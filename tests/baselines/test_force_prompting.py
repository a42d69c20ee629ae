"""Force Prompting's driver: the mapping, the CSV to the byte, and launches of scripts that stand in for theirs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinebench.content import content
from kinebench.methods.task import Made

FOLDER = content("baselines") / "force_prompting"


def straight(start, end, frames=49):
    return [tuple(point) for point in np.linspace(start, end, frames).tolist()]


@pytest.fixture(scope="module")
def control(driver):
    return driver("force_prompting").control


@pytest.mark.parametrize(
    ("step", "angle"),
    [
        *[((10, 0), 0.0), ((10, -10), 45.0), ((0, -10), 90.0), ((-10, -10), 135.0), ((-10, 0), 180.0)],
        *[((-10, 10), 225.0), ((0, 10), 270.0), ((10, 10), 315.0), ((0, 0), 0.0), ((10, 0.0001), 0.0)],
    ],
)
def test_angles_are_those_of_the_picture_with_up_as_90(control, step, angle):
    assert control.angle_deg(*map(float, step)) == angle


def test_the_blob_goes_as_far_as_the_path(control):
    for length in (90.0, 150.0, 225.0, 360.0):
        force, bound = control.force_of_displacement(length)
        assert bound is None and 90 + 270 * force == pytest.approx(length, abs=0.15)
    assert control.force_of_displacement(89.9) == (0.0, "low")
    assert control.force_of_displacement(361.0) == (1.0, "high")
    assert control.force_of_displacement(0.0) == (0.0, "low")


def test_or_its_force_is_the_speed(control):
    assert control.force_of_speed(0.5) == (0.0, None)
    assert control.force_of_speed(1.0) == (0.5, None)
    assert control.force_of_speed(1.5) == (1.0, None)
    assert control.force_of_speed(0.3) == (0.0, "low") and control.force_of_speed(2.0) == (1.0, "high")


def test_points_are_poked_from_below(control):
    assert control.poked((100.0, 300.0)) == (100, 180)
    assert control.poked((0.0, 480.0)) == (0, 0)
    assert control.poked((720.0, 0.0)) == (719, 479)  # the largest that they take
    assert control.poked((-3.0, 490.0)) == (0, 0)


def test_a_path_of_another_length_goes_by_time(control):
    assert control.displacement_px(straight((0, 0), (480, 48)), 24.0) == (480.0, 48.0)
    fast = straight((0, 0), (980, 0), 99)  # at 12 a second: their six seconds end at frame 72
    assert control.displacement_px(fast, 12.0) == pytest.approx((720.0, 0.0))
    short = straight((0, 0), (100, 0), 25)  # one second: it stays where it is then
    assert control.displacement_px(short, 24.0) == (100.0, 0.0)
    stopped = [(10.0, 20.0)] * 5 + [(30.0, 20.0)] * 44  # held at the border
    assert control.displacement_px(stopped, 8.0) == (20.0, 0.0)


def test_the_csv_to_the_byte(control):
    row = control.row("toys_0.png", 'A cube\n slides, "fast".', straight((100, 300), (400, 300)), 8.0, 0.778)
    assert control.csv_text([row]) == (
        "image,angle,force,coordx,coordy,width,height,caption\n"
        '"toys_0.png",0.0,0.778,100,180,720,480,"A cube slides, ""fast""."\n'
    )


def test_pandas_reads_it_as_it_was_meant(control, tmp_path):
    pandas = pytest.importorskip("pandas")
    rows = [control.row(f"{n}.png", "1 cube, NA", straight((n, 9), (n, 200)), 8.0, n / 3) for n in (1, 2)]
    (tmp_path / "x.csv").write_text(control.csv_text(rows))
    assert pandas.read_csv(tmp_path / "x.csv").to_dict("records") == rows


@pytest.mark.parametrize("caption", ["", "NA", "12", " null\n"])
def test_a_caption_that_they_might_not_take_for_a_text_is_refused(control, caption):
    with pytest.raises(ValueError, match="no sentence"):
        control.row("x.png", caption, straight((0, 0), (9, 9)), 8.0, 0.5)


def test_the_command_line(driver):
    method = driver("force_prompting")
    head = method.run.command({"clone": "/c"}, False, Path("/w"))
    assert head == [sys.executable, str(FOLDER / "launch.py"), "/c/src/force-prompting/train.py", "/w/requests.json"]
    line = method.control.arguments("/w", method.control.model_seed(0))
    told = dict(zip(line, [*line[1:], ""], strict=True))
    assert told["--seed"] == "1"  # they take 0 for none
    assert "5b" in told["--pretrained_model_name_or_path"]  # else it is taken for the smaller model
    assert Path(told["--pretrained_controlnet_path"]).name.split("-")[:2] == ["step", "5000"]
    assert told["--csv_path_val"] == "/w/samples.csv" and told["--image_root_dir_val"] == "/w/images"
    assert told["--controlnet_weights"] == "1.0" and told["--controlnet_transformer_num_layers"] == "6"
    assert line[-1] == "--skip_training_and_only_generate_val_videos"


def test_all_that_is_missing_is_said_at_once(driver, tmp_path):
    method = driver("force_prompting")
    options = {"clone": str(tmp_path / "no"), "weights": str(tmp_path), "base": "", "python": ""}
    found = method.clone.faults(method.run.PLACES, options, (), "cuda")
    assert len(found) == 4
    assert "there is no such folder" in found[0] and "force-prompting" in found[0]
    assert found[1].endswith("it has no step-5000-checkpoint-point-force.pt")
    assert found[2].startswith("--set base=FOLDER: the folder of THUDM/CogVideoX-5b-I2V")
    assert found[3].startswith("--set python=FILE")


@pytest.fixture(scope="module")
def made(played):
    return played(
        "force_prompting",
        {"left": [((600, 200), (350, 200))], "down": [((100, 100), (200, 270))], "slow": [((99, 99), (109, 99))]},
    )


def test_squares_follow_their_paths(made, square):
    for key, start, end in (("left", (600, 200), (350, 200)), ("down", (100, 100), (200, 270))):
        video = made[key].video
        assert video.frames.shape == (49, 480, 720, 3) and video.timing.fps == 8
        for frame in (0, 24, 48):
            expected = np.add(start, np.subtract(end, start) * frame / 48)
            assert np.abs(square(video.frames[frame]) - expected).max() < 2


def test_a_path_that_is_too_short_is_pushed_further_and_says_so(made, square):
    video = made["slow"].video
    assert video.facts["force_saturated"] == "low" and video.facts["displacement_px"] == 10
    assert square(video.frames[48])[0] - square(video.frames[0])[0] == pytest.approx(90, abs=2)


def test_one_object_alone(played):
    both = {"two": [((100, 100), (300, 100)), ((100, 300), (300, 300))], "none": [], "one": [((100, 100), (300, 100))]}
    results = played("force_prompting", both, force="speed")
    assert results["two"].kind == results["none"].kind == "invalid" and "one object" in results["two"].message
    assert isinstance(results["one"], Made) and results["one"].video.facts["force"] == 0.1  # of 0.6 m/s to the right
    assert results["one"].video.facts["speed_mps"] == 0.6  # along the ground


TRAIN = "import inference\ninference.do_inference()\n"
NAME = "step-5000__file_id_{}__xpos_0.10__ypos_0.20__angle_0.00__force_0.500"
INFERENCE = """
import numpy as np
def export_to_video(*_, **__): raise AssertionError("replaced")
def do_inference():
    for key, shade in ROWS:
        stem = NAME.format(key)
        export_to_video(np.zeros((49, 48, 72, 3)), stem + "___control_signal.mp4", fps=8)
        if shade is None: continue
        export_to_video(np.full((49, 48, 72, 3), shade), stem + "__video_0.mp4", fps=8)
        export_to_video(np.ones((49, 48, 72, 3)), stem + "___video_0_with_control_signal.mp4", fps=8)
"""


@pytest.fixture
def answers(tmp_path):
    """What launch.py makes of a script that exports these rows when it is asked for those keys."""

    def launch(keys, rows):
        (tmp_path / "train.py").write_text(TRAIN)
        (tmp_path / "inference.py").write_text(f"ROWS = {rows!r}\nNAME = {NAME!r}\n{INFERENCE}")
        requests = [{"key": key, "folder": str(tmp_path / key)} for key in keys]
        (tmp_path / "requests.json").write_text(json.dumps(requests))
        command = [
            sys.executable,
            FOLDER / "launch.py",
            tmp_path / "train.py",
            tmp_path / "requests.json",
            "--seed",
            "1",
        ]
        subprocess.run(command, check=True, cwd=tmp_path)
        there = {key: tmp_path / key / "answer.json" for key in keys}
        return {key: json.loads(path.read_text()) if path.exists() else None for key, path in there.items()}

    return launch


def test_clean_frames_are_taken_not_painted_ones(answers, tmp_path):
    found = answers(["a", "a1"], [("a", 0.5), ("a1", 1.2)])
    assert found == {"a": {"frames": 49, "facts": {}}, "a1": {"frames": 49, "facts": {}}}
    assert Image.open(tmp_path / "a/00048.png").getpixel((5, 5)) == (128,) * 3
    assert Image.open(tmp_path / "a1/00000.png").getpixel((5, 5)) == (255,) * 3


def test_the_video_of_another_row_is_refused(answers):
    found = answers(["a", "b", "c"], [("a", 0.5), ("a", 0.5), ("c", 0.7)])  # their loader could not read b
    assert "could not read row b and took another one" in found["b"]["error"]
    assert found["a"]["frames"] == found["c"]["frames"] == 49


def test_a_row_without_a_video_has_no_answer(answers):
    found = answers(["a", "b"], [("a", None), ("b", 0.5)])
    assert found["a"] is None and found["b"]["frames"] == 49


def test_a_loader_that_goes_round_for_ever_is_ended(driver, tmp_path):
    method = driver("force_prompting")
    forever = f"while True: print({method.run.UNREADABLE!r}, 'no image', flush=True)"
    launch = method.clone.Launch([sys.executable, "-c", forever], tmp_path, tmp_path / "log.txt", {})
    with pytest.raises(RuntimeError, match="their loader cannot read its row"):
        launch.wait(tmp_path / "answer.json", method.run.reader())
    assert not launch.alive


def test_without_metres_there_is_no_speed(driver):
    method = driver("force_prompting")
    task = type("Task", (), {"driven": [1], "condition": {"driven": [{"id": 1, "velocity_mps": None}], "fps": 8.0}})
    with pytest.raises(Exception, match="no metres; use force=displacement"):
        method.run.strength(task, straight((0, 0), (9, 9)), "speed")
