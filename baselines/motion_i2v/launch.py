"""Runs in Motion-I2V's environment: the classes of its `scripts/app.py`, without its page, on many samples.

The app builds its models and starts a web server when it is imported. So only what stands above its page, the
statement `with gr.Blocks()`, is executed here; and two of its names are replaced, so that a video's frames are taken
before it becomes a GIF of 256 colours, and so that no picture of the drag is drawn, which fails for short ones.
"""

from __future__ import annotations

import argparse
import ast
import json
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import inside

FLOW_WEIGHTS = "models/stage1/StableDiffusion-FlowGen"
SETTINGS = "configs/configs_flowgen/inference/inference.yaml"
HEIGHT, WIDTH, FRAMES = 320, 512, 16


def is_page(statement: ast.stmt) -> bool:
    """Whether this is `with gr.Blocks() as ...`."""
    calls = [item.context_expr for item in statement.items] if isinstance(statement, ast.With) else []
    return any(isinstance(call, ast.Call) and getattr(call.func, "attr", None) == "Blocks" for call in calls)


def brush(masks: list[str]) -> Any:
    """What may move, uint8 (320, 512, 1), 255 where one of the masks is; all 0 without any, which means everything."""
    import numpy as np
    from PIL import Image

    painted = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
    for path in masks:
        with Image.open(path) as image:
            painted[np.asarray(image.convert("L")) > 0] = 255
    return painted


def frames_of(videos: Any) -> Any:
    """The tensor (1, 3, n, 320, 512) in 0..1 that the app would save, as uint8 (n, 320, 512, 3)."""
    import numpy as np

    video = np.asarray(videos)[0].transpose(1, 2, 3, 0)
    return (np.clip(video, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)


def prompt_facts(net: Any, prompt: str) -> dict[str, Any]:
    """How much of the prompt the text encoder reads."""
    tokenizer = net.pipeline.tokenizer
    count = len(tokenizer(prompt).input_ids)
    limit = int(tokenizer.model_max_length)
    return {"prompt_tokens": count, "prompt_truncated": count > limit}


def make(names: Mapping[str, Any], net: Any, taken: list[Any], request: Mapping[str, Any]) -> None:
    """One video. It draws from torch's global generators, so these are seeded before."""
    facts = prompt_facts(net, request["prompt"])
    taken.clear()
    names["set_seed"](request["seed"])
    net.run(
        request["first_frame"],
        {"mask": brush(request["brush"])},
        SimpleNamespace(constructor_args={"value": request["tracks"]}),
        1,
        request["unit_px"],
        request["prompt"],
    )
    (videos,) = taken
    inside.answer(request["folder"], frames_of(videos), facts)


def run(script: Path, requests: list[dict[str, Any]]) -> None:
    """Build the models once, and make every request's video."""
    inside.at_home(script.parent.parent)
    names: dict[str, Any] = {"__name__": "motion_i2v_app", "__file__": str(script)}
    exec(inside.divided(script, is_page)[0], names)
    inside.wanted(names, script, "Drag", "set_seed", "save_videos_grid", "visualize_drag_v2")
    taken: list[Any] = []
    names["save_videos_grid"] = _collector(taken)
    names["visualize_drag_v2"] = lambda *_, **__: ([None], None)
    net = names["Drag"]("cuda:0", FLOW_WEIGHTS, SETTINGS, HEIGHT, WIDTH, FRAMES)
    for request in requests:
        inside.begin(request["folder"])
        try:
            make(names, net, taken, request)
        except Exception as error:
            traceback.print_exc()
            inside.refuse(request["folder"], f"{type(error).__name__}: {error}")


def _collector(taken: list[Any]) -> Callable[..., None]:
    def save_videos_grid(videos: Any, *_: Any, **__: Any) -> None:
        taken.append(videos)

    return save_videos_grid


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("script", type=Path)
    parser.add_argument("requests", type=Path)
    known = parser.parse_args()
    run(known.script.absolute(), json.loads(known.requests.read_text(encoding="utf-8")))
