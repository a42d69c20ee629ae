"""Counterfactual responses on boxes that slide by hand-made laws, and on groups that Bullet simulates."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kinebench.acceptance import find
from kinebench.annotate.raster import rasterise
from kinebench.metrics import response
from kinebench.metrics.metric import Reading, Reply
from kinebench.metrics.truth import Truth
from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.camera import look_at
from kinebench.scene.scene import Body

F, FPS = 13, 12
CAMERA = look_at(np.array([0, -2.2, 2.0]), np.zeros(3), width_px=240, height_px=160, field_of_view_rad=0.9)
EDGE_M = 0.2
FRAMES = np.linspace(0, 1, F)


def box(position):
    return Body("cube", (EDGE_M,) * 3, "red", (1, 0, 0), 0.5, 1.0, 0.5, 0.1, position, 0.0, (0.0, 0.0, 0.0))


class Stage:
    """What `rasterise` reads of a scene."""

    camera = CAMERA

    def __init__(self, positions):
        self.bodies = tuple(box(tuple(place)) for place in positions[0])


def clip(*paths, contact_s=None):
    """The truth of boxes 1, 2, ... that slide along these paths (F, 2); box 1 is driven, and touches box 2."""
    positions = np.stack([np.column_stack([path, np.full(F, EDGE_M / 2)]) for path in paths], axis=1)
    still = np.zeros_like(positions)
    turns = np.tile([1.0, 0, 0, 0], (F, len(paths), 1))
    touch = Event(contact_s or 0.0, 1.0, 1, 2, 1.0, 1.0, (0, 0, 0), (1, 0, 0))
    rollout = Rollout(positions, turns, still, still, (touch,) if contact_s is not None else (), 0.0)
    instances = rasterise(Stage(positions), rollout).segmentation
    frames = np.zeros((*instances.shape, 3), np.uint8)
    return Truth("clip", frames, instances, FPS, CAMERA, rollout, (1,))


def line(start, way):
    return np.array(start) + FRAMES[:, None] * np.array(way)


def masks(truth, order=range(F)):
    """The truth's masks, of frames in this order."""
    return {id: truth.mask(id)[list(order)] for id in truth.visible}


def group(factor, clips, predicted=masks):
    """Replies of clips by value, predicted as the truth's masks or by another function of the truth."""
    replies = []
    for value, truth in clips.items():
        perfect = Reading(arrays=response.arrays(truth, masks(truth)))
        replies.append(Reply(factor, value, perfect, Reading(arrays=response.arrays(truth, predicted(truth)))))
    return replies


def static(truth):
    return masks(truth, [0] * F)


SPEEDS = {v: clip(line((-0.6, 0.3), (v**2 / 2, 0)), line((0.5, -0.4), (0, 0))) for v in (0.5, 0.75, 1.0, 1.25, 1.5)}
MASSES = {
    m: clip(line((-0.5, 0), (0.3, 0)), line((0, 0), (0.6 / (1 + m), 0.1)), contact_s=0.25) for m in (0.5, 1, 2, 4)
}
TURNS = {d: clip(line((0, 0), (0.4 * np.cos(np.radians(d)), 0.4 * np.sin(np.radians(d))))) for d in range(0, 360, 45)}
BENT = np.where(FRAMES[:, None] < 0.5, line((-0.6, 0), (0.8, 0)), line((-0.2, -0.2), (0, 0.4)))
PRESENCE = {0: clip(line((-0.6, 0), (0.8, 0))), 1: clip(BENT, line((0.1, -0.5), (0, 0)), contact_s=0.5)}
GROUPS = {"speed": SPEEDS, "friction": SPEEDS, "mass": MASSES, "direction": TURNS, "presence": PRESENCE}


@pytest.mark.parametrize("factor", GROUPS)
def test_the_anchors_have_the_values_that_are_stated(factor):
    """Oracle is perfect, static answers nothing; a missing clip is the worst that the group can be."""
    stated = {"direction": 180.0}.get(factor, 0.0)
    best = {metric.name: metric.best for metric in response.METRICS}
    perfect = response.respond(group(factor, GROUPS[factor]))
    assert perfect == pytest.approx({name: best[name] for name in perfect}, abs=1e-12)
    assert perfect.keys() == {name for name in best if name.startswith(f"response_{factor}")}
    nothing = response.respond(group(factor, GROUPS[factor], static))
    assert nothing == dict.fromkeys(perfect, stated)
    lacking = group(factor, GROUPS[factor])
    lacking[1] = replace(lacking[1], predicted=Reading())
    assert response.respond(lacking) == {name: response.WORST[name] for name in perfect}


@pytest.mark.parametrize("factor", GROUPS)
def test_order_of_the_clips_does_not_matter(factor):
    replies = group(factor, GROUPS[factor], lambda truth: masks(truth, np.arange(F) // 2))
    assert response.respond(replies[::-1]) == response.respond(replies)


@pytest.mark.parametrize("factor", ["speed", "mass", "friction"])
def test_a_video_that_ignores_the_factor_scores_nothing(factor):
    """Every clip moves, and sensibly, but all alike."""
    clips = GROUPS[factor]
    middle = masks(list(clips.values())[len(clips) // 2])
    found = response.respond(group(factor, clips, lambda truth: middle))
    assert list(found.values()) == [0, 0]


@pytest.mark.parametrize(("share", "score"), [(0.5, 0.5), (0.25, 0.25), (2.0, 0.5), (-1.0, 0.0), (1.0, 1.0)])
def test_half_the_effect_and_double_count_the_same(share, score):
    physics = np.array([0.1, 0.2, 0.4, 0.8])
    assert response.slope_score(0.9 + share * physics, physics) == pytest.approx(score)


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), min_size=3, max_size=8))
def test_slope_is_least_squares(pairs):
    d, reference = np.array(pairs).T
    found = response.slope_score(d, reference)
    if np.ptp(reference) < response.STILL_M:
        assert found is None
        return
    slope = np.polyfit(reference, d, 1)[0]
    assert found == pytest.approx(max(0.0, min(slope, 1 / slope) if slope > 0 else 0.0), abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=8))
def test_rank_correlation_is_spearmans(pairs):
    d, reference = np.array(pairs, dtype=float).T
    found = response.rank_correlation(d, reference)
    if np.ptp(reference) == 0:
        assert found is None
    elif np.ptp(d) == 0:
        assert found == 0
    else:
        assert found == pytest.approx(stats.spearmanr(d, reference).statistic, abs=1e-12)


@pytest.mark.parametrize("turn_deg", [0, 10, 90, 135, 180, -30])
@pytest.mark.parametrize("speed", [0.2, 1.0, 3.0])
def test_direction_error_is_the_angle_whatever_the_speed(turn_deg, speed):
    angle = np.radians(20 + turn_deg)
    path = line((0.1, 0.2), (0.5 * speed * np.cos(angle), 0.5 * speed * np.sin(angle)))
    truth = line((0.1, 0.2), (0.5 * np.cos(np.radians(20)), 0.5 * np.sin(np.radians(20))))
    assert response.direction_error_deg(path, truth, F) == pytest.approx(abs(turn_deg), abs=1e-4)


def test_direction_is_that_before_the_contact():
    """What a strike does to the way, in the truth or in the video, is no fault of direction."""
    straight = line((0, 0), (0.6, 0))
    struck = np.where(FRAMES[:, None] < 0.5, straight, [[0.3, 0]] + (FRAMES[:, None] - 0.5) * [[-0.4, 0.5]])
    assert response.direction_error_deg(straight, struck, 6) == pytest.approx(0, abs=1e-9)
    assert response.direction_error_deg(struck, struck, 6) == pytest.approx(0, abs=1e-9)


def test_direction_of_what_hardly_moves_is_none():
    hardly = line((0, 0), (0.015, 0))
    assert response.direction_error_deg(hardly, line((0, 0), (0.5, 0)), F) == response.ASTRAY_DEG
    assert response.direction_error_deg(line((0, 0), (0.5, 0)), hardly, F) is None


def test_presence_measures_the_change_of_path():
    """No change scores 0; half of the change, half; the change the other way round, 0."""
    without = line((-0.6, 0), (0.8, 0))

    def score(with_it):
        truth = [Reading(arrays={"truth_driven_m": path}) for path in (without, BENT)]
        predicted = [Reading(arrays={"driven_m": path}) for path in (without, with_it)]
        replies = [Reply("presence", i, truth[i], predicted[i]) for i in (0, 1)]
        return response.respond(replies)["response_presence"]

    assert score(BENT) == 1
    assert score(without) == pytest.approx(0, abs=1e-12)
    assert score((BENT + without) / 2) == pytest.approx(0.5)
    assert score(2 * without - BENT) == 0


def test_nothing_to_answer_is_none():
    """A truth that does not change, has no contact, or has one value only is no fault of a prediction, even missing."""
    alike = dict.fromkeys((0.5, 1.0, 1.5), SPEEDS[1.0])
    assert set(response.respond(group("speed", alike)).values()) == {None}
    missing = [replace(reply, predicted=Reading()) for reply in group("speed", alike)]
    assert set(response.respond(missing).values()) == {None}
    assert set(response.respond(group("mass", SPEEDS)).values()) == {None}  # nothing is struck
    assert set(response.respond(group("speed", {1.0: SPEEDS[1.0]})).values()) == {None}
    assert response.respond(group("presence", {1: PRESENCE[1]})) == {"response_presence": None}
    assert response.respond(group("presence", {0: PRESENCE[0], 1: PRESENCE[0]})) == {"response_presence": None}
    assert response.respond([]) == {}
    assert response.respond([replace(reply, factor="colour") for reply in group("speed", SPEEDS)]) == {}


def test_an_object_without_mask_has_not_moved():
    found = response.respond(group("speed", SPEEDS, lambda truth: {}))
    assert found == {"response_speed": 0, "response_speed_rank": 0}


def test_arrays_name_who_is_struck_and_when():
    found = response.arrays(MASSES[1], masks(MASSES[1]))
    assert found["free_frames"] == 3  # 0.25 s at 12 a second: frames 0, 1 and 2
    assert found["struck_m"].shape == found["truth_struck_m"].shape == (F, 2)
    assert response.distance_m(found["struck_m"]) == pytest.approx(np.hypot(0.3, 0.1), abs=0.02)
    alone = response.arrays(SPEEDS[1.0], masks(SPEEDS[1.0]))
    assert alone["struck_m"].shape == (0, 2)
    assert alone["free_frames"] == F


@pytest.fixture(scope="module")
def simulated(tiny_counterfactual, grounds):
    """A group each of presence and mass, as Bullet moves them: (factor, value, truth)."""
    found = []
    for index in (*range(13, 15), *range(15, 19)):
        accepted = find(tiny_counterfactual, "train", index, 0, grounds)
        scene, rollout = accepted.scene, accepted.rollout
        instances = rasterise(scene, rollout).segmentation
        truth = Truth(str(index), np.zeros((1,), np.uint8), instances, scene.fps, scene.camera, rollout, scene.driven)
        found.append((scene.variant.factor, scene.variant.value, truth))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("factor", ["presence", "mass"])
def test_simulated_groups(simulated, factor):
    clips = {value: truth for name, value, truth in simulated if name == factor}
    assert all(value == pytest.approx(1) for value in response.respond(group(factor, clips)).values())
    assert all(value == 0 for value in response.respond(group(factor, clips, static)).values())
    slow = response.respond(group(factor, clips, lambda truth: masks(truth, np.arange(len(truth.instances)) // 2)))
    assert 0 < slow[f"response_{factor}"] < 1


@pytest.mark.slow
def test_masks_follow_physics(simulated):
    """Paths by masks and by the simulation differ by less than a pixel's few centimetres where nothing is hidden."""
    _, _, truth = simulated[0]  # without the struck object: nothing in the way
    found = response.arrays(truth, masks(truth))["driven_m"]
    path = truth.rollout.positions_m[:, truth.driven[0] - 1, :2]
    assert np.linalg.norm((found - found[0]) - (path - path[0]), axis=1).max() < 0.03
