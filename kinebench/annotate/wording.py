"""The words of captions: number words, lists, directions, places, and the verb phrases of each claim.

Verb phrases are in the third person singular, present tense. Every function that has a choice takes it from the
voice's generator, so that equal draws give equal words.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from kinebench.annotate.claim import KeepsMoving, Leaves, Moves, Narrative, Passes, Reacts, Stops, Strikes, Topples
from kinebench.annotate.place import Direction, Edge, Place

Option = TypeVar("Option")
EVENTUALLY_S = 0.8  # from here on something may happen "eventually"
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
# How a caption names the image's vertical: by the picture, by depth, or by who looks on. One way in each caption.
Vertical = Literal["frame", "depth", "viewer"]
VERTICALS: tuple[Vertical, ...] = ("frame", "depth", "viewer")
_UP: dict[Vertical, str] = {
    "frame": "towards the top of the frame",
    "depth": "towards the background",
    "viewer": "away from the viewer",
}
_DOWN: dict[Vertical, str] = {
    "frame": "towards the bottom of the frame",
    "depth": "towards the foreground",
    "viewer": "towards the viewer",
}
_EDGES: dict[Edge, str] = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
}
_COLLISIONS: dict[str, tuple[str, ...]] = {
    "slight": ("collides slightly with {}", "bumps gently into {}", "hits {} lightly", "bumps lightly into {}"),
    "plain": ("collides with {}", "hits {}", "bumps into {}", "runs into {}", "collides with {}"),
    "firm": ("collides firmly with {}", "hits {} firmly", "strikes {} firmly"),
    "hard": ("collides hard with {}", "hits {} hard", "crashes into {}", "slams into {}"),
}
_GLANCES: dict[str, tuple[str, ...]] = {"slight": ("brushes against {}", "grazes {}"), "plain": ("clips {}",)}
_MUTUAL: dict[str, tuple[str, ...]] = {
    "slight": ("collide slightly", "collide gently"),
    "plain": ("collide", "bump into each other"),
    "firm": ("collide firmly",),
    "hard": ("collide hard", "crash into each other"),
}


@dataclass(frozen=True)
class Voice:
    """One caption's manner of speaking: its source of choices and its word for up and down."""

    narrative: Narrative
    rng: np.random.Generator
    vertical: Vertical

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return float(self.rng.random()) < probability

    def pick(self, *options: Option) -> Option:
        """One of the options."""
        return options[int(self.rng.integers(len(options)))]

    def reference(self, identity: int, subject: int | None = None) -> str:
        """The expression that singles the object out; "the other white cube" next to a `subject` of the same name."""
        thing = self.narrative.thing(identity)
        if subject is not None and subject != identity and self.narrative.thing(subject).name == thing.name:
            namesakes = sum(other.name == thing.name for other in self.narrative.things)
            if namesakes == 2:
                return f"the other {thing.name}"
        return thing.reference

    def referred(self, text: str) -> frozenset[int]:
        """The objects whose references stand in a text; "the other white cube" refers to both white cubes."""
        things = self.narrative.things
        return frozenset(t.id for t in things if t.reference in text or f"the other {t.name}" in text)

    def named_by_place(self, identity: int) -> bool:
        """Whether the reference already says where the object starts."""
        thing = self.narrative.thing(identity)
        return thing.reference != f"the {thing.name}"


def both(voice: Voice, ids: list[int]) -> str:
    """Such as "the red cube and the blue cube", or for all the objects of one name "both pink cubes"."""
    groups: dict[str, list[int]] = {}
    for identity in ids:
        groups.setdefault(voice.narrative.thing(identity).name, []).append(identity)
    items = []
    for name, group in groups.items():
        everyone = sum(thing.name == name for thing in voice.narrative.things)
        group.sort(key=lambda identity: voice.narrative.thing(identity).rank)
        if len(group) == everyone > 1:
            items.append(
                voice.pick(f"both {name}s", f"the two {name}s") if everyone == 2 else f"all {number(everyone)} {name}s"
            )
        else:
            items += [voice.reference(identity) for identity in group]
    return listed(items)


def number(count: int) -> str:
    """A number word; digits beyond twelve."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def listed(items: list[str]) -> str:
    """Such as "a", "a and b", "a, b, and c"."""
    if len(items) <= 2:
        return " and ".join(items)
    return f"{', '.join(items[:-1])}, and {items[-1]}"


def with_article(name: str) -> str:
    """Such as "a red cube", "an orange cube"."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def counted(names: list[str]) -> list[str]:
    """Names in order of first mention, namesakes together: "a red cube", "two pink cubes"."""
    return [with_article(name) if n == 1 else f"{number(n)} {name}s" for name, n in Counter(names).items()]


def whither(voice: Voice, direction: Direction) -> str:
    """Where a motion goes: "to the right", "towards the top left"."""
    if direction in ("left", "right"):
        return f"to the {direction}"
    if direction == "top":
        return _UP[voice.vertical]
    if direction == "bottom":
        return _DOWN[voice.vertical]
    return f"towards the {direction}"


def where(voice: Voice, place: Place, *, short: bool = False) -> str:
    """Where something is in the image: "in the center", "in the background on the left"."""
    if place.row == "middle":
        if place.column == "center":
            if short:
                return "in the center"
            return voice.pick("in the center", "near the center", "in the center of the frame")
        if short:
            return f"on the {place.column}"
        return voice.pick(f"on the {place.column}", f"on the {place.column} side of the frame")
    if place.column == "center":
        return f"in the {place.row}"
    if voice.vertical == "frame":
        return f"in the {'top' if place.row == 'background' else 'bottom'} {place.column} part of the frame"
    return f"in the {place.row} on the {place.column}"


def moving(voice: Voice, claim: Moves, *, aim: bool) -> str:
    """Such as "moves to the right", "moves towards the green cube"; names the target only if `aim`."""
    path = whither(voice, claim.direction)
    if aim and claim.target is not None:
        target = voice.reference(claim.target, claim.body)
        sideways = path.startswith("to the")
        return f"moves {path} towards {target}" if sideways and voice.chance(0.5) else f"moves towards {target}"
    if claim.extent == "slight":
        return voice.pick(f"moves slightly {path}", f"moves a short distance {path}")
    if claim.extent == "far" and claim.direction in ("left", "right"):
        return voice.pick(f"moves across the frame {path}", f"moves {path} across the frame")
    return f"moves {path}"


def moving_together(voice: Voice, claim: Moves) -> str:
    """The plural of `moving`, for bodies that move alike."""
    return f"move {'slightly ' if claim.extent == 'slight' else ''}{whither(voice, claim.direction)}"


def colliding(voice: Voice, claim: Strikes, struck: str) -> str:
    """Such as "collides slightly with the white cylinder"; `struck` is a reference or "it"."""
    options = _COLLISIONS[claim.strength]
    if claim.glancing and claim.strength in _GLANCES:
        options = _GLANCES[claim.strength]
    return voice.pick(*options).format(struck) + (" again" if claim.again else "")


def colliding_together(voice: Voice, claim: Strikes, *, each_other: bool = True) -> str:
    """The plural verb phrase of a mutual collision: "collide slightly"; without "each other" if that stands before."""
    options = [phrase for phrase in _MUTUAL[claim.strength] if each_other or "each other" not in phrase]
    return voice.pick(*options) + (" again" if claim.again else "")


def eventually(voice: Voice, time_s: float, phrase: str) -> str:
    """The verb phrase of something that happens at `time_s`, with "eventually" now and then if that is late."""
    return f"eventually {phrase}" if time_s >= EVENTUALLY_S and voice.chance(0.4) else phrase


def then(phrase: str) -> str:
    """Such as "then stops", "is then deflected to the left"; what goes on is not "then"."""
    if phrase.startswith("is still "):
        return phrase
    return f"is then {phrase[3:]}" if phrase.startswith("is ") else f"then {phrase}"


def reacting(voice: Voice, claim: Reacts) -> str:
    """What a body does after a collision: "is pushed to the right", "bounces back"."""
    path = whither(voice, claim.direction) if claim.direction else ""
    slightly = "slightly " if claim.slight else ""
    options = {
        "pushed": (f"is pushed {slightly}{path}", f"moves {slightly}{path}"),
        "nudged": (f"moves slightly {path}", f"is pushed slightly {path}", f"shifts slightly {path}"),
        "turned": ("turns in place", "turns slightly on the spot"),
        "unmoved": ("stays in place",) if claim.body in voice.narrative.stationary else ("barely moves",),
        "continues": (f"continues {slightly}{path}", f"keeps moving {slightly}{path}"),
        "deflected": (f"is deflected {slightly}{path}", f"veers off {slightly}{path}"),
        "rebounds": (f"bounces back {slightly}{path}", f"rebounds {slightly}{path}"),
        "halts": ("stops", "comes to a stop"),
    }[claim.effect]
    if claim.spins and claim.effect == "pushed":
        return f"is sent spinning {path}"
    return voice.pick(*options)


def pushing(voice: Voice, claim: Reacts, strike: Strikes) -> str | None:
    """The same said of the one who strikes: "pushing it to the right"; None where English has no such word."""
    path = whither(voice, claim.direction) if claim.direction else ""
    if claim.effect == "pushed":
        if claim.spins and not claim.slight:
            return f"sending it spinning {path}"
        if claim.slight:
            return voice.pick(f"pushing it slightly {path}", f"moving it slightly {path}")
        hits_hard = strike.strength in ("firm", "hard")
        return voice.pick("pushing", "knocking" if hits_hard else "moving", "sending" if hits_hard else "pushing") + (
            f" it {path}"
        )
    if claim.effect == "nudged":
        return voice.pick(f"nudging it {path}", f"pushing it slightly {path}", f"moving it slightly {path}")
    if claim.effect == "turned":
        return voice.pick("turning it slightly", "making it turn in place")
    return f"deflecting it {path}" if claim.effect == "deflected" else None


def toppling(voice: Voice, claim: Topples) -> list[str]:
    """Verb phrases such as "falls over", and "rolls" for a cylinder that rolls on, on its side."""
    if voice.narrative.thing(claim.body).shape == "cube":
        return [voice.pick("tips over", "tumbles over")]
    fall = voice.pick("falls over", "falls onto its side", "topples over")
    return [fall, "rolls"] if claim.rolls else [fall]


def passing(voice: Voice, claim: Passes, *, it: int | None = None) -> str:
    """Such as "passes behind the green cube", "narrowly misses it"; `it` is the object that "it" would mean here."""
    other = "it" if it == claim.other else voice.reference(claim.other, claim.body)
    if not claim.close:
        return f"passes {claim.manner} {other}"
    just = "" if claim.manner == "close to" else "just "
    return voice.pick(f"passes {just}{claim.manner} {other}", f"narrowly misses {other}")


def ending(
    voice: Voice, claim: Stops | KeepsMoving | Leaves, *, it: int | None = None, told: bool = False, apart: bool = False
) -> str:
    """How a body ends: "stops in the center", "leaves the frame on the right".

    `it` is the object that "it" would mean here; `told` says that its direction has just been named, `apart` that the
    one it stands beside is not to be named.
    """
    if isinstance(claim, Leaves):
        if told:
            return voice.pick("leaves the frame", "exits the frame") + voice.pick("", f" {_EDGES[claim.edge]}")
        return voice.pick("leaves the frame", "moves out of the frame") + f" {_EDGES[claim.edge]}"
    if isinstance(claim, KeepsMoving):
        if told:
            return voice.pick("is still moving at the end", "keeps moving until the end")
        return f"is still moving {whither(voice, claim.direction)} at the end"
    stop = voice.pick("stops", "comes to rest", "comes to a stop")
    if claim.beside is not None and not apart:
        beside = "it" if claim.beside == it else voice.reference(claim.beside, claim.body)
        return f"{stop} next to {beside}"
    if claim.place == voice.narrative.thing(claim.body).place and told:
        return stop
    return f"{stop} {where(voice, claim.place)}"
