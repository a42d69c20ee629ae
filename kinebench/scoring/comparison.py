"""Two scorecards of the same clips: which method is better, and how sure that is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kinebench.errors import KineBenchError
from kinebench.scoring.scorecard import Card
from kinebench.scoring.summary import Distances, Estimate, difference

SAME = ("name", "version", "split", "seed", "recipe_sha256", "reference")
"""What two scorecards must say alike of their dataset; it may have grown in other splits since."""

Verdict = Literal["first", "second", "no clear difference"]


@dataclass(frozen=True)
class Difference:
    """Of one metric: the first method's value minus the second's, over what both have."""

    metric: str
    first: float | None  # the values in the scorecards
    second: float | None
    estimate: Estimate
    better: Verdict


@dataclass(frozen=True)
class Comparison:
    """Metric by metric; and what could not be compared, with the reason."""

    names: tuple[str, str]
    differences: tuple[Difference, ...]
    left_out: Mapping[str, str]
    note: str | None = None  # what a reader must know of all of it


def compare(first: Card, second: Card) -> Comparison:
    """Paired differences over the clips, groups and sets that both scorecards have. Raises as `demand_alike` does."""
    demand_alike(first, second)
    names = _names(first, second)
    differences, left_out = [], {}
    for name in dict.fromkeys((*first["metrics"], *second["metrics"])):
        reason = _reason(name, dict(zip(names, (first, second), strict=True)))
        if reason is None:
            differences.append(_difference(name, first, second))
        else:
            left_out[name] = reason
    return Comparison(names, tuple(differences), left_out, _note(names, first, second))


def demand_alike(first: Card, second: Card) -> None:
    """Raises KineBenchError, naming each difference, unless both are of the same ground truth and computed alike."""
    if unlike := list(_unlike(first, second)):
        raise KineBenchError("the scores cannot be compared:\n" + "\n".join(f"  {line}" for line in unlike))


def _note(names: tuple[str, str], first: Card, second: Card) -> str | None:
    """That the methods show other frames of the clips, if they do."""
    if not _other_frames(first, second):
        return None
    one, two = (f"{name} at {frames_compared(card)}" for name, card in zip(names, (first, second), strict=True))
    return f"each is compared with the ground truth where it has frames, {one}, {two}: read each beside its ceiling"


def _other_frames(first: Card, second: Card) -> bool:
    return bool(first["sampling"]["truth_frames"] != second["sampling"]["truth_frames"])


def frames_compared(card: Card) -> str:
    """How many frames of a clip are compared."""
    shown, whole = len(card["sampling"]["truth_frames"]), card["sampling"]["clip_frames"]
    return f"all {whole} frames" if shown == whole else f"{shown} of {whole} frames"


def _names(first: Card, second: Card) -> tuple[str, str]:
    """What the methods are called, told apart if their folders had one name."""
    one, two = (str(card["predictions"]["name"]) for card in (first, second))
    return (f"{one} (first)", f"{two} (second)") if one == two else (one, two)


def other_truth(first: Card, second: Card) -> Iterator[str]:
    """What tells the ground truths of two scorecards apart, over the clips that both have."""
    for field in SAME:
        one, two = first["dataset"][field], second["dataset"][field]
        if one != two:
            yield f"dataset, {field}: {one} and {two}"
    clips = [key for key in first["clips"] if key in second["clips"]]
    changed = [key for key in clips if first["clips"][key]["truth"] != second["clips"][key]["truth"]]
    if changed:
        yield f"ground truth: {len(changed)} of {len(clips)} clips differ, the first is {changed[0]}"
    if not clips:
        yield "ground truth: no clip is in both"


def _unlike(first: Card, second: Card) -> Iterator[str]:
    yield from other_truth(first, second)
    common = [name for name in first["summaries"] if name in second["summaries"]]
    for name in common:
        one, two = first["metrics"][name]["version"], second["metrics"][name]["version"]
        if one != two:
            yield f"{name}, version: {one} and {two}"
    for meter in dict.fromkeys(first["metrics"][name]["meter"] for name in common):
        yield from other_setup(meter, first["meters"][meter], second["meters"][meter])


def other_setup(meter: str, one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[str]:
    """What tells two configurations of a meter apart."""
    for field in dict.fromkeys((*one, *two)):
        if field != "device" and one.get(field) != two.get(field):  # in one precision, devices agree up to rounding
            yield f"{meter}, {field}: {one.get(field)} and {two.get(field)}"


def _reason(name: str, cards: Mapping[str, Card]) -> str | None:
    """Why a metric cannot be compared, if it cannot."""
    for method, card in cards.items():
        if name not in card["summaries"]:
            return f"{method} has no value"
    first, second = cards.values()
    if first["metrics"][name]["scope"] != "set":
        return None
    if first["clips"].keys() != second["clips"].keys():
        return "the scores are of different sets of clips"
    if _other_frames(first, second):
        return f"sets of videos of {frames_compared(first)} and of {frames_compared(second)} have no common distance"
    return None


def _difference(name: str, first: Card, second: Card) -> Difference:
    metric = first["metrics"][name]
    if metric["scope"] == "set":
        found = _distances(first, name).minus(_distances(second, name))
    else:
        table = "clips" if metric["scope"] == "clip" else "groups"
        keys = [key for key in first[table] if key in second[table]]
        one, two = ([_row(card[table][key], name) for key in keys] for card in (first, second))
        # In one order, so that either card may come first: the intervals are each other's mirror images.
        content = " ".join((*sorted(card["predictions"]["sha256"] for card in (first, second)), name))
        found = difference(one, two, content)
    values = [card["summaries"][name]["value"] for card in (first, second)]
    return Difference(name, values[0], values[1], found, _verdict(found, metric["better"]))


def _distances(card: Card, name: str) -> Distances:
    kept = card["sets"][name]
    return Distances(kept["values"], tuple(kept["jackknife"]), card["summaries"][name]["n"])


def _row(row: Mapping[str, Any], name: str) -> Sequence[float | None]:
    return [cells.get("values", cells).get(name) for cells in row["predictions"].values()]


def _verdict(found: Estimate, better: str) -> Verdict:
    if found.low is None or found.high is None or found.low <= 0 <= found.high:
        return "no clear difference"
    return "first" if (found.low > 0) == (better == "higher") else "second"
