"""What happened: poses and velocities at every frame, and one event per touch."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kinebench.scene.pose import Array
from kinebench.scene.scene import Scene, Vector

DECIMALS = 6
"""Numbers are kept to a millionth of their unit; everything is accepted, rendered and annotated as it is kept."""
_ROUNDED_S = 10.0**-DECIMALS
"""A time that is kept is less than this beside the true one; a step of the simulation is hundreds of times longer."""


@dataclass(frozen=True)
class Event:
    """Two objects touch: one row from first contact until they part."""

    time_s: float  # of first contact
    end_s: float  # of the last contact before they part, or before everything rests
    a: int  # object ids, a < b
    b: int
    impulse_ns: float  # normal impulse over the whole touch, newton seconds
    closing_speed_mps: float  # approach speed of the touching points along the normal, just before contact
    point_m: Vector  # world, first contact
    normal: Vector  # unit, world, from b to a

    def first_frame(self, fps: float) -> int:
        """The first frame that is not before first contact; it may be after the clip's last."""
        return math.ceil((self.time_s - _ROUNDED_S) * fps)


@dataclass(frozen=True)
class Rollout:
    """Motion at the F frame times k / fps, world frame. N objects in the scene's order."""

    positions_m: Array  # (F, N, 3)
    quaternions_wxyz: Array  # (F, N, 4)
    velocities_mps: Array  # (F, N, 3), instantaneous, of the centre of mass
    angular_velocities_radps: Array  # (F, N, 3), instantaneous
    events: tuple[Event, ...]  # in order of time
    penetration_m: float  # deepest overlap between two objects at any simulation step

    def rounded(self) -> "Rollout":
        """The rollout as it is stored."""
        arrays = ("positions_m", "quaternions_wxyz", "velocities_mps", "angular_velocities_radps")
        whole = {name: getattr(self, name).round(DECIMALS) + 0.0 for name in arrays}
        return replace(self, events=tuple(map(_rounded, self.events)), **whole)


def _rounded(event: Event) -> Event:
    def kept(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(kept, value))
        return round(float(value), DECIMALS) + 0.0 if isinstance(value, float) else value

    return Event(**{name: kept(value) for name, value in asdict(event).items()})


@dataclass(frozen=True)
class Moment:
    """A simulation as far as it has come. N objects in the scene's order, world frame."""

    frame: int
    positions_m: Array  # (N, 3)
    velocities_mps: Array  # (N, 3)
    touched: bool  # whether two objects have pressed on each other


def start(scene: Scene) -> Moment:
    """The moment before anything moves."""
    positions, velocities = ([getattr(body, name) for body in scene.bodies] for name in ("position_m", "velocity_mps"))
    return Moment(0, np.array(positions), np.array(velocities), touched=False)
