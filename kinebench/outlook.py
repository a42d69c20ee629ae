"""What a candidate can no longer become, told from its state before anything is struck, without simulating on.

Until it touches something, a driven object slides straight and slows by mu g. Bullet departs from that by at most
`DRIFT_SHARE` of the way and `DRIFT_M`, so whatever holds for every path within those bounds holds for Bullet's: a
candidate is rejected here only if `kinebench.acceptance` would reject it after simulating it to its end.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from kinebench import rejection
from kinebench.physics.bullet import GRAVITY_MPS2, REST_SPEED_MPS
from kinebench.physics.rollout import Moment
from kinebench.recipe import Acceptance
from kinebench.rejection import Wish
from kinebench.scene.pose import Array
from kinebench.scene.scene import Body, Scene

DRIFT_SHARE, DRIFT_M = 0.15, 0.005
"""Measured on 6,900 driven objects of the built-in recipes: at most 11 % of the way and 5 mm, mostly 1 %."""
TURN_M = 0.002
"""By how much a sliding object's outline leaves the one it started with: it turns by at most 0.005 rad."""
TOPPLE_SHARE = 0.8
"""Above this share of the friction that topples it, an object is not foretold."""
PATH_SHARE, PATH_PX = 0.2, 3.0
"""How much longer a path in the image may be than foretold."""
STEPS_A_FRAME = 4
DIRECTIONS = 32
RIM_POINTS = 24
_ANGLES = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
_NORMALS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])


@dataclass(frozen=True)
class _Slide:
    """Where a body's centre is until it touches something, at T times `STEPS_A_FRAME` a frame."""

    body: Body
    speed_mps: float
    ways_m: Array  # (T, 2), on the ground
    drifts_m: Array  # (T,), how far it may be from there

    @property
    def moves(self) -> bool:
        return self.speed_mps > REST_SPEED_MPS

    @cached_property
    def outline_m(self) -> Array:
        """Corners or rim points (P, 2) of a polygon about the centre that holds the footprint."""
        x, y, _ = self.body.size_m
        if self.body.shape == "cylinder":
            angles = np.arange(RIM_POINTS) * (2 * np.pi / RIM_POINTS)
            circle: Array = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * x / 2 / np.cos(np.pi / RIM_POINTS)
            return circle
        turn = np.array([np.cos(self.body.yaw_rad), np.sin(self.body.yaw_rad)])
        across = np.array([-turn[1], turn[0]])
        return np.array([i * x / 2 * turn + j * y / 2 * across for i in (-1, 1) for j in (-1, 1)])

    @cached_property
    def span_m(self) -> tuple[Array, Array]:
        """Nearest and farthest of the outline along each direction, (DIRECTIONS,) both."""
        along = self.outline_m @ _NORMALS
        return along.min(axis=0), along.max(axis=0)

    @property
    def core_m(self) -> float:
        """Radius of a disc about the centre that the footprint always holds."""
        return min(self.body.size_m[:2]) / 2


def doomed(rule: Acceptance, wish: Wish, scene: Scene, moment: Moment) -> str | None:
    """The rule that will reject a candidate, or None if that cannot be told at this moment."""
    if _has_left(rule, scene, moment):
        return rejection.leaves_view(rule)
    if moment.touched:
        return rejection.touch(wish) if wish in ("no contact", "near miss") else None
    if _may_topple(scene):
        return None
    slides = [_slide(scene, moment, i) for i in range(len(scene.bodies))]
    gaps_m = _gaps_m(slides, scene.fps)
    free = gaps_m > 0  # (T,), nothing can touch anything up to here
    if free.all():
        if wish == "strike":
            return rejection.nothing_struck(rule)
        if wish == "near miss" and moment.frame == 0 and gaps_m.min() > rule.near_miss_m:
            return rejection.no_near_miss(rule)
    elif wish in ("no contact", "near miss") and _surely_touch(slides):
        return rejection.touch(wish)
    frames = len(free) if free.all() else int(free.argmin())
    moving = [slide for slide in slides if slide.moves]
    if any(_leaves_view(rule, scene, slide, frames) for slide in moving):
        return rejection.leaves_view(rule)
    if free.all() and moment.frame == 0 and any(_falls_short(rule, scene, slide) for slide in moving):
        return rejection.short_path(rule)
    return None


def _has_left(rule: Acceptance, scene: Scene, moment: Moment) -> bool:
    """Whether the centre of a driven object is outside the image, or too near its edge."""
    px, _ = scene.camera.project(moment.positions_m[[i - 1 for i in scene.driven]])
    low, high = rule.border_px, np.array([scene.camera.width_px, scene.camera.height_px]) - rule.border_px
    return bool(np.any(px < low) or np.any(px > high))


def _may_topple(scene: Scene) -> bool:
    """Whether friction may tip a driven object over, so that it does not just slide."""
    return any(
        body.friction * scene.ground.friction * body.size_m[2] > TOPPLE_SHARE * min(body.size_m[:2])
        for body in scene.bodies
        if body.driven
    )


def _slide(scene: Scene, moment: Moment, place: int) -> _Slide:
    body = scene.bodies[place]
    steps = (scene.frames - 1 - moment.frame) * STEPS_A_FRAME
    seconds = np.arange(steps + 1) / (scene.fps * STEPS_A_FRAME)
    velocity = moment.velocities_mps[place, :2]
    speed = float(np.linalg.norm(velocity))
    here = moment.positions_m[place, :2]
    if speed <= REST_SPEED_MPS:
        return _Slide(body, speed, np.tile(here, (len(seconds), 1)), np.zeros(len(seconds)))
    slowing = body.friction * scene.ground.friction * GRAVITY_MPS2
    moving = np.minimum(seconds, speed / slowing) if slowing > 0 else seconds
    length = speed * moving - slowing * moving**2 / 2
    return _Slide(body, speed, here + length[:, None] * velocity / speed, DRIFT_SHARE * length + DRIFT_M)


def _gaps_m(slides: list[_Slide], fps: int) -> Array:
    """A lower bound (T,) of the smallest gap between a moving body and any other; infinite if nothing moves."""
    gaps = np.full(len(slides[0].ways_m), np.inf)
    for a, b in combinations(slides, 2):
        if a.moves or b.moves:
            along = (b.ways_m - a.ways_m) @ _NORMALS + b.span_m[0] - a.span_m[1]
            between = (a.speed_mps + b.speed_mps) / (fps * STEPS_A_FRAME) / 2  # what is nearest between two steps
            gaps = np.minimum(gaps, along.max(axis=1) - a.drifts_m - b.drifts_m - between - TURN_M)
    return gaps


def _surely_touch(slides: list[_Slide]) -> bool:
    """Whether two bodies would overlap on every path: then they, or others before them, touch."""
    for a, b in combinations(slides, 2):
        apart = np.linalg.norm(b.ways_m - a.ways_m, axis=-1) + a.drifts_m + b.drifts_m + TURN_M
        if (apart < a.core_m + b.core_m).any():
            return True
    return False


def _leaves_view(rule: Acceptance, scene: Scene, slide: _Slide, steps: int) -> bool:
    """Whether a part of the body is too near the image's edge, or beyond, at a frame among the first `steps`."""
    at = np.arange(0, steps, STEPS_A_FRAME)
    reach_m = slide.core_m - slide.drifts_m[at, None]  # beyond where it is thought to be, wherever it really is
    edges, offsets = _edges(rule, scene)
    slopes = np.linalg.norm(edges[:, :2], axis=1)
    for height_m in (0.0, slide.body.size_m[2]):
        inside = slide.ways_m[at] @ edges[:, :2].T + edges[:, 2] * height_m + offsets
        if np.any(inside < slopes * reach_m):
            return True
    return False


def _edges(rule: Acceptance, scene: Scene) -> tuple[Array, Array]:
    """Planes (4, 3) and offsets (4,): plane @ point + offset is negative where a point is beyond an edge of the image.

    The image ends `border_px` before its edges.
    """
    camera = scene.camera
    f, x, y = camera.focal_px, camera.width_px / 2 - rule.border_px, camera.height_px / 2 - rule.border_px
    planes = np.array([[f, 0, x], [-f, 0, x], [0, f, y], [0, -f, y]])
    return planes @ camera.rotation_array, planes @ np.array(camera.translation_m)


def _falls_short(rule: Acceptance, scene: Scene, slide: _Slide) -> bool:
    heights = np.full((len(slide.ways_m), 1), slide.body.size_m[2] / 2)
    px, _ = scene.camera.project(np.concatenate([slide.ways_m, heights], axis=-1))
    length = float(np.linalg.norm(np.diff(px, axis=0), axis=-1).sum())
    return length * (1 + PATH_SHARE) + PATH_PX < rule.min_path_px
