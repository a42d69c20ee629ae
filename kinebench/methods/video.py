"""What a method gives back: its frames as it made them, when they are, and where they lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.methods.placement import SAME, Placement


@dataclass(frozen=True)
class Fps:
    """Frame i is at i / fps seconds, in the clip's own time."""

    fps: float


@dataclass(frozen=True)
class Span:
    """The frames are spread evenly from the clip's first moment to its last, whatever rate they are played at."""


@dataclass(frozen=True, eq=False)
class Video:
    """As the model made it: n frames of h by w pixels.

    As many frames as the clip has are taken one for one, whatever `timing` says.
    """

    frames: NDArray[np.uint8] = field(repr=False)  # (n, h, w, 3) RGB
    timing: Fps | Span = Span()
    placement: Placement = SAME  # of these pixels on those of the condition that the method was given
    facts: Mapping[str, Any] = field(default_factory=dict)  # plain JSON: a truncated prompt, a saturated force, ...
