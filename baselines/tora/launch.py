"""Runs in Tora's environment: its `sample_video.py`, once for many samples, each with a seed of its own.

Started as a program, that script draws a new seed for every line after the first, and writes lossy videos. So its two
halves are executed here, and between them two of its names are replaced: what reads its lines, and what writes a video.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import inside

SIZE = (49, 480, 720)
SIGMA_PX, REACH_PX = 10.0, 49
"""Of the blur that Tora spreads a trajectory's steps with."""


def is_main(statement: ast.stmt) -> bool:
    """Whether this is `if __name__ == "__main__"`."""
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Compare) and getattr(test.left, "id", None) == "__name__"


def flow(paths: list[list[list[float]]]) -> Any:
    """A fine flow, a torch float32 (49, 480, 720, 2) in pixels: each object's step into frame k, spread around it."""
    import torch

    count, height, width = SIZE
    whole = torch.zeros(count, height, width, 2)
    for path in paths:
        for frame, (x, y, x_step, y_step) in enumerate(path, start=1):
            rows, across = _bell(y, height)
            columns, along = _bell(x, width)
            whole[frame, rows, columns] += across[:, None, None] * along[None, :, None] * torch.tensor([x_step, y_step])
    return whole


def _bell(centre: float, size: int) -> tuple[slice, Any]:
    """Which rows or columns are near, and their weights, 1 at the centre."""
    import torch

    near = slice(max(int(centre) - REACH_PX, 0), min(int(centre) + REACH_PX + 1, size))
    apart = torch.arange(near.start, near.stop) + 0.5 - centre
    return near, torch.exp(-(apart**2) / (2 * SIGMA_PX**2))


def configure(args: Any, request: Mapping[str, Any]) -> None:
    """Set what Tora looks up for each line, as its first line of a launch of its own would find it."""
    args.seed = request["seed"]
    args.output_dir = request["folder"] + "/theirs"
    args.flow_path, args.point_path = None, request.get("points")
    if "steps" in request:
        import torch

        args.flow_path = request["folder"] + "/flow.pt"
        torch.save(flow(request["steps"]), args.flow_path)


def run(script: Path, requests: list[dict[str, Any]], arguments: list[str]) -> None:
    """Execute Tora's script on these requests."""
    inside.at_home(script.parent)
    sys.argv = [str(script), *arguments]
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(script)}
    definitions, main = inside.divided(script, is_main)
    exec(definitions, names)
    inside.wanted(names, script, "read_from_file", "write_video", "sampling_main")
    current: list[dict[str, Any]] = []

    def lines(*_: Any, **__: Any) -> Iterator[tuple[str, int]]:
        for request in requests:
            current[:] = [request]
            inside.begin(request["folder"])
            configure(names["args"], request)
            yield request["line"], 0  # Tora keeps the seed of line 0

    def keep(path: Any, frames: Any, *_: Any, **__: Any) -> None:
        if Path(path).parent.name == "video":  # in `traj_video` the trajectory is painted on it
            inside.answer(current[0]["folder"], frames.numpy())

    names["read_from_file"], names["write_video"] = lines, keep
    exec(main, names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("script", type=Path)
    parser.add_argument("requests", type=Path)
    known, for_tora = parser.parse_known_args()
    run(known.script.absolute(), json.loads(known.requests.read_text(encoding="utf-8")), for_tora)
