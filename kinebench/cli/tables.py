"""Reports as rich tables."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from kinebench.stats.summary import Stats
    from kinebench.verify.folder import Report
    from kinebench.verify.inventory import Fault

SHOWN = 20
"""Faults that are printed; the rest are counted."""


def fault_line(fault: "Fault", number: int) -> str:
    """A fault as it is printed when it is found; `number` counts from 1."""
    return f"{'first fault' if number == 1 else f'fault {number}'}: {fault.subject}: {fault.fact}"


def print_report(report: "Report") -> None:
    """What the dataset is like as a whole, what to do about its faults, and the verdict in the last line."""
    console = Console()
    if report.plausibility.quantities:
        console.print(_spreads(report), _statements(report), sep="\n")
    remedies = dict.fromkeys(fault.remedy for fault in report.faults)
    lines = [f"to do about {_subjects(report, remedy)}: {remedy}" for remedy in remedies]
    count = len(report.faults)
    if count > SHOWN:
        lines.append(f"{count - SHOWN} more faults are not shown; --json PATH writes them all")
    looked = f"{report.samples} samples in {report.files} files"
    verdict = f"{count} fault{'s' if count > 1 else ''} in {looked}" if count else f"{looked} are sound"
    for line in (*lines, f"{report.folder}: {verdict}, {report.decoded} decoded"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _subjects(report: "Report", remedy: str) -> str:
    names = list(dict.fromkeys(fault.subject for fault in report.faults if fault.remedy == remedy))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _spreads(report: "Report") -> Table:
    table = Table(title=f"{report.folder}: what is measured, and the range wanted", title_justify="left")
    table.add_column("")
    for name in ("wanted", "lowest", "median", "highest"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in report.plausibility.quantities:
        low, high = ("" if end is None else f"{end:g}" for end in one.wanted)
        wanted = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else ""
        table.add_row(one.name, wanted, *(_fixed(value, one.digits) for value in (one.low, one.median, one.high)))
    return table


def _fixed(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}"  # no minus before zero


def _statements(report: "Report") -> Table:
    table = Table()
    for name in ("", "wanted", "measured"):
        table.add_column(name, overflow="fold")
    for one in report.plausibility.statements:
        table.add_row(one.name, one.wanted, one.measured)
    return table


def stats_tables(stats: "Stats") -> list[Table]:
    """A dataset in numbers: quantities, bytes, and what occurs how often; one column a split."""
    packed = any(split.member_bytes for split in stats.splits)
    return [_quantities(stats), *([_bytes(stats)] if packed else []), _names(stats)]


def _table(title: str, stats: "Stats") -> Table:
    table = Table(title=title, title_justify="left", min_width=min(len(title), 80))
    table.add_column("")
    for split in stats.splits:
        table.add_column(split.name, justify="right")
    return table


def _quantities(stats: "Stats") -> Table:
    from kinebench.stats.digest import quantities

    table = _table(f"{stats.source}: median (lowest..highest)", stats)
    columns = [quantities(split) for split in stats.splits]
    for name in columns[0] if columns else ():
        table.add_row(name, *(column[name] for column in columns))
    return table


def _bytes(stats: "Stats") -> Table:
    table = _table("kilobytes of each member: mean, median", stats)
    for suffix in dict.fromkeys(suffix for split in stats.splits for suffix in split.member_bytes):
        found = [split.member_bytes.get(suffix) for split in stats.splits]
        table.add_row(suffix, *(f"{s.mean / 1e3:,.1f}, {s.median / 1e3:,.1f}" if s else "" for s in found))
    totals = [sum(s.mean for s in split.member_bytes.values()) for split in stats.splits]
    table.add_section()
    table.add_row("a sample", *(f"{total / 1e3:,.1f}" for total in totals))
    return table


def _names(stats: "Stats") -> Table:
    from kinebench.stats.digest import names

    table = _table("what occurs, how often", stats)
    columns = [names(split) for split in stats.splits]
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(name, *(_list(column.get(name, {})) for column in columns))
    if len(stats.splits) > 1:
        shared = ", ".join(stats.shared_colours + stats.shared_textures) or "none"
        table.caption = f"colours and grounds in more than one split: {shared}"
    return table


def _list(counts: dict[str, int]) -> str:
    shown = [f"{name} {count}" for name, count in list(counts.items())[:12]]
    return "\n".join(shown + ([f"and {len(counts) - 12} more"] if len(counts) > 12 else []))
