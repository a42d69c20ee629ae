"""What happened: poses and velocities at every frame, and one event per touch."""

from dataclasses import dataclass, replace

import numpy as np

from kinebench.scene.pose import Array
from kinebench.scene.scene import Scene, Vector

DECIMALS = 6
"""Poses and velocities are kept to a micrometre; everything is accepted, rendered and annotated as it is kept."""


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
        return replace(self, **{name: getattr(self, name).round(DECIMALS) + 0.0 for name in arrays})


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
