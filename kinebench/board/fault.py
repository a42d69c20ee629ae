"""What is wrong with a submission: one of all the problems that the validator reports at once."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "notice"]


@dataclass(frozen=True)
class Fault:
    """One problem, where it is, and what to do about it."""

    what: str  # such as "has 48 frames, not 49"
    remedy: str
    level: Level = "error"  # a notice is for readers, and keeps nobody off the board
    sample: str | None = None  # key of the clip
    seed: int | None = None
    file: str | None = None  # in the submission, relative
