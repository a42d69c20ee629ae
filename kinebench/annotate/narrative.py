"""Scene + Rollout -> Narrative: the facts that a person watching the clip would tell, as typed claims.

A body's clip is cut into phases at the collisions it takes part in; each phase yields what the body visibly does in
it. Every threshold is in pixels of an image `REFERENCE_WIDTH_PX` wide and is scaled to the camera's width: what
nobody would see is not told.
"""

from dataclasses import dataclass, replace

import numpy as np

from kinebench.annotate.claim import (
    Claim,
    Effect,
    Extent,
    KeepsMoving,
    Leaves,
    Moves,
    Narrative,
    Passes,
    Reacts,
    Stops,
    Thing,
    Topples,
)
from kinebench.annotate.collision import Touch, touches
from kinebench.annotate.naming import Reference, references
from kinebench.annotate.place import direction_of, place_at
from kinebench.annotate.sighting import Sighting, gaps_m, sight
from kinebench.physics.rollout import Rollout
from kinebench.scene.pose import Array
from kinebench.scene.scene import Scene

REFERENCE_WIDTH_PX = 720  # the paper's clips
# Stationary throughout: no corner strays this far, about the width of an object's outline in the picture.
STILL_PX = 4.0
# A shift smaller than this escapes who does not look for it (a tenth of a typical object): nobody says it moves.
SHIFT_PX = 8.0
# From here on a body moves; between the two it is nudged. A quarter of a typical object.
MOVE_PX = 20.0
# A move up to here, half a typical object, is "slightly"; one over this part of the width, "across the frame".
SLIGHT_PX, FAR_WIDTHS = 45.0, 0.5
# At rest: centre and corners stay this close to their last positions until the end, for at least this long.
REST_CENTRE_PX, REST_MARK_PX, REST_S = 2.5, 5.0, 0.2
# Still moving: the centre gets this far in the last quarter of a second.
GOING_PX, GOING_S = 6.0, 0.25
# A body cannot be said to stay, or to stop at once, unless it is seen for this long after the collision.
OBSERVED_S = 0.4
# It stops at once if it comes to rest within this time.
HALT_S = 0.4
MOVING_MPS = 0.08  # slower than this before a collision counts as standing still
# Angles between the motion before and after a collision: below the first it continues, above the second rebounds.
CONTINUES_RAD, REBOUNDS_RAD = np.radians(35), np.radians(110)
# A cube turned by this much looks turned; by this much it spins.
TURNED_RAD, SPINS_RAD = np.radians(25), np.radians(60)
UPRIGHT_RAD, TOPPLED_RAD = np.radians(15), np.radians(60)
# Heading for a body: towards its centre to within this angle on the ground. Wide, since bodies have width.
HEADING_RAD = np.radians(32)
# Gaps at which a body passes close to another (about an object's width) and misses it narrowly (a quarter of that);
# going past means to come nearer, and to part again, by more than the third.
PASS_M, NEAR_MISS_M, PARTS_M = 0.15, 0.06, 0.05
DEPTH_APART_M = 0.05  # which of two is in front is plain from this difference of depth on
BESIDE_M = 0.1  # the gap at which one body stands next to another


@dataclass(frozen=True)
class _View:
    """Everything the claims are read from."""

    scene: Scene
    rollout: Rollout
    sightings: tuple[Sighting, ...]
    shown: tuple[int, ...]  # ids
    touches: tuple[Touch, ...]

    @property
    def scale(self) -> float:
        return self.scene.camera.width_px / REFERENCE_WIDTH_PX

    def sighting(self, identity: int) -> Sighting:
        return self.sightings[identity - 1]

    def seconds(self, frames: int) -> float:
        return frames / self.scene.fps


@dataclass(frozen=True)
class _Phase:
    """A body's clip between two collisions: frames `first` to `last`, both included."""

    body: int
    first: int
    last: int
    before: Touch | None
    after: Touch | None


def narrate(scene: Scene, rollout: Rollout) -> Narrative:
    """The narrative of one clip. Bodies that do not show at frame 0 have no part in it."""
    sightings = sight(scene, rollout)
    shown = tuple(i for i, sighting in enumerate(sightings, 1) if sighting.edges[0] is None)
    view = _View(scene, rollout, sightings, shown, tuple(touches(scene, rollout, sightings, shown)))
    claims: list[Claim] = [touch.claim for touch in view.touches]
    for identity in shown:
        claims += _claims_of(view, identity)
    named = references(scene, sightings, shown)
    things = tuple(_thing(view, identity, named[identity]) for identity in shown)
    still = tuple(i for i in shown if _stands_still(view, i))
    return Narrative(scene.ground.phrase, things, tuple(sorted(claims, key=lambda claim: claim.time_s)), still)


def _thing(view: _View, identity: int, reference: Reference) -> Thing:
    body = view.scene.bodies[identity - 1]
    place = place_at(view.sighting(identity).centres_px[0], view.scene.camera)
    return Thing(identity, body.colour, body.shape, reference.text, reference.rank, place, body.driven)


def _stands_still(view: _View, identity: int) -> bool:
    sighting = view.sighting(identity)
    return sighting.travel_px(0, len(sighting.edges) - 1) < STILL_PX * view.scale


def _claims_of(view: _View, identity: int) -> list[Claim]:
    phases = _phases(view, identity)
    claims: list[Claim] = []
    for phase in phases:
        passes = _passes(view, phase)
        told = _moves(view, phase, passes) if phase.before is None else _reacts(view, phase)
        claims += [claim for claim in (told, passes) if claim is not None]
    topples = _topples(view, identity)
    return claims + ([topples] if topples else []) + _ending(view, phases)


def _phases(view: _View, identity: int) -> list[_Phase]:
    """The phases of a body, in order; the last ends where the body leaves or the clip ends."""
    mine = [touch for touch in view.touches if touch.involves(identity)]
    last = view.sighting(identity).last_frame
    starts = [0, *(touch.frame for touch in mine)]
    ends = [*(touch.frame for touch in mine), last]
    return [
        _Phase(identity, start, max(start, end), before, after)
        for start, end, before, after in zip(starts, ends, [None, *mine], [*mine, None], strict=True)
    ]


def _displacement_px(view: _View, phase: _Phase) -> Array:
    centres_px = view.sighting(phase.body).centres_px
    displacement: Array = centres_px[phase.last] - centres_px[phase.first]
    return displacement


def _moves(view: _View, phase: _Phase, passes: Passes | None) -> Moves | None:
    displacement = _displacement_px(view, phase)
    length = float(np.linalg.norm(displacement))
    if length < SHIFT_PX * view.scale:
        return None
    target = None
    if phase.after is not None and (phase.after.claim.striker == phase.body or phase.after.claim.mutual):
        target = phase.after.other(phase.body)
    elif phase.after is None and passes is not None and passes.close:
        target = passes.other
    if target is not None and not _heads_for(view, phase.body, target):
        target = None
    extent: Extent = "plain"
    if length < SLIGHT_PX * view.scale and phase.after is None:
        extent = "slight"
    elif length > FAR_WIDTHS * view.scene.camera.width_px:
        extent = "far"
    return Moves(view.seconds(phase.first), phase.body, direction_of(displacement), extent, target)


def _heads_for(view: _View, identity: int, target: int) -> bool:
    """Whether the body's first velocity points at where the target is at the start."""
    velocity = view.rollout.velocities_mps[0, identity - 1, :2]
    line = view.rollout.positions_m[0, target - 1, :2] - view.rollout.positions_m[0, identity - 1, :2]
    return bool(_angle_rad(velocity, line) < HEADING_RAD)


def _angle_rad(a: Array, b: Array) -> float:
    product = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.arccos(np.clip(a @ b / product, -1, 1))) if product > 0 else float(np.pi)


def _reacts(view: _View, phase: _Phase) -> Reacts | None:
    """What the collision that begins this phase does to the body; None if there is nothing certain to see."""
    assert phase.before is not None
    displacement = _displacement_px(view, phase)
    length = float(np.linalg.norm(displacement)) / view.scale
    velocity = view.rollout.velocities_mps[phase.first, phase.body - 1]
    if float(np.linalg.norm(velocity[:2])) >= MOVING_MPS:
        effect = _effect_on_moving(view, phase, length)
    else:
        effect = _effect_on_still(view, phase, length)
    if effect is None:
        return None
    sighting = view.sighting(phase.body)
    yaw = abs(float(sighting.yaws_rad[phase.last] - sighting.yaws_rad[phase.first]))
    return Reacts(
        time_s=phase.before.claim.time_s,
        body=phase.body,
        other=phase.before.other(phase.body),
        effect=effect,
        direction=None if effect in ("turned", "unmoved", "halts") else direction_of(displacement),
        slight=length < SLIGHT_PX and phase.after is None,
        spins=_turns_visibly(view, phase) and yaw >= SPINS_RAD,
    )


def _effect_on_still(view: _View, phase: _Phase, length: float) -> Effect | None:
    """`length` is the displacement in pixels of the reference width."""
    sighting = view.sighting(phase.body)
    if length >= MOVE_PX:
        return "pushed"
    if length >= SHIFT_PX:
        return "nudged" if phase.after is None else None
    yaw = abs(float(sighting.yaws_rad[phase.last] - sighting.yaws_rad[phase.first]))
    if _turns_visibly(view, phase) and yaw >= TURNED_RAD:
        return "turned"
    seen = view.seconds(phase.last - phase.first) >= OBSERVED_S
    return "unmoved" if seen and sighting.travel_px(phase.first, phase.last) < SHIFT_PX * view.scale else None


def _effect_on_moving(view: _View, phase: _Phase, length: float) -> Effect | None:
    """`length` is the displacement in pixels of the reference width."""
    before = _pixel_velocity(view, phase)
    turned = _angle_rad(before, _displacement_px(view, phase))
    if length >= SHIFT_PX and turned > REBOUNDS_RAD:
        return "rebounds"
    if length >= MOVE_PX:
        return "continues" if turned < CONTINUES_RAD else "deflected"
    rest = _rest_frame(view, phase.body)
    stops = phase.after is None and rest is not None and view.seconds(rest - phase.first) <= HALT_S
    return "halts" if stops and view.seconds(phase.last - phase.first) >= OBSERVED_S else None


def _pixel_velocity(view: _View, phase: _Phase) -> Array:
    """Direction (2,) in which the centre moves in the image at the phase's first frame."""
    position = view.rollout.positions_m[phase.first, phase.body - 1]
    step = view.rollout.velocities_mps[phase.first, phase.body - 1] * 0.01
    pixels, _ = view.scene.camera.project(np.stack([position, position + step]))
    velocity: Array = pixels[1] - pixels[0]
    return velocity


def _turns_visibly(view: _View, phase: _Phase) -> bool:
    """Only a cube that stays upright shows a turn about the vertical."""
    upright = float(view.sighting(phase.body).tilts_rad[phase.first : phase.last + 1].max()) < UPRIGHT_RAD
    return view.scene.bodies[phase.body - 1].shape == "cube" and upright


def _rest_frame(view: _View, identity: int) -> int | None:
    """The frame from which the body is at rest to the end; None if it is not, long enough to tell, or has left."""
    sighting = view.sighting(identity)
    if sighting.leaves_at is not None:
        return None
    drift = np.linalg.norm(sighting.centres_px - sighting.centres_px[-1], axis=-1) >= REST_CENTRE_PX * view.scale
    turn = np.linalg.norm(sighting.marks_px - sighting.marks_px[-1], axis=-1).max(axis=-1)
    restless = np.flatnonzero(drift | (turn >= REST_MARK_PX * view.scale))
    frame = int(restless[-1]) + 1 if restless.size else 0
    return frame if view.seconds(len(drift) - 1 - frame) >= REST_S else None


def _passes(view: _View, phase: _Phase) -> Passes | None:
    """The closest pass of this phase by a body that stands still and that the body never touches."""
    if float(np.linalg.norm(_displacement_px(view, phase))) < MOVE_PX * view.scale:
        return None
    met = {frozenset((event.a, event.b)) for event in view.rollout.events}
    found: list[tuple[float, Passes]] = []
    for other in view.shown:
        if other == phase.body or {phase.body, other} in met:
            continue
        if view.sighting(other).travel_px(phase.first, phase.last) < SHIFT_PX * view.scale:
            found += _pass_by(view, phase, other)
    return min(found, key=lambda item: item[0])[1] if found else None


def _pass_by(view: _View, phase: _Phase, other: int) -> list[tuple[float, Passes]]:
    """The gap in metres and the claim, if the body goes past `other`; else nothing."""
    span = slice(phase.first, phase.last + 1)
    mine, its = view.sighting(phase.body), view.sighting(other)
    gaps = gaps_m(mine, its)[span]
    nearest = int(gaps.argmin())
    gap = float(gaps[nearest])
    if gap < 0 or min(gaps[0], gaps[-1]) - gap < PARTS_M:
        return []
    claim = Passes(view.seconds(phase.first + nearest), phase.body, other, "close to", gap < NEAR_MISS_M)
    crossing = _crossing_frame(mine, its, span)
    if crossing is not None:
        nearer = mine.depths_m[crossing] < its.depths_m[crossing]
        claim = replace(claim, manner="in front of" if nearer else "behind")
    return [(gap, claim)] if gap < PASS_M or crossing is not None else []


def _crossing_frame(mine: Sighting, its: Sighting, span: slice) -> int | None:
    """The frame at which the body is level with the other, if it crosses it from side to side and they overlap."""
    offsets = mine.centres_px[span, 0] - its.centres_px[span, 0]
    reach = 0.5 * float(its.boxes_px[span.start, 2] - its.boxes_px[span.start, 0])
    if offsets[0] * offsets[-1] >= 0 or min(abs(offsets[0]), abs(offsets[-1])) < reach:
        return None
    frame = span.start + int(np.abs(offsets).argmin())
    top = max(mine.boxes_px[frame, 1], its.boxes_px[frame, 1])
    bottom = min(mine.boxes_px[frame, 3], its.boxes_px[frame, 3])
    apart = abs(float(mine.depths_m[frame] - its.depths_m[frame])) > DEPTH_APART_M
    return frame if bottom > top and apart else None


def _topples(view: _View, identity: int) -> Topples | None:
    """Whether the body, upright at the start, lies at the end of what is seen of it."""
    sighting = view.sighting(identity)
    tilts = sighting.tilts_rad[: sighting.last_frame + 1]
    lying = np.minimum(tilts, np.pi - tilts) if view.scene.bodies[identity - 1].shape == "cylinder" else tilts
    if lying[-1] < TOPPLED_RAD:
        return None
    upright = np.flatnonzero(lying < TOPPLED_RAD)
    fallen = int(upright[-1]) + 1 if upright.size else 0
    on = float(np.linalg.norm(sighting.centres_px[sighting.last_frame] - sighting.centres_px[fallen]))
    cylinder = view.scene.bodies[identity - 1].shape == "cylinder"
    return Topples(view.seconds(fallen), identity, cylinder and on >= SLIGHT_PX * view.scale)


def _ending(view: _View, phases: list[_Phase]) -> list[Claim]:
    """How the body ends: leaves, stops, or keeps moving; nothing for one that never clearly moves."""
    identity = phases[-1].body
    sighting = view.sighting(identity)
    if sighting.leaves_at is not None:
        edge = sighting.edges[sighting.leaves_at]
        assert edge is not None
        return [Leaves(view.seconds(sighting.leaves_at), identity, edge)]
    farthest = max(float(np.linalg.norm(_displacement_px(view, phase))) for phase in phases)
    if farthest < (SHIFT_PX if view.scene.bodies[identity - 1].driven else MOVE_PX) * view.scale:
        return []
    rest = _rest_frame(view, identity)
    if rest is not None:
        place = place_at(sighting.centres_px[-1], view.scene.camera)
        return [Stops(view.seconds(rest), identity, place, _beside(view, identity, rest))]
    last = len(sighting.edges) - 1
    drift = sighting.centres_px[last] - sighting.centres_px[max(last - round(GOING_S * view.scene.fps), 0)]
    if float(np.linalg.norm(drift)) < GOING_PX * view.scale:
        return []
    return [KeepsMoving(view.seconds(last), identity, direction_of(drift))]


def _beside(view: _View, identity: int, rest: int) -> int | None:
    """The nearest body that is close both when this one comes to rest and at the end."""
    gaps = {
        other: float(gaps_m(view.sighting(identity), view.sighting(other))[[rest, -1]].max())
        for other in view.shown
        if other != identity and view.sighting(other).leaves_at is None
    }
    close = {other: gap for other, gap in gaps.items() if gap < BESIDE_M}
    return min(close, key=lambda other: close[other]) if close else None
