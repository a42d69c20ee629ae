"""JSON from files that strangers may have written: finite numbers of a sane length, or ValueError."""

import json
import math
from typing import Any

_LONGEST_NUMBER = 40
"""Digits; what is longer overflows somewhere further on."""


def loads(data: bytes) -> Any:
    """The content. Raises ValueError for what is no JSON, for NaN and infinity, and for what is nested without end."""
    try:
        return json.loads(data, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


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
