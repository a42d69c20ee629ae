"""Reports as rich tables."""

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from kinebench.bench.physics import Tally
    from kinebench.bench.render import ClipCost
    from kinebench.shards.stats import SplitStats, Spread, Stats
    from kinebench.shards.verify import Report

SHOWN = 40
PAPER_CLIPS = 10_100
"""Training and test clips of one dataset in the paper (4.1)."""


def print_report(report: "Report") -> None:
    """One line for a sound dataset; else its first `SHOWN` faults, and what to do about each kind."""
    console = Console()
    if report.sound:
        console.print(
            f"{report.folder}: {report.samples} samples in {report.files} files are sound, {report.decoded} decoded",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return
    remedies = {remedy: str(number) for number, remedy in enumerate(dict.fromkeys(f.remedy for f in report.faults), 1)}
    count = len(report.faults)
    table = Table(title=f"{report.folder}: {count} fault{'s' if count > 1 else ''}", title_justify="left")
    table.add_column("sample or file", no_wrap=True)
    table.add_column("what is wrong", overflow="fold")
    table.add_column("do")
    for fault in report.faults[:SHOWN]:
        table.add_row(escape(fault.subject), escape(fault.fact), remedies[fault.remedy])
    if count > SHOWN:
        table.add_row("...", f"{count - SHOWN} more", "")
    console.print(table)
    for remedy, number in remedies.items():
        console.print(f"{number}: {remedy}", markup=False, highlight=False, soft_wrap=True)


def stats_tables(stats: "Stats") -> list[Table]:
    """A dataset in numbers: quantities, bytes, and what occurs how often; one column a split."""
    return [_quantities(stats), _bytes(stats), _names(stats)]


def _table(title: str, stats: "Stats") -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for split in stats.splits:
        table.add_column(split.name, justify="right")
    return table


def _quantities(stats: "Stats") -> Table:
    table = _table(f"{stats.dataset} in {stats.folder}: median (lowest..highest)", stats)

    def row(name: str, cell: "Callable[[SplitStats], str]") -> None:
        table.add_row(name, *(cell(split) for split in stats.splits))

    row("samples", lambda split: f"{split.samples:,}")
    row("minutes of video", lambda split: f"{split.seconds / 60:.1f}")
    row("objects", lambda split: _range(split.objects))
    row("  of them driven", lambda split: _range(split.driven))
    row("  of them moved", lambda split: _range(split.moved))
    row("contact events", lambda split: _range(split.events))
    row("samples with interaction", lambda split: f"{split.interaction_share:.0%}")
    row("speed of driven objects, m/s", lambda split: _range(split.speed_mps, 2))
    row("closing speed of contacts, m/s", lambda split: _range(split.closing_speed_mps, 2))
    row("path of driven objects, px", lambda split: _range(split.path_px))
    row("visible pixels of objects", lambda split: _range(split.visible_px))
    row("candidates rejected", lambda split: _range(split.rejected))
    return table


def _range(spread: "Spread", digits: int = 0) -> str:
    if not spread.count:
        return "none"
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}..{spread.high:.{digits}f})"


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
    table = _table("what occurs, how often", stats)
    table.add_row("shapes", *(_list(split.shapes) for split in stats.splits))
    table.add_row("colours", *(_list(split.colours) for split in stats.splits))
    table.add_row("grounds", *(_list(split.textures) for split in stats.splits))
    if len(stats.splits) > 1:
        shared = ", ".join(stats.shared_colours + stats.shared_textures) or "none"
        table.caption = f"colours and grounds in more than one split: {shared}"
    return table


def _list(counts: dict[str, int]) -> str:
    shown = [f"{name} {count}" for name, count in list(counts.items())[:12]]
    return "\n".join(shown + ([f"and {len(counts) - 12} more"] if len(counts) > 12 else []))


def render_costs(costs: "list[ClipCost]") -> Table:
    """What rendering only what changes costs and loses: one column a dataset, medians over its clips."""
    datasets = {
        name: [cost for cost in costs if cost.dataset == name] for name in dict.fromkeys(c.dataset for c in costs)
    }
    clips = len({cost.index for cost in costs})
    table = Table(title=f"median (lowest..highest) of {clips} clips each, one core a clip", title_justify="left")
    table.add_column("")
    for name in datasets:
        table.add_column(name, justify="right")

    def row(name: str, figure: "Callable[[ClipCost], float]", digits: int = 1, unit: str = "") -> None:
        cells = []
        for mine in datasets.values():
            values = [figure(cost) for cost in mine]
            low, high = min(values), max(values)
            cells.append(f"{median(values):.{digits}f}{unit} ({low:.{digits}f}..{high:.{digits}f})")
        table.add_row(name, *cells)

    row("every frame in full, CPU-s a clip", lambda cost: cost.full_cpu_s, 0)
    row("only what changes, CPU-s a clip", lambda cost: cost.changing_cpu_s)
    row("speed-up", lambda cost: cost.speed_up, unit="x")
    row("PSNR of the two, dB", lambda cost: cost.psnr_db)
    row("PSNR of two sampling seeds, dB", lambda cost: cost.floor_db)
    row("largest 8x8 mean difference, levels", lambda cost: cost.seam_levels)
    row(f"core-hours for {PAPER_CLIPS:,} clips, full", lambda cost: cost.full_cpu_s * PAPER_CLIPS / 3600, 0)
    row(f"core-hours for {PAPER_CLIPS:,} clips, changes", lambda cost: cost.changing_cpu_s * PAPER_CLIPS / 3600, 0)
    return table


def rejections(dataset: str, tally: "Tally") -> Table:
    """Which rule rejected how many candidates."""
    rate, share = tally.candidates / tally.cpu_s, tally.accepted / tally.candidates
    title = f"{dataset}: {tally.candidates} candidates, {rate:.1f} a CPU-second, {share:.0%} accepted"
    table = Table(title=title, title_justify="left", min_width=len(title))
    table.add_column("rejected by")
    table.add_column("candidates", justify="right")
    for rule, count in tally.rejected.most_common():
        table.add_row(rule, str(count))
    return table
