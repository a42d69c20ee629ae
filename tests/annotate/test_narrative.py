"""Claims of scripted clips, one kind at a time, and what must hold of any clip."""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from kinebench.annotate.claim import KeepsMoving, Leaves, Moves, Passes, Reacts, Stops, Strikes, Topples
from kinebench.annotate.narrative import narrate
from kinebench.annotate.place import DIRECTIONS
from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.camera import look_at
from kinebench.scene.scene import Scene

spec = importlib.util.spec_from_file_location("tabletop", Path(__file__).with_name("tabletop.py"))
tabletop = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tabletop)

# Image right is world x, image up is world y.
CAMERA = look_at(
    np.array([0.0, -2.2, 1.6]), np.array([0.0, 0.0, 0.1]), width_px=720, height_px=480, field_of_view_rad=0.87
)
F, FPS, EDGE = 49, 24, 0.2
TIMES = np.arange(F) / FPS


def cube(colour, x, y, velocity=(0.0, 0.0), mass=1.0):
    return tabletop.body("cube", colour, (EDGE,) * 3, (x, y), velocity, mass=mass)


def cylinder(colour, x, y, velocity=(0.0, 0.0)):
    return tabletop.body("cylinder", colour, (EDGE, EDGE, 0.3), (x, y), velocity)


def clip(bodies, paths=None, events=(), tilts=None, yaws=None, camera=CAMERA):
    """A scene and the rollout in which body i moves along `paths[i]`, (F, 2); the others stand."""
    scene = tabletop.scene(bodies, camera, frames=F, fps=FPS)
    positions = np.tile([body.position_m for body in bodies], (F, 1, 1)).astype(float)
    quaternions = np.zeros((F, len(bodies), 4))
    quaternions[..., 0] = 1
    for i, path in (paths or {}).items():
        positions[:, i, :2] = path
    for i, angle in (tilts or {}).items():
        quaternions[:, i, 0], quaternions[:, i, 1] = np.cos(angle / 2), np.sin(angle / 2)
    for i, angle in (yaws or {}).items():
        quaternions[:, i, 0], quaternions[:, i, 3] = np.cos(angle / 2), np.sin(angle / 2)
    velocities = np.gradient(positions, 1 / FPS, axis=0)
    return scene, Rollout(positions, quaternions, velocities, np.zeros_like(positions), tuple(events), 0.0)


def line(start, end, begin_s=0.0, end_s=1.0):
    """A path (F, 2) that runs evenly from start to end between two times."""
    share = np.clip((TIMES - begin_s) / (end_s - begin_s), 0, 1)[:, None]
    return np.array(start) + share * (np.array(end) - np.array(start))


def touch(time_s, a, b, point, normal, closing=0.6, impulse=0.5, end_s=None):
    return Event(time_s, end_s or time_s + 0.01, a, b, impulse, closing, (*point, 0.1), (*normal, 0.0))


def claims(kind, *arguments, **options):
    return [claim for claim in narrate(*clip(*arguments, **options)).claims if isinstance(claim, kind)]


def ground_at(pixel, height=EDGE / 2):
    """The point (2,) at this height that projects to a pixel."""
    ray = CAMERA.rays(*pixel)
    return (CAMERA.position_m + ray * (height - CAMERA.position_m[2]) / ray[2])[:2]


@pytest.mark.parametrize("index", range(8))
@pytest.mark.parametrize("turn_rad", [-0.3, 0.0, 0.3])
def test_eight_directions_of_the_image(index, turn_rad):
    angle = index * np.pi / 4 + turn_rad
    centre = np.array([360.0, 240.0])
    start, end = ground_at(centre), ground_at(centre + 90 * np.array([np.cos(angle), -np.sin(angle)]))
    (move,) = claims(Moves, [cube("red", *start, end - start)], {0: line(start, end)})
    assert move.direction == DIRECTIONS[index]


@pytest.mark.parametrize(
    ("pixels", "moves", "still", "extent"),
    [
        (2, 0, True, None),
        (6, 0, False, None),
        (20, 1, False, "slight"),
        (90, 1, False, "plain"),
        (380, 1, False, "far"),
    ],
)
def test_what_nobody_sees_is_not_told(pixels, moves, still, extent):
    start, end = ground_at((330.0, 240.0)), ground_at((330.0 + pixels, 240.0))
    narrative = narrate(*clip([cube("red", *start, end - start)], {0: line(start, end)}))
    told = [claim for claim in narrative.claims if isinstance(claim, Moves)]
    assert len(told) == moves
    assert (narrative.stationary == (1,)) is still
    assert [claim.extent for claim in told] == [extent] * moves


def test_a_cube_that_only_turns_is_not_stationary_but_a_cylinder_is():
    turn = np.linspace(0, 1.2, F)
    narrative = narrate(*clip([cube("red", -0.4, 0), cylinder("blue", 0.4, 0)], yaws={0: turn, 1: turn}))
    assert narrative.stationary == (2,)


def collision(closing=0.6, impulse=0.5, after=0.5, back=0.0, **event):
    """A red cube runs right into a blue one at 1 s; the blue one goes on by `after`, the red one by `-back`."""
    bodies = [cube("red", -0.6, 0, (0.4, 0)), cube("blue", 0.0, 0)]
    red = line((-0.6, 0), (-EDGE, 0)) + line((0, 0), (-back, 0), 1.0, 1.5)
    blue = line((0, 0), (after, 0), 1.0, 1.5)
    return bodies, {0: red, 1: blue}, [touch(1.0, 1, 2, (-EDGE / 2, 0), (-1, 0), closing, impulse, **event)]


@pytest.mark.parametrize(
    ("closing", "impulse", "strength"),
    [
        (0.2, 0.2, "slight"),
        (0.6, 0.3, "plain"),
        (1.0, 0.5, "firm"),
        (1.4, 0.7, "hard"),
        (1.4, 0.1, "slight"),  # fast, but it changes little
        (0.2, 0.9, "slight"),  # a long push, gently begun
    ],
)
def test_strength_is_the_weaker_of_closing_speed_and_change(closing, impulse, strength):
    (strike,) = claims(Strikes, *collision(closing, impulse))
    assert (strike.striker, strike.struck, strike.mutual, strike.strength) == (1, 2, False, strength)


def test_impulse_counts_per_mass():
    bodies, paths, events = collision(1.4, 0.7)
    heavy = [dataclasses.replace(body, mass_kg=10.0) for body in bodies]
    assert claims(Strikes, heavy, paths, events)[0].strength == "slight"
    assert claims(Strikes, [heavy[0], bodies[1]], paths, events)[0].strength == "hard"


def test_faint_and_unseen_touches_are_not_told():
    assert not claims(Strikes, *collision(closing=0.03, impulse=0.02))
    bodies, paths, events = collision()
    away = dataclasses.replace(events[0], point_m=(5.0, 0.0, 0.1))
    assert not claims(Strikes, bodies, paths, [away])


@pytest.mark.parametrize(
    ("after", "effect", "direction"), [(0.4, "pushed", "right"), (0.04, "nudged", "right"), (0.0, "unmoved", None)]
)
def test_what_becomes_of_the_struck(after, effect, direction):
    reaction = next(r for r in claims(Reacts, *collision(after=after)) if r.body == 2)
    assert (reaction.effect, reaction.direction, reaction.other) == (effect, direction, 1)


@pytest.mark.parametrize(
    ("end", "effect", "direction"),
    [
        ((-EDGE, 0), "halts", None),
        ((-0.4, 0), "rebounds", "left"),
        ((0.1, 0), "continues", "right"),
        ((-0.1, 0.3), "deflected", "top right"),
    ],
)
def test_what_becomes_of_the_striker(end, effect, direction):
    bodies, paths, events = collision(after=0.6)
    paths[0] = np.where(TIMES[:, None] <= 1.0, paths[0], line((-EDGE, 0), end, 1.0, 1.5))
    reaction = next(r for r in claims(Reacts, bodies, paths, events) if r.body == 1)
    assert (reaction.effect, reaction.direction) == (effect, direction)


def test_a_collision_just_before_the_end_has_no_outcome():
    bodies = [cube("red", -0.6, 0, (0.2, 0)), cube("blue", 0.0, 0)]
    paths = {0: line((-0.6, 0), (-EDGE, 0), 0, 2.0)}
    event = touch(1.95, 1, 2, (-EDGE / 2, 0), (-1, 0))
    assert not claims(Reacts, bodies, paths, [event])


def test_spins_are_told_of_upright_cubes_only():
    bodies, paths, events = collision()
    turn = {1: np.clip(TIMES - 1, 0, None) * 2}
    assert next(r for r in claims(Reacts, bodies, paths, events, yaws=turn) if r.body == 2).spins
    bodies[1] = cylinder("blue", 0, 0)
    assert not next(r for r in claims(Reacts, bodies, paths, events, yaws=turn) if r.body == 2).spins


def test_again_only_after_parting():
    bodies, paths, events = collision()
    paths[0] = line((-0.6, 0), (-EDGE, 0)) + line((0, 0), (0.5, 0), 1.3, 1.8)
    second = touch(1.8, 1, 2, (0.4, 0), (-1, 0))
    assert [s.again for s in claims(Strikes, bodies, paths, [*events, second])] == [False, True]
    # The same two events, but the gap between the bodies stays shut: one collision.
    paths[0] = line((-0.6, 0), (-EDGE, 0)) + line((0, 0), (0.5, 0), 1.0, 1.5)
    assert [s.again for s in claims(Strikes, bodies, paths, [*events, second])] == [False]


def test_both_strike_when_each_runs_at_the_other():
    bodies = [cube("red", -0.6, 0, (0.5, 0)), cube("blue", 0.6, 0, (-0.5, 0))]
    paths = {0: line((-0.6, 0), (-0.1, 0)), 1: line((0.6, 0), (0.1, 0))}
    narrative = narrate(*clip(bodies, paths, [touch(1.0, 1, 2, (0, 0), (-1, 0), closing=1.0)]))
    assert [c.mutual for c in narrative.claims if isinstance(c, Strikes)] == [True]
    assert {c.body: c.target for c in narrative.claims if isinstance(c, Moves)} == {1: 2, 2: 1}


def test_the_struck_strikes_in_a_chain_within_one_frame():
    bodies = [cube("red", -0.6, 0, (0.4, 0)), cube("blue", 0.3, 0), cube("green", 0.1, 0)]
    paths = {0: line((-0.6, 0), (-0.1, 0)), 1: line((0.3, 0), (0.6, 0), 1.0, 1.5)}
    events = [touch(1.0, 1, 3, (0, 0), (-1, 0)), touch(1.004, 2, 3, (0.2, 0), (1, 0))]
    assert [(s.striker, s.struck) for s in claims(Strikes, bodies, paths, events)] == [(1, 3), (3, 2)]


def test_targets_are_headed_for():
    bodies, paths, events = collision()
    assert claims(Moves, bodies, paths, events)[0].target == 2
    aside = [cube("red", -0.6, 0, (0.0, 0.4)), bodies[1]]
    assert claims(Moves, aside, paths | {0: line((-0.6, 0), (-0.6, 0.5))})[0].target is None


def test_stops_where_and_beside_whom():
    bodies = [cube("red", -0.5, 0, (0.5, 0)), cube("blue", 0.3, 0)]
    (stop,) = claims(Stops, bodies, {0: line((-0.5, 0), (0.05, 0))})
    assert (stop.body, stop.beside, stop.place.column, stop.place.row) == (1, 2, "center", "middle")
    assert stop.time_s == pytest.approx(1.0, abs=0.06)
    (stop,) = claims(Stops, bodies, {0: line((-0.5, 0), (-0.9, 0.6))})
    assert (stop.beside, stop.place.column, stop.place.row) == (None, "left", "background")


def test_still_moving_at_the_end_is_not_stopping():
    path = {0: line((-0.5, 0), (0.5, 0), 0, 2.0)}
    bodies = [cube("red", -0.5, 0, (0.5, 0))]
    assert not claims(Stops, bodies, path)
    assert [c.direction for c in claims(KeepsMoving, bodies, path)] == ["right"]


@pytest.mark.parametrize(
    ("end", "edge"), [((2.5, 0), "right"), ((-2.5, 0), "left"), ((0, -1.6), "bottom"), ((0, -6.0), "bottom")]
)
def test_leaves_over_an_edge_and_for_good(end, edge):
    path = line((0, 0), end)
    (leave,) = claims(Leaves, [cube("red", 0, 0, np.array(end))], {0: path})
    assert leave.edge == edge
    assert 0.2 < leave.time_s <= 1.0
    back = path + line((0, 0), -np.array(end), 1.2, 1.8)
    assert not claims(Leaves, [cube("red", 0, 0, np.array(end))], {0: back})


def test_partly_out_is_not_gone():
    assert not claims(Leaves, [cube("red", 0, 0, (1, 0))], {0: line((0, 0), (1.2, 0))})


@pytest.mark.parametrize(
    ("y", "manner", "close"), [(-0.25, "in front of", True), (0.25, "behind", True), (-0.3, "in front of", False)]
)
def test_passes(y, manner, close):
    bodies = [cube("red", -0.6, y, (1.2, 0)), tabletop.body("cylinder", "blue", (EDGE, EDGE, 0.5), (0, 0))]
    path = {0: line((-0.6, y), (0.6, y))}
    (passing,) = claims(Passes, bodies, path)
    assert (passing.body, passing.other, passing.manner, passing.close) == (1, 2, manner, close)
    grazing = touch(0.5, 1, 2, (0, y / 2), (0, np.sign(y)), closing=0.01, impulse=0.01)
    assert not claims(Passes, bodies, path, [grazing])


def test_a_topple_and_a_roll():
    bodies = [cylinder("red", -0.5, 0, (0.5, 0))]
    tilt = {0: np.clip(TIMES * 3, 0, np.pi / 2)}
    (fall,) = claims(Topples, bodies, {0: line((-0.5, 0), (-0.3, 0), 0, 0.4)}, tilts=tilt)
    assert not fall.rolls
    assert 0.3 < fall.time_s < 0.5
    (fall,) = claims(Topples, bodies, {0: line((-0.5, 0), (0.5, 0), 0, 1.5)}, tilts=tilt)
    assert fall.rolls
    rock = {0: np.where(TIMES < 0.5, 0.5 * np.sin(TIMES * 2 * np.pi), 0)}
    assert not claims(Topples, bodies, tilts=rock)


def test_references_tell_namesakes_apart():
    def words(*bodies):
        return [thing.reference for thing in narrate(*clip(list(bodies))).things]

    assert words(cube("red", 0, 0), cube("blue", 0.4, 0)) == ["the red cube", "the blue cube"]
    pair = words(cube("red", 0.4, 0), cube("red", -0.4, 0))
    assert pair == ["the red cube on the right", "the red cube on the left"]
    assert words(cube("red", 0, 0.5), cube("red", 0, -0.3)) == ["the farther red cube", "the nearer red cube"]
    three = words(cube("red", 0.5, 0), cube("red", -0.5, 0), cube("red", 0, 0.1))
    assert three == ["the rightmost red cube", "the leftmost red cube", "the middle red cube"]
    many = words(*[cube("red", 0.3 * i - 0.6, 0.1 * i) for i in range(5)])
    assert len(set(many)) == 5
    assert many[1] == "the second red cube from the left"


def test_bodies_out_of_the_first_frame_have_no_part():
    bodies, paths, events = collision()
    bodies.append(cube("green", 4.0, 0, (-4, 0)))
    narrative = narrate(*clip(bodies, paths | {2: line((4.0, 0), (1.0, 0))}, events))
    assert [thing.id for thing in narrative.things] == [1, 2]
    assert all(getattr(claim, "body", 1) != 3 for claim in narrative.claims)


@pytest.mark.parametrize("seed", range(12))
def test_the_narrative_does_not_depend_on_the_size_of_the_image(seed):
    scene = tabletop.random_scene(seed)
    rollout = tabletop.simulate_discs(scene)
    camera = scene.camera
    small = dataclasses.replace(camera, width_px=240, height_px=160, focal_px=camera.focal_px / 3)
    assert narrate(dataclasses.replace(scene, camera=small), rollout) == narrate(scene, rollout)


@pytest.mark.parametrize("seed", range(20))
def test_a_mirrored_clip_swaps_left_and_right(seed):
    scene = tabletop.random_scene(seed, namesakes=0.0)
    rollout = tabletop.simulate_discs(scene)
    flip = np.diag([-1.0, 1.0, 1.0])
    camera = scene.camera
    rotation = flip @ camera.rotation_array @ flip
    camera = dataclasses.replace(
        camera, rotation=rotation, translation_m=tuple((flip @ np.array(camera.translation_m)).tolist())
    )
    bodies = [
        dataclasses.replace(
            body,
            position_m=tuple((flip @ np.array(body.position_m)).tolist()),
            velocity_mps=tuple((flip @ np.array(body.velocity_mps)).tolist()),
            yaw_rad=-body.yaw_rad,
        )
        for body in scene.bodies
    ]
    mirrored = Rollout(
        positions_m=rollout.positions_m @ flip,
        quaternions_wxyz=rollout.quaternions_wxyz * [1, 1, 1, -1],
        velocities_mps=rollout.velocities_mps @ flip,
        angular_velocities_radps=rollout.angular_velocities_radps,
        events=tuple(
            dataclasses.replace(
                event,
                point_m=tuple((flip @ np.array(event.point_m)).tolist()),
                normal=tuple((flip @ np.array(event.normal)).tolist()),
            )
            for event in rollout.events
        ),
        penetration_m=0.0,
    )
    there = narrate(dataclasses.replace(scene, bodies=tuple(bodies), camera=camera), mirrored)
    here = narrate(scene, rollout)
    assert there.stationary == here.stationary
    swapped = [str(claim).replace("left", "?").replace("right", "left").replace("?", "right") for claim in there.claims]
    assert swapped == [str(claim) for claim in here.claims]


def test_claims_are_in_order_of_time_and_frozen():
    scene: Scene = tabletop.random_scene(3)
    narrative = narrate(scene, tabletop.simulate_discs(scene))
    assert [c.time_s for c in narrative.claims] == sorted(c.time_s for c in narrative.claims)
    with pytest.raises(dataclasses.FrozenInstanceError):
        narrative.ground = "sand"


@pytest.mark.parametrize("frame", [8, 9, 10, 16, 17])
def test_the_frame_of_a_touch_as_it_is_kept(frame):
    """Rounded to a microsecond, the time of a touch exactly at a frame may be before it or after."""
    event = touch(frame / FPS, 1, 2, (0, 0), (1, 0))
    (kept,) = clip([cube("red", 0, 0)], events=[event])[1].rounded().events
    assert kept.time_s == round(frame / FPS, 6) and kept == dataclasses.replace(
        event, time_s=kept.time_s, end_s=kept.end_s
    )
    assert kept.first_frame(FPS) == event.first_frame(FPS) == frame
    assert touch(frame / FPS + 0.001, 1, 2, (0, 0), (1, 0)).first_frame(FPS) == frame + 1
    assert touch(round(frame / 233, 6), 1, 2, (0, 0), (1, 0)).first_frame(233) == frame
