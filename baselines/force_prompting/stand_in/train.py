"""In the place of Force Prompting's train.py for `kinebench methods check`: reads the same CSV, more strictly."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

from inference import do_inference

COLUMNS = ["image", "angle", "force", "coordx", "coordy", "width", "height", "caption"]


def parsed() -> argparse.Namespace:
    """What the script is told; it names the checkpoint in the way that theirs takes the step from."""
    parser = argparse.ArgumentParser()
    for name in ("pretrained_model_name_or_path", "pretrained_controlnet_path", "csv_path_val", "image_root_dir_val"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("csv_path", "video_root_dir", "controlnet_type"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--skip_training_and_only_generate_val_videos", action="store_true", required=True)
    args, _ = parser.parse_known_args()
    int(Path(args.pretrained_controlnet_path).name.split(".")[0].split("-")[1])
    if not args.seed or "5b" not in args.pretrained_model_name_or_path.lower():
        raise ValueError("seed 0 is none, and without 5b in its name the model is taken for a smaller one")
    return args


def read_rows(path: str, pictures: str) -> list[dict[str, Any]]:
    """The rows of the CSV. Raises ValueError for what is out of range, OSError for a missing picture."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != COLUMNS:
            raise ValueError(f"{path}: columns {reader.fieldnames}")
        rows: list[dict[str, Any]] = list(reader)
    for row in rows:
        row.update({name: float(row[name]) for name in ("angle", "force")})
        row.update({name: int(row[name]) for name in ("coordx", "coordy", "width", "height")})
        in_range = 0 <= row["angle"] < 360 and 0 <= row["force"] <= 1
        inside = 0 <= row["coordx"] < row["width"] and 0 <= row["coordy"] < row["height"]
        if not (in_range and inside and row["caption"]):
            raise ValueError(f"{path}: {row}")
        if not (Path(pictures) / row["image"]).is_file():
            raise FileNotFoundError(row["image"])
    return rows


if __name__ == "__main__":
    args = parsed()
    do_inference(read_rows(args.csv_path_val, args.image_root_dir_val), args)
