"""Which objects may touch before the next frame: a bound from their poses and speeds, so that most need no look."""

from itertools import combinations

import numpy as np

from kinebench.scene.pose import Array
from kinebench.scene.sampler import footprint_radius_m
from kinebench.scene.scene import Body

Pair = tuple[int, int]

STRUCK_SPEED_UP = 3.0
"""An object that may be struck counts as this many times as fast as the fastest; a blow gives at most twice."""
SLACK_M = 0.02
"""What a body may come nearer by beside that, in a frame: by a fall, or as it starts to topple."""


def near_pairs(
    bodies: tuple[Body, ...],
    positions_m: Array,
    quaternions_wxyz: Array,
    velocities_mps: Array,
    spins_radps: Array,
    seconds: float,
) -> tuple[Pair, ...]:
    """Pairs (a, b), a < b, of places in `bodies` that may touch within `seconds`; no other pair can.

    Poses and speeds (N, ...) are those now. Objects that may be struck on the way count as being fast themselves.
    """
    pairs = list(combinations(range(len(bodies)), 2))
    reach_m = _reach_m(bodies, quaternions_wxyz)
    spheres_m = np.linalg.norm([body.size_m for body in bodies], axis=-1) / 2
    speeds = np.linalg.norm(velocities_mps, axis=-1) + np.linalg.norm(spins_radps, axis=-1) * spheres_m
    apart_m = {
        (a, b): float(np.hypot(*(positions_m[a] - positions_m[b])[:2]) - reach_m[a] - reach_m[b]) for a, b in pairs
    }
    struck_mps = STRUCK_SPEED_UP * float(speeds.max())
    near: tuple[Pair, ...] = ()
    while True:
        found = tuple((a, b) for a, b in pairs if apart_m[a, b] <= (speeds[a] + speeds[b]) * seconds + SLACK_M)
        if found == near:
            return near
        near = found
        speeds[list({body for pair in near for body in pair})] = struck_mps


def _reach_m(bodies: tuple[Body, ...], quaternions_wxyz: Array) -> Array:
    """Radius (N,) of a circle about each body's centre, seen from above, that holds the body."""
    w, x, y, z = quaternions_wxyz.T
    lean = np.hypot(2 * (x * z + w * y), 2 * (y * z - w * x))
    circles_m = np.array([footprint_radius_m(body) for body in bodies])
    reach: Array = circles_m + lean * np.array([body.size_m[2] for body in bodies]) / 2
    return reach
