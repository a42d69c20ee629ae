"""Numbers and names of an ablation, for people."""

from kinebench.ablations.results import Column, PairResult
from kinebench.ablations.table import Row

NOTHING = "-"
MINUS = "\N{MINUS SIGN}"
ARROWS = {"lower": "↓", "higher": "↑"}
NAMES = {
    "mse": "MSE",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "fvd": "FVD",
    "fvmd": "FVMD",
    "fvmd_lk": "FVMD by Lucas-Kanade",
    "iou": "IoU",
    "iou_sam2": "IoU by SAM2",
    "iou_flow": "IoU by flow",
    "trajectory_diameters": "trajectory error",
    "velocity_error": "velocity error",
}
"""Metrics and the paper's columns, where a name says more than its letters."""
WORDS = {
    "c0": "“An object moving on a surface”, whatever happens",
    "c_infer": "what the first frame and its velocities let expect",
    "c": "a caption of the clip, which tells the outcome",
}
"""What a prompt is."""
_LEAST_P = 0.001


def metric(name: str) -> str:
    """A metric or a column of the paper."""
    return NAMES.get(name, name.replace("_", " "))


def direction(column: Column) -> str:
    """Which values are better, and of what unit they are."""
    return f"{f'{column.unit}, ' if column.unit else ''}{column.better} is better"


def number(value: float | None, signed: bool = False) -> str:
    """About four digits."""
    if value is None:
        return NOTHING
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3
    text = f"{round(value, digits) + 0.0:{'+' if signed else ''},.{digits}f}"  # no minus before zero
    return text.replace("-", MINUS)


def interval(low: float | None, high: float | None, signed: bool = False) -> str:
    """Both ends; nothing if there is none."""
    return "" if low is None or high is None else f"{number(low, signed)} to {number(high, signed)}"


def probability(p: float | None) -> str:
    """A p with two digits, above a least one."""
    if p is None:
        return NOTHING
    return f"< {_LEAST_P}" if p < _LEAST_P else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def duration(seconds: float) -> str:
    """Two digits or so of the unit that fits."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}" if seconds < 20 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def steps(count: int) -> str:
    """How long a branch was trained."""
    return f"{count:,}" if count else NOTHING


def told(row: Row) -> str:
    """Of which frames a row is told velocities."""
    if row.training is None:
        return "none"
    return "all frames" if row.told == "all" else "first frame"


def reported(value: float | None, signed: bool = False) -> str:
    """A number of the paper, with the digits that it has there."""
    if value is None:
        return NOTHING
    digits = 1 if abs(value) >= 1 else 3
    return f"{value:{'+' if signed else ''},.{digits}f}".replace("-", MINUS)


def verdict(pair: PairResult, column: Column) -> str:
    """Which row is better by a metric, if that is clear."""
    better = pair.differences[column.name].better
    return better if better == "not clear" else pair.labels[better == "second"]
