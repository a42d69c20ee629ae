"""A condition's path as a force prompt: pure, and in the standard library's terms alone.

Force Prompting reads a CSV with a row for each sample: where on the picture something is poked, in which direction and
how hard. It paints a blob that moves 90 + 270 * force pixels in the 49 frames of its 720x480 video.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence

Point = tuple
"""x and y, in pixels of the 720x480 picture, y down."""

WIDTH, HEIGHT = 720, 480
FRAMES, FPS = 49, 8.0
NEAREST_PX, FURTHEST_PX = WIDTH / 8, WIDTH / 2
"""How far the blob goes with force 0 and 1."""
SLOWEST_MPS, FASTEST_MPS = 0.5, 1.5
"""Speeds of the paper's data."""
COLUMNS = ("image", "angle", "force", "coordx", "coordy", "width", "height", "caption")


def displacement_px(path: Sequence[Point], fps: float) -> Point:
    """From the first of its 49 frames to the last; a path of another length by their times, held at its end."""
    (x0, y0), (x1, y1) = path[0], path[-1]
    last = (FRAMES - 1) / FPS * fps
    if len(path) != FRAMES and last < len(path) - 1:
        (ax, ay), (bx, by), part = path[int(last)], path[int(last) + 1], last - int(last)
        x1, y1 = ax + part * (bx - ax), ay + part * (by - ay)
    return x1 - x0, y1 - y0


def angle_deg(x_px: float, y_px: float) -> float:
    """Direction on the picture, 0 right, 90 up, in [0, 360), to a hundredth of a degree."""
    return round(math.degrees(math.atan2(-y_px, x_px)), 2) % 360.0


def force(wanted: float) -> tuple[float, str | None]:
    """A force in [0, 1], to a thousandth, and which bound was in the way."""
    if wanted < 0:
        return 0.0, "low"
    if wanted > 1:
        return 1.0, "high"
    return round(wanted, 3), None


def force_of_displacement(length_px: float) -> tuple[float, str | None]:
    """The force whose blob goes so far."""
    return force((length_px - NEAREST_PX) / (FURTHEST_PX - NEAREST_PX))


def force_of_speed(speed_mps: float) -> tuple[float, str | None]:
    """The paper's speeds, 0.5 to 1.5 m/s, on 0 to 1."""
    return force((speed_mps - SLOWEST_MPS) / (FASTEST_MPS - SLOWEST_MPS))


def poked(start: Point) -> tuple[int, int]:
    """The coordx and coordy of a point: whole pixels of the picture, y up from its lower edge."""
    return min(max(round(start[0]), 0), WIDTH - 1), min(max(round(HEIGHT - start[1]), 0), HEIGHT - 1)


def row(picture: str, caption: str, path: Sequence[Point], fps: float, strength: float) -> dict[str, object]:
    """The sample's row of the CSV. Raises ValueError for a caption that their reader might not take for a text."""
    words = " ".join(caption.split())
    if " " not in words:
        raise ValueError(
            f"the prompt {words!r} is no sentence; their reader takes some such words for nothing, or a number"
        )
    x, y = poked(path[0])
    return {
        "image": picture,
        "angle": angle_deg(*displacement_px(path, fps)),
        "force": strength,
        "coordx": x,
        "coordy": y,
        "width": WIDTH,
        "height": HEIGHT,
        "caption": words,
    }


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """The CSV file; all texts are quoted."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    out.write(",".join(COLUMNS) + "\n")
    for each in rows:
        writer.writerow([each[name] for name in COLUMNS])
    return out.getvalue()


def arguments(work: str, seed: int) -> list[str]:
    """Their command line, after the script's name, as scripts/inference_1_gpu.sh gives it."""
    return [
        *("--controlnet_type", "point_force"),
        *("--model_type", "controlnet_with_force_control_signal"),
        *("--pretrained_model_name_or_path", f"{work}/cogvideox-5b-i2v"),
        *("--pretrained_controlnet_path", f"{work}/step-5000-checkpoint-point-force.pt"),
        *("--csv_path_val", f"{work}/samples.csv"),
        *("--image_root_dir_val", f"{work}/images"),
        *("--csv_path", ""),
        *("--video_root_dir", ""),
        *("--output_dir", f"{work}/output"),
        *("--seed", str(seed)),
        *("--num_validation_videos", "1"),
        *("--num_inference_steps", "50"),
        *("--validation_steps", "1000000000"),
        *("--controlnet_transformer_num_layers", "6"),
        *("--controlnet_input_channels", "3"),
        *("--controlnet_weights", "1.0"),
        *("--downscale_coef", "8"),
        *("--height", str(HEIGHT)),
        *("--width", str(WIDTH)),
        *("--fps", "8"),
        *("--max_num_frames", str(FRAMES)),
        *("--train_batch_size", "1"),
        *("--mixed_precision", "bf16"),
        *("--optimizer", "AdamW"),
        "--init_from_transformer",
        "--gradient_checkpointing",
        "--enable_slicing",
        "--enable_tiling",
        "--allow_tf32",
        "--skip_training_and_only_generate_val_videos",
    ]


def model_seed(seed: int) -> int:
    """They take 0 for no seed."""
    return seed + 1
