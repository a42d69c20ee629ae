"""What an ablation costs, as rich tables."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kinebench.cli.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kinebench.ablations.cost import Cost, Work

KINDS = {
    "data": ("datasets", "clips"),
    "backbone": ("backbones", "steps"),
    "latents": ("latents", "clips"),
    "stage1": ("first stages", "steps"),
    "stage2": ("second stages", "steps"),
    "videos": ("videos", "videos"),
    "scores": ("scores", "videos"),
}
"""What tasks make, and what is counted of them."""
NOTHING = "-"
PROCESSORS = {"core": "core", "gpu": "GPU"}


def print_cost(price: "Cost") -> None:
    """What is to come of an ablation: hours, disk, memory, time, and what has to be here before."""
    console = Console()
    console.print(_table(price))
    for line in _lines(price):
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def print_repeat(differing: "Sequence[str]") -> None:
    """What came out otherwise than in the record that was repeated."""
    if not differing:
        differing = ["as in the record: the same data, weights and scores"]
    else:
        differing = ["other than in the record:", *(f"  {line}" for line in differing)]
    for line in differing:
        Console().print(printable(line), markup=False, highlight=False, soft_wrap=True)


def _table(price: "Cost") -> Table:
    title = f"{', '.join(price.tables)} at scale {price.scale}: what is to come"
    table = Table(title=Text(printable(title), "table.title"), title_justify="left", min_width=min(len(title), 80))
    table.collapse_padding = True
    table.add_column("", no_wrap=True)
    table.add_column("done", justify="right", no_wrap=True)
    table.add_column("to come", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("disk", justify="right", no_wrap=True)
    table.add_column("memory", justify="right", no_wrap=True)
    for work in price.works:
        table.add_row(*_row(work))
    return table


def _row(work: "Work") -> tuple[str, ...]:
    from kinebench.ablations.cost import gigabytes

    what, unit = KINDS[work.kind]
    done = f"{work.done} of {work.tasks}"
    memory = f"{work.memory_gb:g} GB" if work.memory_gb else NOTHING
    if work.done == work.tasks:
        return what, done, NOTHING, NOTHING, NOTHING, NOTHING, memory
    hours = f"{hours_of(work.seconds)} {PROCESSORS[work.processor]}-h"
    return what, done, f"{work.units:,} {unit}", hours, _measured(work), gigabytes(work.megabytes), memory


def _measured(work: "Work") -> str:
    """How much of the time is reckoned from what was done on this machine; the rest is the scale's."""
    if work.measured_s == 0:
        return "no"
    share = work.measured_s / work.seconds
    return "yes" if share > 0.995 else f"{100 * share:.0f} %"


def _lines(price: "Cost") -> "Iterator[str]":
    from kinebench.ablations.cost import gigabytes

    if price.done:
        yield "everything is done"
        return
    hours = {name: sum(work.seconds for work in price.works if work.processor == name) for name in ("core", "gpu")}
    totals = [f"{hours_of(seconds)} {PROCESSORS[name]}-hours" for name, seconds in hours.items() if seconds]
    yield f"in all: {' and '.join(totals)}"
    plural = "s" if price.jobs > 1 else ""
    slots = f"{price.jobs} GPU{plural}" if hours["gpu"] else f"{price.jobs} core{plural}"
    beside = f" and {price.cores} core{'s' if price.cores > 1 else ''}" if hours["gpu"] and hours["core"] else ""
    yield (
        f"with {slots}{beside}: about {duration(price.wall_s)}; with any number of "
        f"{'GPUs' if hours['gpu'] else 'cores'} not less than {duration(price.path_s)}"
    )
    packing = f", and {gigabytes(price.packing_mb)} more while a dataset is packed" if price.packing_mb else ""
    yield f"disk: {gigabytes(price.megabytes)} to come{packing}; {gigabytes(price.free_mb)} are free"
    if price.tight:
        yield "  that hardly fits, or not at all: make room, or name another disk with --out"
    yield from _needs(price)
    if any(work.measured_s < work.seconds for work in price.works):
        yield f"times that are not measured here are the scale's: {price.machine}"


def _needs(price: "Cost") -> "Iterator[str]":
    """Weights that have to be here."""
    for need in price.needs:
        size = "" if need.gb is None else f", {need.gb:.1f} GB" if need.gb >= 1 else f", {1000 * need.gb:.0f} MB"
        yield f"{'MISSING' if need.lacking else 'here'}: {need.name}{size}, for {need.purpose}"
        if need.lacking:
            yield f"  {need.lacking}"


def hours_of(seconds: float) -> str:
    """Hours for people: two digits or more."""
    hours = seconds / 3600
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}" if hours >= 1 else f"{hours:.2f}"


def duration(seconds: float) -> str:
    """Days, hours or minutes."""
    for unit, size in (("days", 86400.0), ("hours", 3600.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{max(1, round(seconds / 60))} min"
