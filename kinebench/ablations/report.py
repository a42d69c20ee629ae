"""The report of a table: one HTML page that needs no other file and no net, and the same in Markdown."""

from html import escape
from pathlib import Path
from typing import Any

from kinebench import __version__
from kinebench.ablations import account, charts, markdown, page, reading
from kinebench.ablations.plan import Plan
from kinebench.ablations.record import RUN, read
from kinebench.ablations.results import Results
from kinebench.ablations.strips import Sample, samples
from kinebench.ablations.table import Table
from kinebench.shards.files import disk_room, write_atomic
from kinebench.template import filled

TEMPLATE = Path(__file__).with_name("report_page.html")
PAGE, TEXT, PICTURES = "report.html", "report.md", "strips"


def write(results: Results, plan: Plan, table: Table, out: Path) -> Path:
    """Write report.html, report.md and its pictures beside OUT/<table>/run.json, and return where the page is.

    The same results give the same bytes. Raises KineBenchError if the record, data, videos or scores are missing or
    damaged, or the disk is full.
    """
    folder = out / table.name
    shown, told = samples(plan, table, out), read(folder / RUN)
    whole = _page(results, plan, table, shown, told)
    pictures = dict(markdown.pictures(shown))
    files = {f"{PICTURES}/{name}": data for name, data in pictures.items()}
    files |= {TEXT: markdown.text(results, plan, table, shown, told, PICTURES).encode(), PAGE: whole}
    with disk_room("writing the report", out, sum(map(len, files.values()))):
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_atomic(folder / name, data)
    for old in (folder / PICTURES).glob("*.jpg"):
        if old.name not in pictures:
            old.unlink()
    return folder / PAGE


def _page(results: Results, plan: Plan, table: Table, shown: tuple[Sample, ...], told: dict[str, Any]) -> bytes:
    fields = {
        "title": escape(table.title),
        "question": escape(table.question),
        "account": escape(" ".join(account.account(plan, table))),
        "limits": escape(account.limits(plan)),
        "table": page.table(results, table),
        "notes": _list("notes", reading.notes(results, table)),
        "pairs": page.pairs(results),
        "legend": page.legend(results),
        "charts": "".join(charts.chart(results, column) for column in results.columns),
        "strips": page.strips(shown, results),
        "choices": _choices(table),
        "done": _done(results, plan, table, told),
        "foot": escape(f"{table.name} at scale {plan.scale.name}, KineBench {__version__}"),
    }
    return filled(TEMPLATE.read_text(), fields)


def _list(kind: str, lines: tuple[str, ...]) -> str:
    return f'<ul class="{kind}">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


def _choices(table: Table) -> str:
    return f"<h2>Where the paper does not say</h2>{_list('choices', table.choices)}" if table.choices else ""


def _done(results: Results, plan: Plan, table: Table, told: dict[str, Any]) -> str:
    commands = "\n".join(account.repeat(plan, table))
    return (
        f"{page.costs(results)}<h3>What it was done with</h3>{page.facts(account.facts(results, told))}"
        f"<h3>How to do it again</h3><pre>{escape(commands)}</pre>"
        "<p>run.json, beside this page, holds all that it takes: the table, the scale, seeds, versions, hashes.</p>"
    )
