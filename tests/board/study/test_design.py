"""What a participant is asked: the same for the same id, balanced over all."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.board.study import order
from kinebench.board.study.design import design, needed
from kinebench.errors import KineBenchError

CLIPS = {f"clip_{number:03d}": 10.0 + number for number in range(60)}
SECRET = "0123456789abcdef"


def people(count):
    return [f"p{number}" for number in range(count)]


@given(st.integers(2, 5), st.integers(1, 6), st.integers(1, 4), st.integers(0, 2**64))
def test_every_group_is_asked_equally_much_of_every_pair(methods, groups, share, secret):
    names = [f"m{number}" for number in range(methods)]
    made = design(f"{secret:x}", names, CLIPS, groups * share, groups)
    pairs = {frozenset(pair) for pair in combinations(names, 2)}
    clips = []
    for group in range(groups):
        trials = [made.trials[name] for name in made.of_group(group) if made.trials[name].right is None]
        asked = Counter(frozenset(made.films[film].of for film in trial.films) for trial in trials)
        assert asked == dict.fromkeys(pairs, share)
        assert all({made.films[film].clip for film in trial.films} == {trial.clip} for trial in trials)
        clips += {trial.clip for trial in trials}
    assert len(clips) == len(set(clips)) == groups * share
    assert len(made.catches) >= 3 and set(made.conditions) >= set(clips)


def test_a_secret_draws_everything():
    one, same, other = (design(secret, ["a", "b"], CLIPS, 10, 5) for secret in (SECRET, SECRET, "1"))
    assert one == same
    assert not (one.films.keys() | one.trials.keys()) & (other.films.keys() | other.trials.keys())
    assert one != other and one.study != other.study


def test_names_tell_nothing():
    """Neither a film's name nor its place in a trial goes with its method."""
    made = design(SECRET, ["a", "b"], CLIPS, 60, 5)
    first = Counter(made.films[trial.films[0]].of for trial in made.trials.values() if trial.right is None)
    assert sum(first.values()) == 60 and 18 <= first["a"] <= 42
    assert list(made.films) == sorted(made.films) and list(made.trials) == sorted(made.trials)
    rights = [trial.films[0] == trial.right for trial in made.trials.values() if trial.right]
    assert len(rights) == 3


def test_catch_trials_are_of_clips_that_move_far_and_are_asked_nowhere_else():
    made = design(SECRET, ["a", "b", "c"], CLIPS, 50, 5)
    caught = {made.trials[name].clip for name in made.catches}
    others = {trial.clip for trial in made.trials.values() if trial.right is None}
    assert not caught & others
    assert caught == set(sorted(CLIPS.keys() - others, key=CLIPS.get)[-len(caught) :])


def test_the_same_id_sees_the_same_and_sides_are_even():
    made = design(SECRET, ["a", "b"], CLIPS, 50, 5)
    trials = made.of_group(0)
    assert order.ordered(made.study, "ann", trials) == order.ordered(made.study, "ann", reversed(trials))
    assert order.ordered(made.study, "ann", trials) != order.ordered(made.study, "ben", trials)
    left = [order.swapped(made.study, name, trial) for name in people(400) for trial in trials]
    assert abs(sum(left) / len(left) - 0.5) < 4 * 0.5 / len(left) ** 0.5
    of_one = [sum(order.swapped(made.study, name, trial) for name in people(400)) for trial in trials]
    assert all(140 < count < 260 for count in of_one)  # no trial has a side of its own
    groups = Counter(order.group(made.study, name, 5) for name in people(1000))
    assert len(groups) == 5 and all(150 < count < 250 for count in groups.values())
    places = Counter(order.ordered(made.study, name, trials)[0] for name in people(400))
    assert len(places) == len(trials) and max(places.values()) < 70


def test_who_clicks_at_random_is_caught():
    """One answer in three is right by chance: the rule lets fewer than one in twenty through."""
    from math import comb

    for count in range(3, 30):
        chance = sum(comb(count, k) * 2 ** (count - k) for k in range(needed(count), count + 1)) / 3**count
        assert chance < 0.05, count


@pytest.mark.parametrize(
    ("methods", "samples", "groups", "message"),
    [
        (["a"], 10, 5, "two methods or more"),
        (["a", "b c"], 10, 5, "--method b c"),
        (["a", "b"], 12, 5, "multiple of 5 up to 60; give --samples 10"),
        (["a", "b"], 100, 5, "give --samples 60"),
        (["a", "b"], 0, 5, "give --samples 5"),
        (["a", "b"], None, 61, "too few for 61 groups; give --groups 60"),
    ],
)
def test_what_does_not_fit_is_told_with_what_would(methods, samples, groups, message):
    with pytest.raises(KineBenchError, match=message):
        design(SECRET, methods, CLIPS, samples, groups)


def test_fifty_clips_as_the_paper_or_as_many_as_there_are():
    def asked(clips, groups):
        made = design(SECRET, ["a", "b"], dict(list(CLIPS.items())[:clips]), None, groups)
        return sum(trial.right is None for trial in made.trials.values())

    assert (asked(60, 5), asked(60, 7), asked(23, 5), asked(60, 60)) == (50, 49, 20, 60)
