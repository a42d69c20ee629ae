"""What the benches measured, as rich tables."""

from collections.abc import Callable, Iterable, Sequence
from statistics import mean, median
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from kinebench.bench.data import LoaderCost, MaskCost
    from kinebench.bench.estimate import Estimate
    from kinebench.bench.physics import Tally
    from kinebench.bench.render import ClipCost
    from kinebench.bench.samples import PictureCost, Setting
    from kinebench.bench.sanity import Sanity
    from kinebench.bench.score import Comparison
    from kinebench.bench.train import Cell, Found

PAPER_CLIPS = 10_100
"""Training and test clips of one dataset in the paper (4.1)."""


def render_costs(costs: "list[ClipCost]") -> Table:
    """What rendering only what changes costs and loses: one column a dataset, medians over its clips."""
    datasets = {
        name: [cost for cost in costs if cost.dataset == name] for name in dict.fromkeys(c.dataset for c in costs)
    }
    device = costs[0].device
    unit = "CPU-s" if device == "CPU" else "s"
    clips = len({cost.index for cost in costs})
    title = f"median (lowest..highest) of {clips} clips each, one core a clip, Cycles on {device}"
    table = _table(title, datasets)

    def row(name: str, figure: "Callable[[ClipCost], float]", digits: int = 1, unit: str = "") -> None:
        table.add_row(name, *(_range([figure(cost) for cost in mine], digits, unit) for mine in datasets.values()))

    row(f"rendering every frame in full, {unit} a clip", lambda cost: cost.seconds(cost.full), 0)
    row(f"rendering only what changes, {unit} a clip", lambda cost: cost.seconds(cost.changing))
    row("speed-up", lambda cost: cost.speed_up, unit="x")
    row("PSNR of the two, dB", lambda cost: cost.psnr_db)
    row("PSNR of two sampling seeds, dB", lambda cost: cost.floor_db)
    row("largest 8x8 mean difference, levels", lambda cost: cost.seam_levels)
    row(f"finding the clip, {unit}", lambda cost: cost.seconds(cost.search))
    row(f"annotating and encoding, {unit}", lambda cost: cost.seconds(cost.finish))
    row(f"seed to encoded members, {unit} a clip", lambda cost: cost.seconds(cost.ours))
    if device == "CPU":
        row("of that inside Cycles, %", lambda cost: 100 * cost.cycles_share)
    return table


def projection(costs: "list[ClipCost]") -> Table:
    """What the paper's clips would take both ways: means over the clips measured, times the number of clips."""
    datasets = {
        name: [cost for cost in costs if cost.dataset == name] for name in dict.fromkeys(c.dataset for c in costs)
    }
    kind = "core" if costs[0].device == "CPU" else "GPU"
    total = PAPER_CLIPS * len(datasets)
    table = _table(f"{kind}-hours for the paper's {PAPER_CLIPS:,} clips of each dataset", {**datasets, "both": []})
    ours = [mean(c.seconds(c.ours) for c in mine) * PAPER_CLIPS / 3600 for mine in datasets.values()]
    peers = [mean(c.seconds(c.peers) for c in mine) * PAPER_CLIPS / 3600 for mine in datasets.values()]
    for name, hours in (("every frame in full", peers), ("only what changes", ours)):
        table.add_row(name, *(f"{value:,.0f}" for value in (*hours, sum(hours))))
    ratios = [a / b for a, b in zip((*peers, sum(peers)), (*ours, sum(ours)), strict=True)]
    table.add_row("ratio", *(f"{ratio:.1f}x" for ratio in ratios))
    table.caption = f"{total:,} clips, from seed to encoded members; means of {len(costs)} clips measured"
    return table


def picture_costs(costs: "Iterable[PictureCost]") -> Table:
    """Samples and denoiser against error and time: means over the pictures, each against its own reference."""
    by_setting: dict[Setting, list[PictureCost]] = {}
    for cost in costs:
        by_setting.setdefault(cost.setting, []).append(cost)
    pictures = max(map(len, by_setting.values()))
    table = Table(
        title=f"full frames, means over {pictures} pictures; error against the reference of each", title_justify="left"
    )
    table.add_column("samples", justify="right")
    table.add_column("denoiser", no_wrap=True)
    for name in ("CPU-s a frame", "PSNR dB", "on objects", "on ground"):
        table.add_column(name, justify="right")
    for setting, mine in by_setting.items():
        figures = [
            mean(getattr(cost, name) for cost in mine) for name in ("cpu_s", "psnr_db", "objects_db", "ground_db")
        ]
        style = "bold" if mine[0].default else None
        table.add_row(str(setting.samples), setting.denoiser, *(f"{value:.2f}" for value in figures), style=style)
    return table


def rejections(dataset: str, tally: "Tally") -> Table:
    """What a clip takes to find, and which rule rejected how many candidates."""
    clip_s, share = tally.cpu_s / tally.accepted, tally.accepted / tally.candidates
    title = f"{dataset}: {tally.candidates} candidates, {share:.1%} accepted; {clip_s:.2f} CPU-seconds a clip"
    if tally.in_full_cpu_s is not None:
        ratio = tally.in_full_cpu_s / tally.cpu_s
        title += f", {tally.in_full_cpu_s / tally.accepted:.2f} if each is simulated to its end ({ratio:.1f}x)"
    table = Table(title=title, title_justify="left", min_width=len(title))
    table.add_column("rejected by")
    table.add_column("candidates", justify="right")
    for rule, count in tally.rejected.most_common():
        table.add_row(rule, str(count))
    return table


def loader_costs(costs: "Sequence[LoaderCost]") -> Table:
    """Clips a second, ours and plain webdataset: medians over the repeats."""
    table = _table(
        f"{costs[0].clips} clips to torch: RGB, velocity mask, caption; median of {len(costs[0].ours)} repeats",
        [f"{cost.workers} loader workers" for cost in costs],
    )
    for name, way in (("webdataset and PyAV", "plain"), ("kinebench.data", "ours")):
        spent = [getattr(cost, way) for cost in costs]
        rates = [[cost.clips / one.wall_s for one in mine] for cost, mine in zip(costs, spent, strict=True)]
        table.add_row(f"{name}, clips a second", *(_range(values, 2, "") for values in rates))
        cpu = [median(one.cpu_s for one in mine) / cost.clips for cost, mine in zip(costs, spent, strict=True)]
        table.add_row("  CPU-s a clip", *(f"{value:.2f}" for value in cpu))
    table.add_row("speed-up", *(f"{cost.speed_up:.2f}x" for cost in costs))
    return table


def mask_cost(cost: "MaskCost") -> Table:
    """A velocity mask from segmentation and table, and from its own video."""
    table = _table("a velocity mask to float32, median (lowest..highest)", ["ms a clip", "CPU-ms a clip"])
    for name, mine in (("decode its video", cost.decoded), ("segmentation and table", cost.rebuilt)):
        times = [[1000 * one.wall_s for one in mine], [1000 * one.cpu_s for one in mine]]
        table.add_row(name, *(_range(values, 0, "") for values in times))
    cpu = median(one.cpu_s for one in cost.decoded) / median(one.cpu_s for one in cost.rebuilt)
    table.add_row("speed-up", f"{cost.speed_up:.2f}x", f"{cpu:.2f}x")
    table.caption = (
        f"the stored mask is off by up to {cost.largest_difference_steps:.2f} of its steps; the other is exact"
    )
    return table


def anchor_values(found: "Sanity") -> Table:
    """Anchors under metrics: one row a metric, and which right motions are worth no more than standing still."""
    names = list(found.rows[0].values)
    table = _table(
        "anchors under each metric; the arrow says which way is better", [*names, "n", "static is as good as"]
    )
    for row in found.rows:
        arrow = "\N{UPWARDS ARROW}" if row.metric.better == "higher" else "\N{DOWNWARDS ARROW}"
        figures = [f"{value:.4g}" if value is not None else "-" for value in row.values.values()]
        table.add_row(f"{arrow} {row.metric.name}", *figures, str(row.n), ", ".join(row.beaten))
    table.caption = "\n".join(f"no {name}: {reason}" for name, reason in found.refused.items())
    return table


def comparisons(found: "Sequence[Comparison]") -> Table:
    """Our metrics and the public ones: one row a comparison, medians of CPU time."""
    table = _table("one thread, median CPU-ms", ["theirs", "ours", "speed-up", "apart"])
    table.columns[0].no_wrap = True
    for one in found:
        name = f"{one.name}\n  {one.peer}"
        if one.missing is not None:
            table.add_row(f"{name}, not installed", "-", "-", "-", "-")
            continue
        times = (f"{1000 * median(spent.cpu_s for spent in mine):,.1f}" for mine in (one.theirs, one.ours))
        table.add_row(name, *times, f"{one.speed_up:.1f}x", f"{one.difference:.0e}")
    table.caption = "apart: the largest difference of both results, relative to the largest of theirs"
    return table


FLOPS_PER_S = 300e12
"""Useful FLOPs a second that hours are computed for; what a GPU reaches is to be measured."""


def step_estimate(found: "Estimate") -> Table:
    """What a step must cost, counted from shapes."""
    model, parameters, flops, memory = found.model, found.parameters, found.flops, found.memory
    title = f"{model.family}, {model.frames} frames of {model.width}x{model.height}: counted, not measured"
    table = Table(title=title, title_justify="left", min_width=len(title))
    table.add_column("")
    table.add_column("", justify="right")
    for name, value, unit in (
        ("tokens of a clip", found.tokens, ""),
        ("parameters of the backbone", parameters.backbone / 1e6, "M"),
        ("parameters of the branch", parameters.branch / 1e6, "M"),
        ("a clip forward", flops.forward / 1e12, "TFLOP"),
        ("a clip forward and backward: useful", flops.step / 1e12, "TFLOP"),
        ("the same with gradient checkpointing", flops.checkpointed / 1e12, "TFLOP"),
        ("autoencoder, a clip", flops.autoencoder / 1e12, "TFLOP"),
        ("text encoder, a prompt", flops.text_encoder / 1e12, "TFLOP"),
        ("both in the loop, as the ancestor has them", flops.in_the_loop / 1e12, "TFLOP"),
        ("memory: backbone", memory.backbone / 1e9, "GB"),
        ("memory: branch, its gradients and moments", memory.branch / 1e9, "GB"),
        ("memory: the branch in bfloat16", memory.lower / 1e9, "GB"),
        ("memory: what goes into each block, a clip", memory.activations / 1e9, "GB"),
        ("memory: all of these", memory.whole / 1e9, "GB"),
        ("kept of a clip on the disk", found.clip_bytes / 1e6, "MB"),
        ("kept of a prompt, at most", found.prompt_bytes / 1e6, "MB"),
        (f"both stages at {FLOPS_PER_S / 1e12:.0f} useful TFLOP/s", found.hours(FLOPS_PER_S), "GPU-hours"),
    ):
        table.add_row(name, f"{_short(value)} {unit}".strip())
    table.caption = "what a block takes while it works is not in the memory"
    return table


def step_costs(found: "Found") -> Table:
    """Every way to do a step, with every number of clips at once."""
    product = f"a plain product of bfloat16 matrices: {_short(found.product_flops_per_s / 1e12)} TFLOP/s"
    title = f"a step of the trainer on {found.device}; {product}"
    table = Table(title=title, title_justify="left", min_width=len(title))
    for name in ("latents and text", "checkpointing", "compile"):
        table.add_column(name, no_wrap=True)
    for name in ("clips", "s a step", "clips/s", "GB", "useful TFLOP/s", "of the product", "speed-up"):
        table.add_column(name, justify="right", no_wrap=True)
    for cell in found.cells:
        way = cell.way
        whence = "in the loop" if way.in_the_loop else "made before"
        row = [whence, *("yes" if each else "" for each in (way.checkpointing, way.compile)), str(cell.batch)]
        table.add_row(*row, *_step_figures(found, cell))
    notes = [
        "useful: without what checkpointing computes again; speed-up: of clips a second, over encoding in the loop"
    ]
    reasons = dict.fromkeys(cell.reason for cell in found.cells if cell.reason)
    table.caption = "\n".join([*notes, *(f"does not compile: {reason}" for reason in reasons)])
    return table


def _step_figures(found: "Found", cell: "Cell") -> list[str]:
    rate, share, speed_up = cell.clips_per_s, found.share(cell), found.speed_up(cell)
    if rate is None or share is None:
        return [str(cell.failure)]
    memory = "-" if cell.memory_bytes is None else f"{cell.memory_bytes / 1e9:.1f}"
    useful = _short(rate * found.step_flops / 1e12)
    against = "-" if speed_up is None else f"{speed_up:.2f}x"
    return [_short(median(cell.seconds)), _short(rate), memory, useful, f"{share:.1%}", against]


def _short(value: float) -> str:
    """Four digits, and none cut from a large number."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _range(values: Sequence[float], digits: int, unit: str) -> str:
    low, high = min(values), max(values)
    return f"{median(values):.{digits}f}{unit} ({low:.{digits}f}..{high:.{digits}f})"
