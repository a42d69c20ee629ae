"""Numbers of a study, for people."""

from collections.abc import Callable

NOTHING = "-"
MINUS = "\N{MINUS SIGN}"


def percent(value: float | None) -> str:
    """A share."""
    return NOTHING if value is None else f"{100 * value:.0f} %"


def number(value: float | None) -> str:
    """Two decimals."""
    return NOTHING if value is None else f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS)


def interval(low: float | None, high: float | None, said: Callable[[float | None], str]) -> str:
    """Both ends; nothing if there is none."""
    return "" if low is None or high is None else f"{said(low)} to {said(high)}"


def counted(count: int, one: str, more: str = "") -> str:
    """With its noun."""
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"
