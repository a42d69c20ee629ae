"""What a method's `generate` gives back, looked at before anything is done with it."""

import json
import math
from typing import Any

import numpy as np

from kinebench.methods.placement import Placement
from kinebench.methods.video import Fps, Span, Video

_FRAMES = "frames must be a numpy array (n, h, w, 3), uint8, RGB"


def fault(answer: Any) -> str | None:
    """What is wrong with it, and what its author should do; None if nothing is."""
    if not isinstance(answer, Video):
        return (
            f"generate gave {kind(answer)}; it must give kinebench.methods.video.Video(frames=..., timing=...), "
            "or raise KineBenchError for a condition that it cannot take"
        )
    if said := _frames_fault(answer.frames):
        return f"generate gave {said}"
    timing = answer.timing
    if not isinstance(timing, Fps | Span):
        return f"generate gave the timing {timing!r}; it must be Fps(frames a second) or Span()"
    if isinstance(timing, Fps) and not (_is_number(timing.fps) and math.isfinite(timing.fps) and timing.fps > 0):
        return f"generate gave {timing!r}; the rate must be above 0"
    if not isinstance(answer.placement, Placement):
        return f"generate gave the placement {answer.placement!r}; it must be a Placement, or be left out"
    return _facts_fault(answer.facts)


def _frames_fault(frames: Any) -> str | None:
    if type(frames).__module__.split(".")[0] == "torch":
        return f"frames as {kind(frames)}; {_FRAMES}: (255 * x).round().clamp(0, 255).to(torch.uint8).cpu().numpy()"
    if not isinstance(frames, np.ndarray):
        return f"frames as {kind(frames)}; {_FRAMES}" + (": np.stack(frames)" if isinstance(frames, list) else "")
    if frames.dtype != np.uint8:
        hint = ": (255 * x).round().astype(np.uint8) of values from 0 to 1" if frames.dtype.kind == "f" else ""
        return f"frames of {frames.dtype}; {_FRAMES}{hint}"
    if frames.ndim != 4 or frames.shape[3] != 3 or 0 in frames.shape:
        return f"frames of the shape {frames.shape}; {_FRAMES}{_turn(frames.shape)}"
    return None


def _turn(shape: tuple[int, ...]) -> str:
    match shape:
        case (1, _, _, _, 3):
            return ": give frames[0], without the axis of the batch"
        case (_, 3, _, _):
            return ": frames.transpose(0, 2, 3, 1)"
        case (3, _, _, _):
            return ": frames.transpose(1, 2, 3, 0)"
        case (_, _, _, 4):
            return ": frames[..., :3], without transparency"
        case _:
            return ""


def _facts_fault(facts: Any) -> str | None:
    try:
        whole = json.loads(json.dumps(facts, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        return f"generate gave facts that are no JSON: {error}; give text, finite numbers, lists and dicts of them"
    if not isinstance(whole, dict):
        return f"generate gave {kind(facts)} as facts; give a dict"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def kind(value: Any) -> str:
    """What something is, in words."""
    if value is None:
        return "nothing"
    module, name = type(value).__module__, type(value).__qualname__
    return f"something of type {name if module == 'builtins' else f'{module}.{name}'}"
