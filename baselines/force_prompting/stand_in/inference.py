"""In the place of Force Prompting's inference.py: a control signal for each row, a clean video, two painted ones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FRAMES, HEIGHT, WIDTH, HALF_PX = 49, 480, 720, 20


def export_to_video(frames: Any, path: str, fps: int) -> None:
    """In its place `launch.py` puts what takes the frames."""
    raise NotImplementedError(f"{path}: {len(frames)} frames, {fps} a second")


def do_inference(rows: list[dict[str, Any]], args: Any) -> None:
    """A square goes where the blob of each row's force would go, 90 to 360 pixels; its colour is the seed's."""
    for row in rows:
        with Image.open(Path(args.image_root_dir_val) / row["image"]) as image:
            picture = np.asarray(image.convert("RGB").resize((WIDTH, HEIGHT)), np.float32) / 255
        video = np.repeat(picture[None], FRAMES, axis=0)
        reach = WIDTH / 8 + (WIDTH / 2 - WIDTH / 8) * row["force"]
        turn = math.radians(row["angle"])
        for frame in range(FRAMES):
            part = frame / (FRAMES - 1)
            x = int(row["coordx"] + part * reach * math.cos(turn))
            y = int(HEIGHT - row["coordy"] - part * reach * math.sin(turn))
            left, top = max(x - HALF_PX, 0), max(y - HALF_PX, 0)
            video[frame, top : max(y + HALF_PX, 0), left : max(x + HALF_PX, 0)] = (1.0, args.seed * 40 % 256 / 255, 0.0)
        place = f"xpos_{row['coordx'] / row['width']:.2f}__ypos_{row['coordy'] / row['height']:.2f}"
        stem = f"step-5000__file_id_{row['image'].split('.png')[0]}__{place}"
        stem += f"__angle_{row['angle']:.2f}__force_{row['force']:.3f}"
        painted = np.zeros((1, HEIGHT, WIDTH, 3), np.float32)
        export_to_video(painted, f"{stem}___control_signal.mp4", fps=8)
        export_to_video(video, f"{stem}__video_0.mp4", fps=8)
        export_to_video(painted, f"{stem}___video_0_with_control_signal.mp4", fps=8)
        export_to_video(painted, f"{stem}___video_0_with_pretty_force_prompt.mp4", fps=8)
