"""Who is asked what: pairs of methods on clips that are split into groups, and catch trials. One secret draws it all.

Names of films, trials and conditions are drawn too, so that nothing that a participant gets tells a method or a side.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from kinebench.errors import KineBenchError

Answer = Literal["left", "right", "same"]
ANSWERS: tuple[Answer, ...] = ("left", "right", "same")
QUESTIONS = {
    "direction": "Which of the two videos better follows the motion that the arrow indicates, in terms of direction?",
    "interactions": "Which of the two videos has the more realistic object interactions?",
    "physics": "Which of the two videos has the better overall physical realism?",
}
"""By name, after the paper's appendix A.2."""
CATCH_QUESTION = "direction"
"""What stands still follows no arrow. Of interactions and physics a still video need not be the worse one."""
MOVING, STATIC = "moving", "static"
"""The sides of a catch trial: the truth, or without one the objects moved along their arrows; and the first frame."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""What a method is called in a report."""
LEAST_CATCHES, TRIALS_PER_CATCH, CATCHES_PER_MISTAKE = 3, 10, 5


@dataclass(frozen=True)
class Film:
    """What one film shows."""

    of: str | None  # the method; None: a side of a catch trial
    clip: str  # its key
    shows: str = "video"  # or MOVING, STATIC


@dataclass(frozen=True)
class Trial:
    """Two films of one clip, by their names; a catch trial says which is right."""

    clip: str
    films: tuple[str, str]
    group: int | None  # None: every group is asked
    right: str | None = None


@dataclass(frozen=True)
class Design:
    """A study. All names are opaque; `films`, `trials` and `conditions` are in order of theirs."""

    study: str
    methods: tuple[str, ...]
    groups: int
    films: Mapping[str, Film]
    trials: Mapping[str, Trial]
    conditions: Mapping[str, str]  # key of a clip -> name of its picture

    def of_group(self, group: int) -> list[str]:
        """The trials that a group is asked, catch trials among them."""
        return [name for name, trial in self.trials.items() if trial.group in (None, group)]

    @property
    def catches(self) -> list[str]:
        """Catch trials, which every group is asked."""
        return [name for name, trial in self.trials.items() if trial.right is not None]

    @property
    def needed(self) -> int:
        """Right answers to catch trials that a participant must have given to be counted.

        One who clicks at random has them with a probability below 5 %.
        """
        return needed(len(self.catches))


def needed(catches: int) -> int:
    """All of them, but one in five."""
    return catches - catches // CATCHES_PER_MISTAKE


def catches_for(trials: int) -> int:
    """How many catch trials go with so many trials of a participant."""
    return max(LEAST_CATCHES, round(trials / TRIALS_PER_CATCH))


def design(
    secret: str, methods: Sequence[str], travel_px: Mapping[str, float], samples: int | None, groups: int
) -> Design:
    """The study that `secret` (hex digits) draws.

    `travel_px` has every clip that can be asked about, by key: how long its arrow is. `samples` clips are drawn, None
    for as many as 50; catch trials take the longest arrows of those left. Raises KineBenchError if numbers do not fit.
    """
    rng = np.random.default_rng(int(secret, 16))
    if len(methods) < 2:
        raise KineBenchError("a study compares two methods or more; give --method NAME=PRED for each")
    for name in methods:
        if not NAME.fullmatch(name):
            raise KineBenchError(f"--method {name}: a name has letters, digits, dots, - and _, at most 40")
    pairs = list(combinations(sorted(methods), 2))
    count = _samples(samples, len(travel_px), groups)
    chosen = [str(key) for key in rng.permutation(sorted(travel_px))[:count]]
    wanted = catches_for(count // groups * len(pairs))
    left = sorted(travel_px.keys() - set(chosen), key=lambda key: (-travel_px[key], key))
    caught = (left + sorted(chosen, key=lambda key: (-travel_px[key], key)))[:wanted]
    names = _names(rng)
    study = next(names)
    films = {Film(method, key): next(names) for key in chosen for method in sorted(methods)}
    sides = {Film(None, key, shows): next(names) for key in caught for shows in (MOVING, STATIC)}
    trials = {
        next(names): _trial(key, films[Film(one, key)], films[Film(two, key)], number * groups // count)
        for number, key in enumerate(chosen)
        for one, two in pairs
    }
    for key in caught:
        right = sides[Film(None, key, MOVING)]
        trials[next(names)] = _trial(key, right, sides[Film(None, key, STATIC)], None, right)
    shown = {name: film for film, name in (films | sides).items()}
    conditions = {key: next(names) for key in dict.fromkeys((*chosen, *caught))}
    return Design(
        study, tuple(sorted(methods)), groups, dict(sorted(shown.items())), dict(sorted(trials.items())), conditions
    )


DEFAULT_SAMPLES = 50
"""As many images as the paper's study has."""


def _samples(asked: int | None, there: int, groups: int) -> int:
    """A multiple of the groups."""
    most = there // groups * groups
    if most == 0:
        raise KineBenchError(f"{there} clips have an arrow, too few for {groups} groups; give --groups {max(there, 1)}")
    if asked is None:
        return max(groups, min(most, DEFAULT_SAMPLES // groups * groups))
    if asked < 1 or asked % groups or asked > most:
        near = min(max(round(asked / groups), 1) * groups, most)
        raise KineBenchError(
            f"--samples {asked}: {groups} groups that see equally many clips, of {there} that have an arrow, "
            f"want a multiple of {groups} up to {most}; give --samples {near}"
        )
    return asked


def _trial(clip: str, one: str, two: str, group: int | None, right: str | None = None) -> Trial:
    """Films in order of their names, which tell nothing."""
    first, second = sorted((one, two))
    return Trial(clip, (first, second), group, right)


def _names(rng: np.random.Generator) -> Iterator[str]:
    """Twelve hex digits, never the same."""
    seen = set[str]()
    while True:
        name = rng.bytes(6).hex()
        if name not in seen:
            seen.add(name)
            yield name
