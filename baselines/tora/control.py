"""A condition's paths as Tora's trajectories: pure, and in the standard library's terms alone.

Tora reads text files of whole `x, y` on a 256x256 canvas that is stretched over its 720x480 picture, one file for each
object, and makes 49 frames at 8 a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple
"""x and y, in pixels of the 720x480 picture, y down."""

WIDTH, HEIGHT = 720, 480
CANVAS = 256
FRAMES, FPS = 49, 8.0


def at_frames(path: Sequence[Point], fps: float) -> list[Point]:
    """Where an object is at Tora's 49 frames: a path of 49 points as it is, else at their times, held at its end."""
    if len(path) == FRAMES:
        return list(path)
    return [_at(path, frame / FPS * fps) for frame in range(FRAMES)]


def _at(path: Sequence[Point], frame: float) -> Point:
    first = min(int(frame), len(path) - 1)
    later = min(first + 1, len(path) - 1)
    part = frame - first if later > first else 0.0
    (x0, y0), (x1, y1) = path[first], path[later]
    return x0 + part * (x1 - x0), y0 + part * (y1 - y0)


def on_canvas(point: Point) -> tuple[int, int]:
    """The nearest point of the canvas; 0..255, because Tora wraps what is below and fails on what is above."""
    return _canvas(point[0], WIDTH), _canvas(point[1], HEIGHT)


def _canvas(value: float, size: int) -> int:
    return min(max(math.floor(value * CANVAS / size + 0.5), 0), CANVAS - 1)


def trajectory(path: Sequence[Point], mode: str) -> list[tuple[int, int]]:
    """The points of an object's file: all 49 of `path`, which Tora takes one a frame; or the first and last, `ends`.

    Never one point: Tora replaces that by a point off the picture.
    """
    points = [on_canvas(point) for point in path]
    return [points[0], points[-1]] if mode == "ends" else points


def file_text(points: Sequence[tuple[int, int]]) -> str:
    """A trajectory file: one `x, y` a line."""
    return "".join(f"{x}, {y}\n" for x, y in points)


def steps(path: Sequence[Point]) -> list[list[float]]:
    """For `flow`: x, y and the step to the next frame, of each but the last frame, unrounded, inside the picture."""
    inside = [(min(max(x, 0.0), WIDTH - 1.0), min(max(y, 0.0), HEIGHT - 1.0)) for x, y in path]
    return [[x, y, inside[frame][0] - x, inside[frame][1] - y] for frame, (x, y) in enumerate(inside[:-1], start=1)]


def clamped(path: Sequence[Point]) -> int:
    """How many points lay off the canvas."""
    return sum(
        on_canvas(point) != (math.floor(point[0] * CANVAS / WIDTH + 0.5), math.floor(point[1] * CANVAS / HEIGHT + 0.5))
        for point in path
    )


def still_steps(points: Sequence[tuple[int, int]]) -> int:
    """In how many of the 48 steps Tora sees no motion, because it works in whole points of the canvas."""
    pixels = [(WIDTH * x // CANVAS, HEIGHT * y // CANVAS) for x, y in points]
    return sum(there == pixels[frame] for frame, there in enumerate(pixels[1:]))


def line(prompt: str, picture: str) -> str:
    """What Tora reads of a sample: prompt and picture. Raises ValueError for a prompt that holds its separator."""
    words = " ".join(prompt.split())
    if "@@" in words or not words:
        raise ValueError("Tora splits its lines at @@, so a prompt cannot hold it, nor be empty")
    return f"{words}@@{picture}"


def arguments(inputs: str, pictures: str) -> list[str]:
    """Tora's command line, after the script's name, in a folder that holds its `configs` and `ckpts`.

    `inputs` is the file of lines, and `pictures` the folder that they name their pictures in.
    """
    return [
        *("--base", "configs/tora/model/cogvideox_5b_tora_i2v.yaml", "configs/tora/inference_sparse.yaml"),
        *("--load", "ckpts/tora/i2v"),
        *("--output-dir", "theirs"),
        *("--input-file", inputs),
        *("--img_dir", pictures),
        "--image2video",
    ]


def model_seed(seed: int) -> int:
    """Tora refuses 0."""
    return seed + 1
