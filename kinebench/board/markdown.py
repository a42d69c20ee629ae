"""A validator's report for a pull request. What strangers wrote stands in code spans, where nothing is live."""

from collections.abc import Iterator

from kinebench.board.fault import Fault
from kinebench.board.validation import Group, Report

SHOWN = 10
"""Faults of a group."""
MOST_GROUPS = 40
LONGEST = 300
"""Characters of one text."""
_DEAD = {ord("`"): "'"} | dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " ")
_DEAD |= dict.fromkeys(
    (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000)), "\N{REPLACEMENT CHARACTER}"
)


def place(fault: Fault) -> str:
    """Where a fault is, in words."""
    seed = None if fault.seed is None else f"seed {fault.seed}"
    return ", ".join(part for part in (seed, fault.sample) if part) or fault.file or ""


def verdict(report: Report) -> str:
    """The last word, in one line."""
    errors, notices = len(report.errors), len(report.notices)
    noted = f", {notices} notice{'s' if notices != 1 else ''}" if notices else ""
    looked = f"{report.videos} video{'s' if report.videos != 1 else ''} looked at"
    if errors:
        return f"{errors} error{'s' if errors != 1 else ''}{noted}; {looked}"
    return f"it can be submitted: no errors{noted}; {looked}"


def markdown(report: Report) -> str:
    """The report as GitHub shows it: no mention, link, picture or HTML of others comes to life, and it has an end."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"### Submission {code(report.name)}"
    yield ""
    yield f"**{verdict(report)}**"
    groups = report.groups
    for group in groups[:MOST_GROUPS]:
        yield ""
        yield from _group(group)
    if len(groups) > MOST_GROUPS:
        yield ""
        yield f"and {sum(len(group.faults) for group in groups[MOST_GROUPS:])} more, of other kinds"


def _group(group: Group) -> Iterator[str]:
    yield f"**{group.level}**, to do: {code(group.remedy)}"
    yield ""
    for fault in group.faults[:SHOWN]:
        where = place(fault)
        yield f"- {code(where)} {code(fault.what)}" if where else f"- {code(fault.what)}"
    if len(group.faults) > SHOWN:
        yield f"- and {len(group.faults) - SHOWN} more"


def code(text: str) -> str:
    """Anybody's text as a code span, of bounded length: it holds no backtick that could end it, and no line end."""
    dead = text.translate(_DEAD).strip() or " "
    return f"`{dead if len(dead) <= LONGEST else dead[:LONGEST] + '...'}`"
