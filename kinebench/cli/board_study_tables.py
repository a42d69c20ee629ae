"""What a study found, as rich tables."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from kinebench.board.study.findings import Finding, Findings, Share

WIDTH = 110


def print_findings(found: "Findings") -> None:
    """A table of shares and one of strengths for each question, and who took part."""
    from kinebench.board.study.report import people
    from kinebench.board.study.wording import number

    console = Console(width=WIDTH)
    for each in found.findings:
        console.print(Text(), _shares(each), sep="\n")
        if each.strengths:
            console.print(_strengths(each))
        for line in (*each.notes, f"agreement, Krippendorff's alpha: {number(each.alpha)}"):
            console.print(line, markup=False, highlight=False)
    console.print()
    for line in people(found):
        console.print(line, markup=False, highlight=False)


def _shares(found: "Finding") -> Table:
    made = Table(title=Text(f"{found.question}: {found.text}", "table.title"), title_justify="left", min_width=WIDTH)
    for name in ("first", "second"):
        made.add_column(name)
    for name in ("first preferred", "no difference", "second preferred", "answers"):
        made.add_column(name, justify="right", no_wrap=True)
    for row in found.preferences:
        shares = map(_share, (row.prefers_first, row.no_difference, row.prefers_second))
        made.add_row(row.first, row.second, *shares, str(row.answers))
    return made


def _share(share: "Share") -> str:
    from kinebench.board.study.wording import interval, percent

    span = interval(share.low, share.high, percent)
    return percent(share.value) + (f" ({span})" if span else "")


def _strengths(found: "Finding") -> Table:
    from kinebench.board.study.wording import interval, number

    made = Table()
    made.add_column("method")
    for name in ("strength, logits", "95 % interval"):
        made.add_column(name, justify="right", no_wrap=True)
    for row in found.strengths:
        made.add_row(row.method, number(row.value), interval(row.low, row.high, number))
    return made
