"""In the place of Tora's sample_video.py for `kinebench methods check`: reads the same files, as strictly, and paints.

It is built as that script is, so that `launch.py` treats both alike; a square follows each trajectory.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FRAMES, HEIGHT, WIDTH, CANVAS, HALF_PX = 49, 480, 720, 256, 24


class Clip:
    """Frames, with what the script asks of a tensor."""

    def __init__(self, frames: Any) -> None:
        self._frames = frames

    def numpy(self) -> Any:
        """uint8 (49, 480, 720, 3)."""
        return self._frames


def read_from_file(path: str) -> Iterator[tuple[str, int]]:
    """The lines of the input file, and their numbers."""
    with Path(path).open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            yield line.strip(), number


def write_video(path: Any, frames: Clip, fps: int) -> None:
    """In its place `launch.py` puts what takes the frames."""
    raise NotImplementedError(f"{path}: {len(frames.numpy())} frames, {fps} a second")


def read_points(path: str) -> Any:
    """The 49 points of a trajectory file, in pixels (49, 2); raises ValueError for what Tora would take wrongly."""
    points = []
    for line in Path(path).read_text().splitlines():
        x, y = (int(part) for part in line.strip().split(","))
        if not (0 <= x < CANVAS and 0 <= y < CANVAS):
            raise ValueError(f"{path}: {x}, {y} is off the canvas")
        points.append((WIDTH * x // CANVAS, HEIGHT * y // CANVAS))
    if len(points) not in (2, FRAMES):
        raise ValueError(f"{path}: {len(points)} points")
    at = np.linspace(0, len(points) - 1, FRAMES)
    return np.stack([np.interp(at, np.arange(len(points)), axis) for axis in np.array(points, float).T], axis=1)


def read_flow(path: str) -> list[Any]:
    """The trajectory in a flow file: where its steps are largest, (49, 2)."""
    import torch

    flow = torch.load(path, map_location="cpu", weights_only=True)
    if flow.shape != (FRAMES, HEIGHT, WIDTH, 2) or flow.dtype != torch.float32:
        raise ValueError(f"{path} holds {flow.dtype} {tuple(flow.shape)}")
    peaks = [int(frame.norm(dim=-1).argmax()) for frame in flow[1:]]
    places = [(peak % WIDTH, peak // WIDTH) for peak in peaks]
    return [np.array([*places, places[-1]], float)]


def paint(picture: Any, tracks: list[Any], seed: int) -> Any:
    """The picture in every frame, with a square on each track; its colour is the seed's."""
    frames = np.repeat(picture[None], FRAMES, axis=0)
    for track in tracks:
        for number, (x, y) in enumerate(track.astype(int)):
            top, left = max(y - HALF_PX, 0), max(x - HALF_PX, 0)
            frames[number, top : y + HALF_PX, left : x + HALF_PX] = (255, seed * 40 % 256, 0)
    return frames


def sampling_main(args: Any) -> None:
    """As Tora's: line by line, a clean video, and one that is painted on."""
    for text, number in read_from_file(args.input_file):
        prompt, image_path = text.split("@@")
        if not prompt or args.seed <= 0 or number:
            raise ValueError(f"prompt {prompt!r}, seed {args.seed}, line {number}")
        with Image.open(Path(args.img_dir) / image_path) as image:
            picture = np.asarray(image.convert("RGB").resize((WIDTH, HEIGHT)))
        tracks = read_flow(args.flow_path) if args.flow_path else [read_points(path) for path in args.point_path]
        clean = paint(picture, tracks, args.seed)
        name = f"{number}_{prompt.replace(' ', '_')[:60]}_0_seed{args.seed}_000000.mp4"
        write_video(Path(args.output_dir) / "video" / name, Clip(clean), fps=8)
        write_video(Path(args.output_dir) / "traj_video" / name, Clip(clean * 0), fps=8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", nargs="*")
    for name in ("--load", "--output-dir", "--input-file", "--img_dir"):
        parser.add_argument(name)
    parser.add_argument("--image2video", action="store_true", required=True)
    args = parser.parse_args()
    sampling_main(args)
