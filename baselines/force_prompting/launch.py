"""Runs in Force Prompting's environment: its `train.py` on a CSV of many samples; takes the frames before encoding.

For a row that it cannot read, its loader takes a random other one. So a video is taken only for the row whose turn it
is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import inside

BEGUN, CLEAN = "___control_signal.mp4", "__video_0.mp4"
"""How the file names of a row's first picture and of its clean video end; on two other videos the force is painted."""


class Takings:
    """In the place of `export_to_video`: the rows of the CSV, in order, and where their frames go."""

    def __init__(self, requests: list[dict[str, str]]) -> None:
        self._rows = iter(requests)
        self._turn: dict[str, str] = {}  # the row that is in work
        self._belongs = False

    def __call__(self, frames: Any, path: Any, fps: int = 8) -> None:
        """Take the frames, float (49, 480, 720, 3) in 0..1, if this is the clean video of the row whose turn it is."""
        name = Path(path).name
        if name.endswith(BEGUN):
            self._begin(name)
        elif name.endswith(CLEAN) and self._belongs:
            inside.answer(self._turn["folder"], _bytes(frames))

    def _begin(self, name: str) -> None:
        self._turn = next(self._rows)
        inside.begin(self._turn["folder"])
        self._belongs = f"__file_id_{self._turn['key']}__xpos_" in name
        if not self._belongs:
            message = f"its loader could not read row {self._turn['key']} and took another one: {name}"
            inside.refuse(self._turn["folder"], message)


def _bytes(frames: Any) -> Any:
    import numpy as np

    return np.stack([(np.clip(frame, 0.0, 1.0) * 255 + 0.5).astype(np.uint8) for frame in np.asarray(frames)])


def run(script: Path, requests: list[dict[str, str]], arguments: list[str]) -> None:
    """Execute their script on these requests, the rows of its CSV."""
    inside.at_home(script.parent)
    sys.argv = [str(script), *arguments]
    inference = importlib.import_module("inference")
    inside.wanted(vars(inference), script.with_name("inference.py"), "export_to_video", "do_inference")
    vars(inference)["export_to_video"] = Takings(requests)
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("script", type=Path)
    parser.add_argument("requests", type=Path)
    known, theirs = parser.parse_known_args()
    run(known.script.absolute(), json.loads(known.requests.read_text(encoding="utf-8")), theirs)
