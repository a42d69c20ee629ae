"""Motion-I2V's driver: drags, squares and brushes, and launches of apps that stand in for theirs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinebench.content import content
from kinebench.methods.video import Span

FOLDER = content("baselines") / "motion_i2v"


@pytest.fixture(scope="module")
def control(driver):
    return driver("motion_i2v").control


def test_a_drag_goes_from_start_to_end(control):
    path = [(100.4, 200.0), (150.0, 10.0), (199.6, 40.2)]
    assert control.track(path) == [(100, 200), (200, 40)]
    assert control.track([(512.0, 320.0), (-3.0, -0.4)]) == [(511, 319), (0, 0)]
    assert control.track([(9.0, 9.0)] * 49) == [(9, 9), (9, 9)]  # a single point would be dragged


def test_the_square_covers_the_mask(control):
    assert control.unit_px([(100, 100)], [(90, 80, 130, 110)]) == 30
    assert control.unit_px([(100, 100), (300, 50)], [(90, 80, 130, 110), (255, 40, 310, 70)]) == 45
    assert control.unit_px([(5, 5)], [(5, 5, 6, 6)]) == 1
    assert control.unit_px([(0, 0)], [(0, 0, 512, 320)]) == 320


def test_brushes(control):
    assert control.brushed("frame", [1], [1, 2]) == []
    assert control.brushed("driven", [1], [1, 2]) == [1]
    assert control.brushed("objects", [1], [1, 2]) == [1, 2]


def test_a_brush_is_white_where_something_may_move(driver, tmp_path):
    mask = np.zeros((320, 512), bool)
    mask[10:20, 30:50] = True
    Image.fromarray(mask).save(tmp_path / "mask_1.png")
    painted = driver("motion_i2v").launch.brush([str(tmp_path / "mask_1.png")])
    assert painted.shape == (320, 512, 1) and painted.dtype == np.uint8
    assert (painted[..., 0] == np.where(mask, 255, 0)).all()
    assert not driver("motion_i2v").launch.brush([]).any()


def test_the_command_line_and_what_is_missing(driver, tmp_path):
    method = driver("motion_i2v")
    line = method.run.command({"clone": "/c"}, False, Path("/w/requests-1.json"))
    assert line == [sys.executable, str(FOLDER / "launch.py"), "/c/scripts/app.py", "/w/requests-1.json"]
    options = {"clone": str(tmp_path), "weights": str(tmp_path), "python": "python"}
    clone, weights = method.clone.faults(method.run.PLACES, options, (), "cuda")
    assert "it has no scripts/app.py, scripts/utils.py" in clone
    assert (
        "stage1 and stage2 in it; it has no stage1/StableDiffusion-FlowGen/unet/diffusion_pytorch_model.bin" in weights
    )


@pytest.fixture(scope="module")
def made(played):
    return played(
        "motion_i2v", {"right": [((100, 200), (300, 200))], "two": [((400, 250), (100, 50)), ((60, 60), (60, 200))]}
    )


def test_squares_follow_their_drags(made, square):
    video = made["right"].video
    assert video.frames.shape == (16, 320, 512, 3) and video.timing == Span()
    for frame in (0, 5, 15):
        assert np.abs(np.subtract(square(video.frames[frame]), (100 + 200 * frame / 15, 200))).max() < 2
    first, last = (made["two"].video.frames[frame, :, 256:] for frame in (0, 15))
    assert np.abs(np.subtract(square(first), (400 - 256, 250))).max() < 2
    assert not (last[..., 0] > 250).any()


def test_facts_say_what_was_told(made):
    facts = made["right"].video.facts
    assert facts["brush"] == "frame" and facts["drags_px"] == [[100, 200, 300, 200]] and facts["flow_unit_px"] == 20
    assert facts["prompt_tokens"] == 6 and facts["prompt_truncated"] is False


def test_with_the_brush_of_the_paper_nothing_leaves_its_place(played, square):
    frames = played("motion_i2v", {"x": [((100, 200), (300, 200))]}, brush="driven")["x"].video.frames
    assert np.abs(np.subtract(square(frames[0]), (100, 200))).max() < 2
    assert not (frames[15, :, 130:, 0] > 250).any()


def test_without_a_drag_it_is_refused(played):
    results = played("motion_i2v", {"none": []})
    assert results["none"].kind == "invalid" and "nothing" not in results["none"].message


APP = """
import random
from types import SimpleNamespace
import numpy as np
def set_seed(seed): random.seed(seed)
def save_videos_grid(videos, path): raise AssertionError("replaced")
def visualize_drag_v2(*_): raise AssertionError("replaced")
class Tokenizer:
    model_max_length = 3
    def __call__(self, prompt): return SimpleNamespace(input_ids=prompt.split())
class Drag:
    def __init__(self, *given):
        assert given == ("cuda:0", "models/stage1/StableDiffusion-FlowGen",
                         "configs/configs_flowgen/inference/inference.yaml", 320, 512, 16)
        self.pipeline = SimpleNamespace(tokenizer=Tokenizer())
    def run(self, first_frame, image_brush, tracking_points, batch, unit, prompt):
        if prompt == "memory": raise RuntimeError("CUDA out of memory")
        if prompt != "nothing": save_videos_grid(np.full((1, 3, 16, 320, 512), random.random()), "x.gif")
        return visualize_drag_v2()[0]
gr = SimpleNamespace(Blocks=None)
with gr.Blocks() as demo:
    raise AssertionError("the page is built")
demo.launch(share=True)
"""


@pytest.fixture
def answers(tmp_path):
    """What launch.py makes of prompts and seeds with an app of the shape of theirs."""

    def launch(*requests, app=APP):
        (tmp_path / "scripts").mkdir(exist_ok=True)
        (tmp_path / "scripts/app.py").write_text(app)
        rows = [
            {"folder": str(tmp_path / str(number)), "seed": seed, "prompt": prompt, "first_frame": "x.png"}
            | {"tracks": [[[1, 2], [3, 4]]], "unit_px": 9, "brush": []}
            for number, (prompt, seed) in enumerate(requests)
        ]
        (tmp_path / "requests.json").write_text(json.dumps(rows))
        command = [sys.executable, FOLDER / "launch.py", tmp_path / "scripts/app.py", tmp_path / "requests.json"]
        told = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        paths = [tmp_path / str(number) / "answer.json" for number in range(len(requests))]
        return told, [json.loads(path.read_text()) if path.exists() else None for path in paths]

    return launch


def test_the_page_never_runs_and_a_failing_sample_ends_nothing_else(answers, tmp_path):
    told, found = answers(("one two three four", 0), ("memory", 0), ("nothing", 0), ("short", 0), ("short", 1))
    assert told.returncode == 0, told.stderr
    assert found[0] == {"frames": 16, "facts": {"prompt_tokens": 4, "prompt_truncated": True}}
    assert "out of memory" in found[1]["error"]
    assert "ValueError" in found[2]["error"]  # no video came
    shades = [Image.open(tmp_path / f"{number}/00015.png").getpixel((0, 0))[0] for number in (0, 3, 4)]
    assert shades[0] == shades[1] != shades[2]  # by the seed alone


def test_another_app_is_said_to_be_one(answers):
    assert "is it another version?" in answers(("x", 0), app="import sys\n")[0].stderr
    assert "has no Drag" in answers(("x", 0), app=APP.replace("class Drag", "class Pull"))[0].stderr
