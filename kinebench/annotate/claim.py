"""What a caption may say: typed claims about one clip, each checkable against its scene and rollout.

Objects are named by their ids (1..N). Left, right, up and down are the image's.
"""

from dataclasses import dataclass
from typing import Literal

from kinebench.annotate.place import Direction, Edge, Place

Strength = Literal["slight", "plain", "firm", "hard"]
Extent = Literal["slight", "plain", "far"]
# What a touch does to a body that stood still (first four) or was moving (last four).
Effect = Literal["pushed", "nudged", "turned", "unmoved", "continues", "deflected", "rebounds", "halts"]
Manner = Literal["in front of", "behind", "close to"]


@dataclass(frozen=True)
class Thing:
    """An object that shows at the start."""

    id: int
    colour: str
    shape: str
    reference: str  # singles it out by name and initial place: "the white cube on the left"
    rank: int  # among those of its name: from left to right, or from near to far
    place: Place  # at frame 0
    driven: bool

    @property
    def name(self) -> str:
        """What it is called when it need not be told from others: "white cube"."""
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Moves:
    """A body that no touch has set in motion moves; from `time_s` to its first touch, or to its end."""

    time_s: float
    body: int
    direction: Direction
    extent: Extent
    target: int | None  # the body it heads for and then strikes or narrowly misses


@dataclass(frozen=True)
class Passes:
    """A moving body goes past one that stands still, without ever touching it."""

    time_s: float  # when they are closest
    body: int
    other: int
    manner: Manner
    close: bool  # within `NEAR_MISS_M`


@dataclass(frozen=True)
class Strikes:
    """Two bodies collide in view."""

    time_s: float  # of the event
    striker: int
    struck: int
    mutual: bool  # each runs at the other: neither is the striker
    strength: Strength
    glancing: bool  # mostly along the surface
    again: bool  # the two have collided before and parted visibly


@dataclass(frozen=True)
class Reacts:
    """What a body does because of a collision, until its next one or its end."""

    time_s: float  # of the collision
    body: int
    other: int
    effect: Effect
    direction: Direction | None  # for "pushed", "nudged", "continues", "deflected", "rebounds"
    slight: bool  # it goes less than a clear way
    spins: bool  # it also turns visibly about the vertical


@dataclass(frozen=True)
class Topples:
    """A body falls over: its upright axis ends up lying."""

    time_s: float
    body: int
    rolls: bool  # a cylinder that rolls on, on its side


@dataclass(frozen=True)
class Stops:
    """A body that has moved is at rest from `time_s` to the end."""

    time_s: float
    body: int
    place: Place
    beside: int | None  # a body close to it, also at the end


@dataclass(frozen=True)
class KeepsMoving:
    """A body still moves when the clip ends."""

    time_s: float  # the clip's end
    body: int
    direction: Direction


@dataclass(frozen=True)
class Leaves:
    """From `time_s` to the end nothing of the body is in the image."""

    time_s: float
    body: int
    edge: Edge


Claim = Moves | Passes | Strikes | Reacts | Topples | Stops | KeepsMoving | Leaves


@dataclass(frozen=True)
class Narrative:
    """The facts of one clip that a person would tell."""

    ground: str  # with article: "a wooden floor"
    things: tuple[Thing, ...]  # in the scene's order; bodies that do not show at frame 0 are left out
    claims: tuple[Claim, ...]  # in order of time
    stationary: tuple[int, ...]  # ids of the things that never visibly move

    def thing(self, identity: int) -> Thing:
        """The thing with this id."""
        return next(thing for thing in self.things if thing.id == identity)
