"""JSON from files that strangers may have written: finite numbers of a sane length, no deep nesting, or ValueError."""

import json
import math
from typing import Any

_LONGEST_NUMBER = 40
"""Digits; what is longer overflows somewhere further on."""
_DEEPEST = 64
"""Levels; of more, what reads or prints the content further on may run out of stack."""


def loads(data: bytes) -> Any:
    """The content. Raises ValueError for what is no JSON, for NaN and infinity, and for what is nested without end."""
    try:
        content = json.loads(data, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    level = [content]
    for _ in range(_DEEPEST):
        if not (level := [inner for outer in level for inner in _inside(outer)]):
            return content
    raise ValueError("nested too deep")


def _inside(content: Any) -> list[Any]:
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [each for each in inner if isinstance(each, dict | list)]


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"{text[:40]} is too large")
    return int(text)
