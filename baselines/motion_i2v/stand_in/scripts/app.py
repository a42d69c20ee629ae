"""In the place of Motion-I2V's scripts/app.py for `kinebench methods check`: takes the same arguments, and paints.

It is built as that file is, so that `launch.py` treats both alike: what stands above the page is used, and the page
must never run.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image


def set_seed(seed: int) -> None:
    """As theirs: the global generators."""
    random.seed(seed)


def save_videos_grid(videos: Any, path: str) -> None:
    """In its place `launch.py` puts what takes the frames."""
    raise NotImplementedError(f"{path}: {videos.shape}")


def visualize_drag_v2(*_: Any) -> Any:
    """Theirs divides by the length of the last step."""
    raise ZeroDivisionError


class Tokenizer:
    """Counts words."""

    model_max_length = 77

    def __call__(self, prompt: str) -> SimpleNamespace:
        """A number for each word, and one before and after."""
        return SimpleNamespace(input_ids=[0, *range(1, len(prompt.split()) + 1), 0])


class Drag:
    """Moves the square around the start of each track straight to its end, where the brush allows it."""

    def __init__(self, device: str, weights: str, settings: str, height: int, width: int, length: int) -> None:
        assert (device, height, width, length) == ("cuda:0", 320, 512, 16), "their app says so"
        assert weights.startswith("models/") and settings.startswith("configs/"), "below the folder that it runs in"
        self.pipeline = SimpleNamespace(tokenizer=Tokenizer())

    def run(
        self, first_frame_path: str, image_brush: Any, tracking_points: Any, batch: int, unit: int, prompt: str
    ) -> Any:
        """As theirs; what is outside the brush stays as it is, in every frame."""
        with Image.open(first_frame_path) as image:
            picture = np.asarray(image.convert("RGB"), np.float32) / 255
        movable = image_brush["mask"][:, :, 0] > 127
        assert picture.shape == (320, 512, 3) and movable.shape == (320, 512), "the app resizes neither"
        assert batch == 1 and isinstance(unit, int) and 1 <= unit <= 320 and prompt, "as its sliders allow"
        frames = np.repeat(picture[None], 16, axis=0)
        colour = random.random()
        for track in tracking_points.constructor_args["value"]:
            (x0, y0), (x1, y1) = track  # a single point would be dragged by one pixel
            assert 0 <= x0 < 512 and 0 <= y0 < 320, "a square around what is off the picture is empty"
            for number in range(16):
                x, y = (round(a + (b - a) * number / 15) for a, b in ((x0, x1), (y0, y1)))
                frames[number, max(y - unit, 0) : y + unit, max(x - unit, 0) : x + unit] = (1.0, colour, 0.0)
        if movable.any():
            frames[1:, ~movable] = picture[~movable]
        visualized = visualize_drag_v2(first_frame_path)
        save_videos_grid(frames.transpose(3, 0, 1, 2)[None], "gradio/samples/output.gif")
        return visualized[0], "gradio/samples/output.gif"


gr = SimpleNamespace(Blocks=lambda: 1 / 0)

with gr.Blocks() as demo:
    Drag("never", "built", "here", 0, 0, 0)

demo.launch(share=True)
