"""Which of a rollout's events a caption tells, and how: who strikes whom, how hard, whether again."""

from dataclasses import dataclass

import numpy as np

from kinebench.annotate.claim import Strength, Strikes
from kinebench.annotate.sighting import Sighting, gaps_m
from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.scene import Scene

# Below both, a touch changes nothing that anyone could see: with a friction of 0.2 the speed is spent in 2 mm.
FAINT_CLOSING_MPS = 0.08
FAINT_CHANGE_MPS = 0.08
# Lower bounds of "plain", "firm" and "hard". A collision gets the weaker of two grades: by closing speed, and by
# the change of velocity of the lighter body (normal impulse over its mass). Two equal bodies that stay together
# change by half their closing speed, hence the factor of two; drives of 0.5 to 1.5 m/s close at 0.3 to 1.3 m/s.
CLOSING_GRADES_MPS = (0.4, 0.85, 1.15)
CHANGE_GRADES_MPS = (0.2, 0.42, 0.57)
STRENGTHS: tuple[Strength, ...] = ("slight", "plain", "firm", "hard")
# Both approach if the slower one has at least this part of the faster one's approach, and is not creeping.
MUTUAL_SHARE, MUTUAL_MPS = 0.35, 0.12
# Glancing: the relative velocity is within about 27 degrees of the surface.
GLANCING_RATIO = 0.45
# A pair has parted visibly if it was this far apart, for this long, between two touches.
PARTED_M, PARTED_S = 0.02, 0.12


@dataclass(frozen=True)
class Touch:
    """A told event: its claim, and the last frame before it."""

    claim: Strikes
    frame: int

    def involves(self, identity: int) -> bool:
        """Whether the body is one of the two."""
        return identity in (self.claim.striker, self.claim.struck)

    def other(self, identity: int) -> int:
        """The one of the two that is not this body."""
        return self.claim.struck if identity == self.claim.striker else self.claim.striker


def touches(scene: Scene, rollout: Rollout, sightings: tuple[Sighting, ...], shown: tuple[int, ...]) -> list[Touch]:
    """The events that happen in view, are not faint, and are not the same collision going on, in order of time."""
    told: list[Touch] = []
    latest: dict[tuple[int, int], Event] = {}
    active = set(scene.driven)
    for event in rollout.events:
        pair = (event.a, event.b)
        if _faint(scene, event):
            continue
        frame = _frame_before(scene, event)
        struck_before = latest.get(pair)
        latest[pair] = event
        striker, mutual = _striker(rollout, event, frame, active)
        active.update(pair)
        if not set(pair) <= set(shown) or not _in_view(scene, sightings, event, frame):
            continue
        if struck_before is not None and not _parted(scene, sightings, struck_before, event):
            continue
        claim = Strikes(
            time_s=event.time_s,
            striker=striker,
            struck=event.b if striker == event.a else event.a,
            mutual=mutual,
            strength=strength_of(scene, event),
            glancing=_glancing(rollout, event, frame),
            again=any(touch.involves(event.a) and touch.involves(event.b) for touch in told),
        )
        told.append(Touch(claim, frame))
    return told


def strength_of(scene: Scene, event: Event) -> Strength:
    """How hard the collision is in a word: the weaker of its two grades."""
    closing = sum(event.closing_speed_mps >= bound for bound in CLOSING_GRADES_MPS)
    change = sum(_change_mps(scene, event) >= bound for bound in CHANGE_GRADES_MPS)
    return STRENGTHS[min(closing, change)]


def _change_mps(scene: Scene, event: Event) -> float:
    """Change of velocity of the lighter body by the normal impulse."""
    return event.impulse_ns / min(scene.bodies[event.a - 1].mass_kg, scene.bodies[event.b - 1].mass_kg)


def _faint(scene: Scene, event: Event) -> bool:
    return event.closing_speed_mps < FAINT_CLOSING_MPS and _change_mps(scene, event) < FAINT_CHANGE_MPS


def _frame_before(scene: Scene, event: Event) -> int:
    """The last frame strictly before first contact (or frame 0): its velocities are those before the collision."""
    return min(max(event.first_frame(scene.fps) - 1, 0), scene.frames - 1)


def _in_view(scene: Scene, sightings: tuple[Sighting, ...], event: Event, frame: int) -> bool:
    """Whether the point of contact is inside the image and neither body has left it."""
    (x, y), depth = scene.camera.project(np.array(event.point_m))
    inside = depth > 0 and 0 <= x <= scene.camera.width_px and 0 <= y <= scene.camera.height_px
    return bool(inside) and all(frame < sightings[i - 1].last_frame for i in (event.a, event.b))


def _parted(scene: Scene, sightings: tuple[Sighting, ...], earlier: Event, later: Event) -> bool:
    """Whether a gap between the two shows between two of their touches."""
    if later.time_s - earlier.end_s < PARTED_S:
        return False
    first, last = int(np.ceil(earlier.end_s * scene.fps)), int(later.time_s * scene.fps)
    gaps = gaps_m(sightings[later.a - 1], sightings[later.b - 1])[first : last + 1]
    return bool(gaps.size) and float(gaps.max()) >= PARTED_M


def _striker(rollout: Rollout, event: Event, frame: int, active: set[int]) -> tuple[int, bool]:
    """Who runs into whom just before the event: the striker's id, and whether both do.

    In a chain of touches within one frame nothing moves yet at the frame before; then whoever has been set in motion
    (is in `active`) strikes.
    """
    normal = np.array(event.normal)
    approach_a = -float(rollout.velocities_mps[frame, event.a - 1] @ normal)
    approach_b = float(rollout.velocities_mps[frame, event.b - 1] @ normal)
    fast, slow = max(approach_a, approach_b), min(approach_a, approach_b)
    if fast >= FAINT_CLOSING_MPS:
        striker = event.a if approach_a >= approach_b else event.b
        return striker, slow >= max(MUTUAL_MPS, MUTUAL_SHARE * fast)
    moving = [i for i in (event.a, event.b) if i in active]
    return (moving[0], False) if len(moving) == 1 else (event.a, True)


def _glancing(rollout: Rollout, event: Event, frame: int) -> bool:
    relative = rollout.velocities_mps[frame, event.a - 1] - rollout.velocities_mps[frame, event.b - 1]
    speed = float(np.linalg.norm(relative))
    return speed > FAINT_CLOSING_MPS and abs(float(relative @ np.array(event.normal))) < GLANCING_RATIO * speed
