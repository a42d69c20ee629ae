"""Scorecards and their differences as rich tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kinebench.cli.printable import printable
from kinebench.cli.score_notes import notes

if TYPE_CHECKING:
    from kinebench.scoring.comparison import Comparison
    from kinebench.scoring.scorecard import Card

SHOWN = 20
"""Unusable predictions that are listed; the rest are counted."""
ARROWS = {"lower": "↓", "higher": "↑"}
NOTHING = "-"


def print_scores(card: "Card", names: Sequence[str] = ()) -> None:
    """The headline metrics, or those named; what could not be computed, and what was scored worst case."""
    console = Console()
    console.print(_scores(card, names))
    _print(console, (*notes(card), *_apart(card), *_unavailable(card), *_unusable(card)))


def _print(console: Console, lines: Iterable[str]) -> None:
    """Each on a line of its own, whatever method, file or error a text in it is from."""
    for line in lines:
        console.print(printable(" ".join(line.split("\n"))), markup=False, highlight=False, soft_wrap=True)


def _shown(card: "Card", names: Sequence[str]) -> list[str]:
    """Names of the metrics for a table: of a meter that is named, all."""
    grouped = bool(card["groups"])
    return [
        name
        for name, one in card["metrics"].items()
        if name in names
        or ((one["meter"] in names if names else one["headline"]) and (one["scope"] != "group" or grouped))
    ]


def _title(card: "Card") -> str:
    data, predictions = card["dataset"], card["predictions"]
    seeds = f", {len(predictions['seeds'])} seeds" if len(predictions["seeds"]) > 1 else ""
    frames = "lossless frames" if data["reference"] == "lossless" else "frames of the mp4"
    where = f"{data['name']} {data['version']}, {data['split']}"
    return f"{predictions['name']}{seeds} on {where}: {data['clips']} clips, {frames}"


def _scores(card: "Card", names: Sequence[str]) -> Table:
    table = _table(_title(card))
    table.add_column("metric", no_wrap=True)
    for name in ("value", "95 % interval", "truth itself", "N"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in _shown(card, names):
        metric, found = card["metrics"][name], card["summaries"].get(name)
        unit = "" if metric["unit"] in name else f", {metric['unit']}"  # names such as trajectory_px say it already
        label = f"{ARROWS[metric['better']]} {name}{unit}"
        if found is None:
            table.add_row(label, NOTHING, "", "", "")
        else:
            table.add_row(label, number(found["value"]), _interval(found), _reference(found), str(found["n"]))
    return table


def _table(title: str) -> Table:
    return Table(title=Text(printable(title), "table.title"), title_justify="left", min_width=min(len(title), 80))


def _interval(found: Mapping[str, Any]) -> str:
    return f"{number(found['low'])} to {number(found['high'])}" if found["low"] is not None else ""


def _reference(found: Mapping[str, Any]) -> str:
    """The ceiling of a mean; the floor of a distance, with how many clips it is of."""
    if "floor" not in found:
        return number(found["ceiling"])
    return f"{number(found['floor'])} (N {found['floor_n']})" if found["floor"] is not None else NOTHING


def number(value: float | None) -> str:
    """A score for people: about four digits."""
    if value is None:
        return NOTHING
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # no minus before zero


def _apart(card: "Card") -> list[str]:
    """What stands alone by the options of its meter."""
    meters = [name for name, setup in card["meters"].items() if setup.get("comparable") is False]
    names = [name for name in card["summaries"] if card["metrics"][name]["meter"] in meters]
    return [f"not comparable with published numbers, by its options or weights: {_list(names)}"] if names else []


def _unavailable(card: "Card") -> list[str]:
    return _reasons("not computed", card["unavailable"])


def _reasons(what: str, found: Mapping[str, str]) -> list[str]:
    """One line for each reason, with the metrics that it is of."""
    reasons: dict[str, list[str]] = {}
    for name, reason in found.items():
        reasons.setdefault(reason, []).append(name)
    return [f"{what}: {_list(names)}: {reason}" for reason, names in reasons.items()]


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _unusable(card: "Card") -> list[str]:
    found, seeds = card["unusable"], card["predictions"]["seeds"]
    unknown = card["predictions"]["unknown"]
    lines = [f"ignored: {_list(unknown)}: no clip of the split is called so"] if unknown else []
    if not found:
        return lines
    lines.append(f"{len(found)} of {card['dataset']['clips'] * len(seeds)} predictions count as worst case:")
    for one in found[:SHOWN]:
        seed = f", seed {one['seed']}" if len(seeds) > 1 else ""
        lines.append(f"  {one['key']}{seed} {one['reason']}; {one['remedy']}")
    if len(found) > SHOWN:
        lines.append(f"  and {len(found) - SHOWN} more, in the scores")
    return lines


def print_comparison(found: "Comparison", metrics: Mapping[str, Any]) -> None:
    """Each metric of both methods, the interval of their difference, and who is better; not what neither has."""
    console = Console()
    first, second = map(printable, found.names)
    table = _table(f"{first} against {second}, paired")
    table.collapse_padding = True  # so that it fits into 80 columns
    table.add_column("metric", no_wrap=True)
    for name in (Text(first), Text(second)):  # as they are: rich takes [x] in a str for markup
        table.add_column(name, justify="right", min_width=6)
    table.add_column("difference, 95 %", justify="right", no_wrap=True)
    table.add_column("N", justify="right", no_wrap=True)
    table.add_column("better")
    for one in found.differences:
        if one.first is None and one.second is None:
            continue
        estimate = one.estimate
        better = {"first": first, "second": second}.get(one.better, "not clear")
        values = (number(one.first), number(one.second))
        spread = _interval(estimate.plain()) or number(estimate.value)
        label = f"{ARROWS[metrics[one.metric]['better']]} {one.metric}"
        table.add_row(label, *values, spread, str(estimate.n), Text(better))
    console.print(table)
    _print(console, (*([found.note] if found.note else []), *_reasons("not compared", found.left_out)))


def anchor_table(cards: "Mapping[str, Card]") -> Table:
    """One column a method, the ground truth itself first; one row a headline metric that has something to measure."""
    first = next(iter(cards.values()))
    data = first["dataset"]
    table = _table(f"{data['name']}, {data['split']}, {data['clips']} clips")
    table.add_column("metric", no_wrap=True)
    for name in ("ground truth", *cards):
        table.add_column(name, justify="right", no_wrap=True)
    for name in _shown(first, ()):
        found = [card["summaries"].get(name) for card in cards.values()]
        if all(found) and any(one["value"] is not None for one in found):
            ceiling = number(found[0].get("ceiling"))
            label = f"{ARROWS[first['metrics'][name]['better']]} {name}"
            table.add_row(label, ceiling, *(number(one["value"]) for one in found))
    return table
