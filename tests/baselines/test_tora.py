"""TORA's driver: the mapping, the files, what it says is missing, and launches of scripts that stand in for Tora's."""

import ast
import contextlib
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinebench.content import content
from kinebench.methods.method import find
from kinebench.methods.task import Failed, Made

FOLDER = content("baselines") / "tora"
LINE = [(100.0 + 5.0 * frame, 300.0 - 2.0 * frame) for frame in range(49)]


@pytest.fixture(scope="module")
def control(driver):
    return driver("tora").control


def test_points_lie_on_the_canvas(control):
    assert control.on_canvas((360.0, 240.0)) == (128, 128)
    assert control.on_canvas((0.0, 0.0)) == (0, 0)
    assert control.on_canvas((720.0, 480.0)) == (255, 255)  # 256 would be off the picture
    assert control.on_canvas((-4.0, 500.0)) == (0, 255)  # a negative one would wrap to the other side


def test_the_round_trip_through_tora_is_near(control):
    for x in range(0, 720, 7):
        u, v = control.on_canvas((float(x), x * 480 / 720))
        assert abs(720 * u // 256 - x) <= 3 and abs(480 * v // 256 - x * 480 / 720) <= 3


def test_all_points_or_both_ends(control):
    path = control.trajectory(LINE, "path")
    assert len(path) == 49 and path[0] == (36, 160) and path[-1] == (121, 109)
    assert control.trajectory(LINE, "ends") == [path[0], path[-1]]
    still = [(300.0, 200.0)] * 49
    assert len(control.trajectory(still, "ends")) == 2  # one point would be replaced by one off the picture


def test_a_file_to_the_byte(control):
    assert control.file_text([(36, 160), (0, 255)]) == "36, 160\n0, 255\n"
    assert control.line("A  red\ncube.", "toys/first_frame.png") == "A red cube.@@toys/first_frame.png"


@pytest.mark.parametrize("prompt", ["", "one@@two"])
def test_a_prompt_that_breaks_the_line_is_refused(control, prompt):
    with pytest.raises(ValueError, match="@@"):
        control.line(prompt, "first_frame.png")


def test_another_number_of_frames_goes_by_time(control):
    short = [(10.0 * frame, 0.0) for frame in range(25)]  # 24 a second: one second
    there = control.at_frames(short, 24.0)
    assert len(there) == 49
    assert there[:3] == [(0.0, 0.0), (30.0, 0.0), (60.0, 0.0)]
    assert there[8:] == [(240.0, 0.0)] * 41
    assert control.at_frames(LINE, 3.0) == LINE


def test_steps_that_tora_does_not_see_are_counted(control):
    path = [(100.0 + 60.0 * frame / 48, 200.0) for frame in range(49)]
    assert control.still_steps(control.trajectory(path, "path")) == 48 - 21  # 60 px are 21 points of the canvas
    assert control.still_steps([(3, 3)] * 49) == 48


def test_fine_steps_lead_from_start_to_end(control):
    steps = control.steps(LINE)
    assert len(steps) == 48 and steps[0] == [100.0, 300.0, 5.0, -2.0]
    assert sum(step[2] for step in steps) == pytest.approx(LINE[-1][0] - LINE[0][0])
    assert control.steps([(-5.0, 480.0), (720.0, 100.0)]) == [[0.0, 479.0, 719.0, -379.0]]


def test_seed_0_is_none_that_tora_takes(control):
    assert control.model_seed(0) == 1


def test_the_command_line(driver):
    tora = driver("tora")
    head = tora.run.command({"clone": "/c"}, False, Path("/w/requests-1.json"))
    assert head == [sys.executable, str(FOLDER / "launch.py"), "/c/sat/sample_video.py", "/w/requests-1.json"]
    assert tora.control.arguments("/w/input-1.txt", "/in") == [
        "--base",
        "configs/tora/model/cogvideox_5b_tora_i2v.yaml",
        "configs/tora/inference_sparse.yaml",
        *("--load", "ckpts/tora/i2v", "--output-dir", "theirs", "--input-file", "/w/input-1.txt"),
        *("--img_dir", "/in", "--image2video"),
    ]


def test_all_that_is_missing_is_said_at_once(driver, tmp_path):
    tora = driver("tora")
    (tmp_path / "tora/i2v").mkdir(parents=True)
    (tmp_path / "tora/i2v/mp_rank_00_model_states.pt").write_bytes(b"version https://git-lfs")
    options = {"clone": "", "weights": str(tmp_path), "python": "python"}
    found = "\n".join(tora.clone.faults(tora.run.PLACES, options, ("json", "no_such_module"), "cpu"))
    assert "--set clone=FOLDER: a clone of https://github.com/alibaba/Tora" in found
    assert "it has no vae/3d-vae.pt, t5-v1_1-xxl/model-00001-of-00002.safetensors" in found
    assert "23 bytes, and should have 10000000000 or more; it is half a download or a Git LFS pointer" in found
    assert "--set python=python: it has no no_such_module" in found
    assert "--device cuda" in found


def test_another_commit_is_a_warning(driver, tmp_path):
    tora = driver("tora")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    assert len(found := tora.clone.revision(str(tmp_path))) == 40
    job = type("Job", (), {"tiny": False, "options": {"clone": str(tmp_path)}})
    assert tora.clone.code_facts(job, found) == {"code_revision": found}
    assert f"was written for {tora.run.REVISION}" in tora.clone.code_facts(job, tora.run.REVISION)["warning"]


@pytest.fixture(scope="module")
def made(played):
    """Two conditions, of one object and of two, through the protocol."""
    return played(
        "tora", {"right": [((150, 300), (450, 300))], "two": [((100, 400), (300, 100)), ((600, 50), (600, 500))]}
    )


def test_squares_follow_their_paths(made, square):
    one, two = made["right"].video, made["two"].video
    assert one.frames.shape == (49, 480, 720, 3) and one.timing.fps == 8
    for frame in (0, 24, 48):
        x, y = square(one.frames[frame])
        assert math.hypot(x - (150 + 300 * frame / 48), y - 300) < 4
    right = two.frames[:, :, 480:]
    assert np.abs(np.subtract(square(right[0]), (120, 50))).max() < 4
    assert square(right[48])[1] > 440  # held at the border
    assert square(two.frames[48, :, :480])[1] < square(two.frames[0, :, :480])[1] - 250


def test_facts_say_what_was_told(made):
    facts = made["two"].video.facts
    assert facts["control"] == "path" and facts["model_seed"] == 3 and facts["points_clamped"] > 0
    assert facts["still_steps"][0] < 5 and facts["stand_in"]


def test_both_ends_reach_the_same_place(played, square):
    frames = played("tora", {"up": [((300.0, 400.0), (500.0, 100.0))]}, mode="ends")["up"].video.frames
    assert np.abs(np.subtract(square(frames[0]), (300, 400))).max() < 4
    assert np.abs(np.subtract(square(frames[-1]), (500, 100))).max() < 4


def test_a_fine_flow_lies_around_its_points(driver):
    pytest.importorskip("torch")
    tora = driver("tora")
    corner = [(0.0, 0.0)] * 2 + [(3.5, 2.5)] * 47
    flow = tora.launch.flow([tora.control.steps(LINE), tora.control.steps(corner)])
    assert flow.shape == (49, 480, 720, 2) and str(flow.dtype) == "torch.float32"
    assert not flow[0].any()
    assert flow[2, 0, 0].tolist() == pytest.approx([3.5, 2.5], rel=0.01)
    x, y = 120, 292  # pixels; the path is at 120, 292 in frame 4
    assert flow[5, y, x].tolist() == pytest.approx([5 * math.exp(-0.5 / 200), -2 * math.exp(-0.5 / 200)], rel=0.001)
    assert flow[5, y, x + 10, 0] == pytest.approx(5 * math.exp(-(10.5**2 + 0.5**2) / 200), rel=0.001)
    assert not flow[5, y + 60].any() and not flow[5, y, x + 60 :].any()


def test_what_cannot_be_asked_is_refused_and_the_rest_goes_on(played):
    results = played("tora", {"bad": [], "good": [((150, 300), (450, 300))]})
    assert isinstance(results["bad"], Failed) and results["bad"].kind == "invalid"
    assert isinstance(results["good"], Made)


SCRIPT = """
import numpy as np
def read_from_file(p, rank=0, world_size=1): raise AssertionError("replaced")
def write_video(path, frames, **options): raise AssertionError("replaced")
class Clip:
    def __init__(self, value): self.value = value
    def numpy(self): return np.full((49, 480, 720, 3), self.value, np.uint8)
def sampling_main(args):
    for number, (text, cnt) in enumerate(read_from_file(args.input_file)):
        assert cnt == 0, "another seed would be drawn"
        word = text.split("@@")[0].split()[0]
        if word == "none": continue
        if word == "memory": raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        from pathlib import Path
        write_video(Path(args.output_dir) / "traj_video" / "x.mp4", Clip(0), fps=8)
        write_video(Path(args.output_dir) / "video" / "x.mp4", Clip(args.seed), fps=8)
if __name__ == "__main__":
    import argparse, sys
    args = argparse.Namespace(input_file="never", seed=1234, output_dir="never")
    sampling_main(args)
"""


@pytest.fixture
def theirs(tmp_path):
    """A script of the shape of theirs; what launch.py makes of requests for it."""
    script = tmp_path / "sat/sample_video.py"
    script.parent.mkdir()

    def launch(*requests, text=SCRIPT):
        script.write_text(text)
        rows = [
            {"folder": str(tmp_path / name), "seed": seed, "line": f"{name}@@p", "points": []}
            for name, seed in requests
        ]
        (tmp_path / "requests.json").write_text(json.dumps(rows))
        command = [sys.executable, FOLDER / "launch.py", script, tmp_path / "requests.json", "--image2video"]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)

    return launch


def test_clean_frames_are_taken_and_each_line_has_its_own_seed(theirs, tmp_path):
    assert theirs(("a", 5), ("b", 9)).returncode == 0
    for name, seed in (("a", 5), ("b", 9)):
        assert json.loads((tmp_path / name / "answer.json").read_text()) == {"frames": 49, "facts": {}}
        frames = sorted((tmp_path / name).glob("*.png"))
        assert len(frames) == 49 and Image.open(frames[-1]).getpixel((0, 0)) == (seed,) * 3  # and not the painted 0


def test_a_line_without_a_video_has_no_answer(theirs, tmp_path):
    theirs(("a", 5), ("none", 6), ("b", 7))
    assert [(tmp_path / name / "answer.json").exists() for name in ("a", "none", "b")] == [True, False, True]


def test_another_version_of_their_script_is_said_to_be_one(theirs):
    assert "is it another version?" in theirs(("a", 1), text="def main(): pass\n").stderr
    lacking = SCRIPT.replace("def read_from_file", "def read_lines").replace(
        "in enumerate(read_from_file", "in enumerate(x"
    )
    assert "has no read_from_file; is it another version?" in theirs(("a", 1), text=lacking).stderr


@pytest.mark.parametrize("late", [False, True])
def test_memory_ends_one_sample_and_the_next_launch_goes_on(driver, theirs, tmp_path, late):
    """By the session that run.py works with, on a script of the shape of theirs; `late`, only when that has ended."""
    tora = driver("tora")
    theirs()  # writes the script
    launches, running = [], []

    def start(left, number):
        rows = [{"folder": str(tmp_path / name), "seed": 4, "line": f"{name}@@p", "points": []} for name in left]
        (tmp_path / f"{number}.json").write_text(json.dumps(rows))
        launches.append(list(left))
        line = [
            sys.executable,
            str(FOLDER / "launch.py"),
            str(tmp_path / "sat/sample_video.py"),
            str(tmp_path / f"{number}.json"),
        ]
        running.append(tora.clone.Launch(line, tmp_path, tmp_path / f"log-{number}.txt", {}))
        return running[-1]

    def finish(task, frames, facts):
        done.append((task, len(frames)))
        if late:
            running[-1].last_words()

    done, failed = [], {}

    class Job:
        @contextlib.contextmanager
        def attempt(self, task):
            try:
                yield
            except RuntimeError as error:
                failed[task] = str(error)

    session = tora.clone.Session(start, lambda name: tmp_path / name)
    session.work(Job(), ["a", "memory", "b"], lambda task: None, finish)
    assert done == [("a", 49), ("b", 49)] and launches == [["a", "memory", "b"], ["b"]]
    assert "CUDA out of memory" in failed["memory"] and "exit code 1" in failed["memory"]


def test_the_files_that_all_three_share_are_the_same():
    for name in ("clone.py", "inside.py"):
        texts = {(FOLDER.parent / method / name).read_bytes() for method in ("tora", "force_prompting", "motion_i2v")}
        assert len(texts) == 1, f"{name} differs"


@pytest.mark.parametrize("method", ["tora", "force_prompting", "motion_i2v"])
def test_the_drivers_are_written_for_old_pythons_and_for_the_commit_in_method_toml(driver, method):
    assert find(method).code_revision == driver(method).run.REVISION
    for path in (FOLDER.parent / method).rglob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 8))
