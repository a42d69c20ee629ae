"""Captions are held against the rollouts they tell of, through a reader that does not know how they were made."""

import importlib.util
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from kinebench.annotate.caption import C0, caption
from kinebench.annotate.narrative import narrate
from kinebench.scene.pose import to_world


def _load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tabletop, reading = _load("tabletop"), _load("reader")
CLIPS = 150
# Signs of a displacement in the image (right, down) that a direction word stands for.
SIGNS = {
    "to the right": (1, 0),
    "to the left": (-1, 0),
    "towards the top right": (1, -1),
    "towards the top left": (-1, -1),
    "towards the bottom right": (1, 1),
    "towards the bottom left": (-1, 1),
    **dict.fromkeys(("towards the top of the frame", "towards the background", "away from the viewer"), (0, -1)),
    **dict.fromkeys(("towards the bottom of the frame", "towards the foreground", "towards the viewer"), (0, 1)),
}


@dataclass(frozen=True)
class Clip:
    scene: object
    rollout: object
    text: str

    @property
    def px(self):
        """Projected centres (F, N, 2)."""
        return self.scene.camera.project(self.rollout.positions_m)[0]

    @property
    def scale(self):
        return self.scene.camera.width_px / 720


def make(seed, simulate, **options):
    scene = tabletop.random_scene(seed, **options)
    rollout = simulate(scene)
    return Clip(scene, rollout, caption(narrate(scene, rollout), np.random.default_rng([seed, 1])))


@cache
def clips():
    return [make(seed, tabletop.simulate_discs) for seed in range(CLIPS)]


class Check:
    """Everything one caption says, compared with what happened. `faults` lists what is false."""

    def __init__(self, clip):
        self.clip, self.faults = clip, []
        self.said = reading.Reader(clip.scene).read(clip.text)
        self.hits = self._match()
        progress = Counter()
        for said in self.said:
            if said.kind in ("collide", "into"):
                progress.update((*said.who, *said.other))
            for who in said.who:
                getattr(self, f"_{said.kind.replace(' ', '_')}", self._nothing)(said, who, progress[who])

    def fault(self, condition, what):
        if not condition:
            self.faults.append(what)

    def _match(self):
        """The event of each collision said, in the order told."""
        hits, latest = [], {}
        for said in self.said:
            if said.kind not in ("collide", "into"):
                continue
            pair = tuple(sorted((*said.who, *said.other)))
            after = latest.get(pair, -1.0)
            events = [e for e in self.clip.rollout.events if (e.a, e.b) == pair and e.time_s > after]
            events = [e for e in events if not faint(self.clip.scene, e)]
            self.fault(events, f"no event for {said}")
            self.fault(bool(said.detail) == (pair in latest), f"again or not: {said}")
            if events:
                hits.append(events[0])
                latest[pair] = events[0].end_s
        return hits

    def _window(self, who, done):
        """Frames from the body's last collision told (`done` of them so far) to its next, or to its last in view."""
        times = sorted(e.time_s for e in self.hits if who in (e.a, e.b))
        frames = [max(int(np.ceil(t * self.clip.scene.fps - 1e-6)) - 1, 0) for t in times]
        last = self.clip.scene.frames - 1
        while beyond(self.clip, who, last) is not None:
            last -= 1
        return [0, *frames][done], [*frames, last][done]

    def _go(self, said, who, done):
        first, last = self._window(who, done)
        step = self.clip.px[last, who - 1] - self.clip.px[first, who - 1]
        self.fault(np.linalg.norm(step) >= 8 * self.clip.scale, f"hardly moved: {said}")
        if said.way:
            sign = np.array(SIGNS[said.way])
            cosine = step @ sign / np.linalg.norm(step) / np.linalg.norm(sign)
            self.fault(cosine > np.cos(np.radians(23)), f"wrong way: {said} {step}")
            self.fault(all(np.sign(s) == w for s, w in zip(step, sign, strict=True) if w), f"wrong sign: {said} {step}")

    _push = _go

    def _still_going(self, said, who, done):
        step = self.clip.px[-1, who - 1] - self.clip.px[-1 - self.clip.scene.fps // 4, who - 1]
        self.fault(np.linalg.norm(step) >= 5 * self.clip.scale, f"does not move at the end: {said}")
        if said.way:
            self.fault(step @ SIGNS[said.way] > 0, f"wrong way at the end: {said} {step}")

    def _aim(self, said, who, done):
        self._go(said, who, done)
        start = self.clip.rollout.positions_m[0]
        gaps = np.linalg.norm(self.clip.rollout.positions_m[:, who - 1] - start[said.other[0] - 1], axis=-1)
        self.fault(gaps.min() < gaps[0] - 0.03, f"comes no nearer: {said}")

    def _stop(self, said, who, done):
        px, last = self.clip.px[:, who - 1], max(self.clip.scene.fps // 8, 1)
        self.fault(np.linalg.norm(px[-1 - last :] - px[-1], axis=-1).max() < 3 * self.clip.scale, f"moves on: {said}")
        moved = np.linalg.norm(px - px[-1], axis=-1).max() >= 8 * self.clip.scale
        self.fault(moved or self.clip.scene.bodies[who - 1].driven, f"never moved: {said}")
        if said.spot:
            self.fault(stands(self.clip, px[-1], said.spot), f"not there: {said} {px[-1]}")
        for other in said.other:
            distance = np.linalg.norm(np.subtract(*self.clip.rollout.positions_m[-1, [who - 1, other - 1], :2]))
            reach = sum(np.linalg.norm(self.clip.scene.bodies[i - 1].size_m) / 2 for i in (who, other))
            self.fault(distance < reach + 0.1, f"not beside: {said}")

    def _start(self, said, who, done):
        self.fault(stands(self.clip, self.clip.px[0, who - 1], said.spot), f"does not start there: {said}")

    def _stand(self, said, who, done):
        px = self.clip.px[:, who - 1]
        self.fault(np.linalg.norm(px - px[0], axis=-1).max() < 4 * self.clip.scale, f"moved: {said}")
        if said.spot:
            self.fault(stands(self.clip, px[0], said.spot), f"does not stand there: {said}")

    def _settle(self, said, who, done):
        first, last = self._window(who, done)
        px = self.clip.px[first : last + 1, who - 1]
        self.fault(np.linalg.norm(px - px[0], axis=-1).max() < 20 * self.clip.scale, f"moved on: {said}")

    def _stay(self, said, who, done):
        first, last = self._window(who, done)
        px = self.clip.px[first : last + 1, who - 1]
        self.fault(np.linalg.norm(px - px[0], axis=-1).max() < 8 * self.clip.scale, f"moved: {said}")

    def _leave(self, said, who, done):
        if beyond(self.clip, who, -1) is None:
            self.fault(False, f"still shows: {said}")
            return
        edge = beyond(self.clip, who, self._window(who, done)[1] + 1)
        self.fault(said.detail in (None, edge), f"left elsewhere: {said} {edge}")

    _out = _leave

    def _pass(self, said, who, done):
        other = said.other[0]
        met = any({e.a, e.b} == {who, other} for e in self.clip.rollout.events)
        self.fault(not met, f"touched: {said}")
        if said.detail in ("in front of", "behind"):
            depths = self.clip.scene.camera.project(self.clip.rollout.positions_m)[1]
            level = np.abs(self.clip.px[:, who - 1, 0] - self.clip.px[:, other - 1, 0]).argmin()
            nearer = depths[level, who - 1] < depths[level, other - 1]
            self.fault(nearer == (said.detail == "in front of"), f"other side: {said}")

    def _collide(self, said, who, done):
        self.fault(said.other and who not in said.other, f"with itself: {said}")

    _into = _collide

    def _nothing(self, said, who, done):
        """Kinds with nothing more to check: "meet", "part", "fall", "turn"."""


def faint(scene, event):
    """A touch that changes nothing to speak of."""
    return event.closing_speed_mps < 0.05 and change(scene, event) < 0.05


def change(scene, event):
    return event.impulse_ns / min(scene.bodies[i - 1].mass_kg for i in (event.a, event.b))


def beyond(clip, who, frame):
    """The edge phrase if no point of the body's hull is in the image."""
    body, camera = clip.scene.bodies[who - 1], clip.scene.camera
    if body.shape == "cube":
        hull = np.array(np.meshgrid(*[[-0.5, 0.5]] * 3)).reshape(3, -1).T
    else:
        turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
        hull = np.array([(np.cos(t) / 2, np.sin(t) / 2, z) for t in turn for z in (-0.5, 0.5)])
    pose = clip.rollout.positions_m[frame, who - 1], clip.rollout.quaternions_wxyz[frame, who - 1]
    pixels, depth = camera.project(to_world(hull * body.size_m, *pose))
    if (depth <= 0).any():
        return "at the bottom"
    (left, top), (right, bottom) = pixels.min(0), pixels.max(0)
    over = {
        "on the left": -right,
        "on the right": left - camera.width_px,
        "at the top": -bottom,
        "at the bottom": top - camera.height_px,
    }
    edge = max(over, key=over.get)
    return edge if over[edge] > 0 else None


def plausible(clip):
    """Whether the text reads as English and finds no contradiction."""
    try:
        return not Check(clip).faults
    except AssertionError:
        return False


def stands(clip, px, spot):
    """Whether a pixel position is where the words say, thirds of the image with some give."""
    x, y = px / (clip.scene.camera.width_px, clip.scene.camera.height_px)
    column = {"left": x < 0.4, "right": x > 0.6}
    row = {"top": y < 0.4, "background": y < 0.4, "bottom": y > 0.6, "foreground": y > 0.6}
    words = re.findall(r"left|right|top|bottom|background|foreground", spot)
    return all((column | row)[word] for word in words) if words else 0.3 < x < 0.7 and 0.3 < y < 0.7


def false_claims(some_clips):
    """What is false, by caption."""
    return {clip.text: faults for clip in some_clips if (faults := Check(clip).faults)}


def test_every_word_of_every_caption_is_read_and_true():
    assert not false_claims(clips())


@pytest.mark.slow
def test_every_word_of_many_more_captions_is_read_and_true():
    assert not false_claims(make(seed, tabletop.simulate_discs) for seed in range(CLIPS, 500))


@pytest.mark.slow
def test_every_word_is_true_of_bullets_rollouts():
    pytest.importorskip("pybullet")
    from kinebench.physics.bullet import simulate

    assert not false_claims(make(seed, simulate) for seed in range(30))


def test_the_clips_say_enough_to_test():
    kinds = Counter(said.kind for clip in clips() for said in Check(clip).said)
    for kind in ("go", "collide", "push", "stop", "stand", "leave", "aim", "start", "pass", "stay", "still going"):
        assert kinds[kind] >= 4, (kind, kinds)


def test_every_strong_collision_in_view_is_told():
    told = strong = 0
    for clip in clips():
        pairs = {frozenset((*s.who, *s.other)) for s in Check(clip).said if s.kind in ("collide", "into")}
        for event in clip.rollout.events:
            x, y = clip.scene.camera.project(np.array(event.point_m))[0] / (720, 480)
            frame = int(event.time_s * 24)
            shows = all(beyond(clip, i, min(frame + 2, 48)) is None for i in (event.a, event.b))
            hard = event.closing_speed_mps >= 0.15 and change(clip.scene, event) >= 0.15
            if hard and shows and 0 < x < 1 and 0 < y < 1:
                strong += 1
                told += {event.a, event.b} in pairs
    assert strong > 60
    assert told == strong


def test_number_words_agree_with_the_objects():
    for clip in clips():
        found, total = reading.Reader(clip.scene).counts(clip.text)
        assert found == Counter(body.name for body in clip.scene.bodies) or "of different colors" in clip.text, (
            clip.text
        )
        assert total in (None, len(clip.scene.bodies)), clip.text
        if "of different colors" in clip.text:
            colours = re.search(r"\((.*?)\)", clip.text)[1]
            assert Counter(re.split(r", and |, | and ", colours)) == Counter(b.colour for b in clip.scene.bodies)


def test_length_and_register():
    lengths = []
    for clip in clips():
        text = clip.text
        lengths.append(len(text.split()))
        assert 2 <= text.count(".") <= 6, text
        assert clip.scene.ground.phrase in text.split(".")[0]
        assert not re.search(r"\d|m/s|friction|degree|sound|speed|veloc|rotat", text.replace("3D shapes", "")), text
        assert not re.search(r"\b(\w+) \1\b|  | [.,]|,,|\.\.", text), text
        assert not re.search(r"\ban (?![aeiou])|\ba [aeiou]", text), text
        assert all(s[0].isupper() for s in re.split(r"(?<=\.) ", text)) and text.endswith("."), text
    assert max(lengths) < 150
    assert np.quantile(lengths, 0.1) >= 40 and np.quantile(lengths, 0.9) <= 100


def test_the_same_generator_gives_the_same_words_and_others_vary():
    clip = clips()[4]
    narrative = narrate(clip.scene, clip.rollout)
    texts = [caption(narrative, np.random.default_rng(seed)) for seed in range(20)]
    assert texts == [caption(narrative, np.random.default_rng(seed)) for seed in range(20)]
    assert len(set(texts)) >= 18
    for text in texts:
        assert not Check(Clip(clip.scene, clip.rollout, text)).faults


@pytest.mark.parametrize(
    ("pattern", "change"),
    [
        (r"to the (left|right)", lambda m: {"left": "to the right", "right": "to the left"}[m[1]]),
        (r"towards the top (left|right)", lambda m: f"towards the bottom {m[1]}"),
        (r"(?:leaves|exits) the frame", lambda m: "comes to rest in the center"),
        (r"comes to (?:a stop|rest)(?= in| on|\.)", lambda m: "leaves the frame"),
    ],
)
def test_the_check_finds_what_did_not_happen(pattern, change):
    """The comparison itself can fail: turned directions and swapped endings are found in every caption."""
    altered = missed = 0
    for clip in clips():
        body = re.sub(pattern, change, clip.text)
        if body != clip.text and re.search(pattern, clip.text):
            altered += 1
            missed += plausible(Clip(clip.scene, clip.rollout, body))
    assert altered >= 8
    assert missed <= altered // 20


def test_the_check_finds_invented_collisions_and_false_rest():
    for clip in clips()[:60]:
        colliding = {frozenset((e.a, e.b)) for e in clip.rollout.events}
        names = [b.name for b in clip.scene.bodies]
        if len(set(names)) < len(names):
            continue
        driven, still = clip.scene.driven[0], next(i for i in range(1, 6) if i not in clip.scene.driven)
        first = clip.text.split(".")[0]
        if frozenset((driven, still)) not in colliding:
            lie = f"{first}. The {names[driven - 1]} collides with the {names[still - 1]}."
            assert Check(Clip(clip.scene, clip.rollout, lie)).faults
        moved = np.linalg.norm(clip.px[-1, driven - 1] - clip.px[0, driven - 1])
        if moved > 10:
            lie = f"{first}. The {names[driven - 1]} remains stationary throughout."
            assert Check(Clip(clip.scene, clip.rollout, lie)).faults


@pytest.mark.parametrize("options", [{"width_px": 180}, {"frames": 17, "fps": 8}, {"namesakes": 0.8}])
def test_other_sizes_rates_and_names(options):
    assert not false_claims(make(seed, tabletop.simulate_discs, **options) for seed in range(1000, 1030))


def test_nothing_happens():
    camera = tabletop.random_scene(0).camera
    bodies = [tabletop.body("cube", "red", (0.2, 0.2, 0.2), (0.0, 0.0))]
    scene = tabletop.scene(bodies, camera)
    text = caption(narrate(scene, tabletop.simulate_discs(scene)), np.random.default_rng(0))
    assert re.search(r"a red cube", text, re.I) and "remains stationary" in text


def test_c0_is_the_papers():
    assert C0 == "An object moving on a surface"
