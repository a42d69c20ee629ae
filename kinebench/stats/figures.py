"""Statistics as pictures: small multiples in PNG, a row a split. The only importer of matplotlib.

The same statistics and the same matplotlib give the same bytes.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kinebench.errors import require
from kinebench.shards.files import write_atomic
from kinebench.stats.summary import SECTORS, Curve, Histogram, SplitStats, Stats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = Callable[["Axes", SplitStats], None]

WIDTH_IN, ROW_IN, TALL_ROW_IN, DPI = 8.0, 2.7, 3.3, 130
BLUE, ORANGE, GREEN, GRAY = "#0072b2", "#d55e00", "#009e73", "#5f6368"  # told apart by every kind of sight
_STYLE = {
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e3e5e8",
    "grid.linewidth": 0.8,
    "axes.edgecolor": GRAY,
    "xtick.color": GRAY,
    "ytick.color": GRAY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "legend.frameon": False,
    "legend.fontsize": 9.0,
}
MOST_BARS = 24
RATIO_BIN, RATIO_SHOWN = 0.005, 0.05


def figures(found: Stats) -> dict[str, bytes]:
    """Every picture that these statistics have something for, by name: "speed" -> the bytes of a PNG."""
    matplotlib = require("matplotlib", "hub")
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **_STYLE}):
        return {name: _png(_drawn(found, panels)) for name, panels in _pictures(found)}


def write_figures(found: Stats, folder: Path) -> list[Path]:
    """Write the pictures as `FOLDER/NAME.png`; returns where they are."""
    pictures = figures(found)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in pictures.items():
        write_atomic(folder / f"{name}.png", data)
    return [folder / f"{name}.png" for name in pictures]


def _pictures(found: Stats) -> Iterator[tuple[str, list[Panel]]]:
    touching = any(split.events.high for split in found.splits)
    if any(split.driven.high for split in found.splits):
        yield "speed", [_driven_speed, *([_struck_speed] if touching else [])]
        yield "distance", [_driven_path, *([_struck_path] if touching else [])]
        if any(split.slides for split in found.splits):
            yield "braking", [_slides, _braking_ratio]
    if touching:
        yield "contacts", [_first_contact, _contacts]
    yield "scenes", [_directions, _captions]
    yield "colours", [_colours, _grounds]


def _drawn(found: Stats, panels: list[Panel]) -> "Figure":
    from matplotlib.figure import Figure

    rows = len(found.splits)
    height_in = TALL_ROW_IN if _grounds in panels else ROW_IN
    figure = Figure(figsize=(WIDTH_IN, height_in * rows), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, len(panels), squeeze=False)
    for row, split in zip(axes, found.splits, strict=True):
        for place, panel in zip(row, panels, strict=True):
            panel(place, split)
            if rows > 1:
                place.set_title(f"{split.name}: {place.get_title('left')}")
    return figure


def _png(figure: "Figure") -> bytes:
    """The picture in at most 256 colours: plots need no more, and it takes a third of the room."""
    from PIL import Image

    buffer, small = io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    image = Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(small, "PNG", optimize=True)
    return small.getvalue()


def _driven_speed(axes: "Axes", split: SplitStats) -> None:
    _speed(axes, split.driven_speed_mps, BLUE, "driven objects", "s from the start of the clip")


def _struck_speed(axes: "Axes", split: SplitStats) -> None:
    _speed(axes, split.struck_speed_mps, ORANGE, "struck objects", "s from the strike")


def _speed(axes: "Axes", curve: Curve, colour: str, what: str, below: str) -> None:
    time_s = np.arange(len(curve.median)) / curve.fps
    axes.fill_between(time_s, curve.tenth, curve.ninetieth, color=colour, alpha=0.22, lw=0, label="middle 80 %")
    axes.plot(time_s, curve.median, color=colour, lw=2, label="median")
    axes.set(title=f"speed of {what}", xlabel=below, ylabel="m/s", ylim=(0, None), xlim=(0, None))
    if curve.median:
        axes.legend(loc="upper right")
    else:
        _nothing(axes)


def _driven_path(axes: "Axes", split: SplitStats) -> None:
    _bars(axes, split.driven_path_m, BLUE, "distance travelled by driven objects", "m", "objects")


def _struck_path(axes: "Axes", split: SplitStats) -> None:
    _bars(axes, split.struck_path_m, ORANGE, "distance travelled by struck objects", "m", "objects")


def _bars(axes: "Axes", counted: Histogram, colour: str, title: str, below: str, beside: str) -> None:
    left = counted.start + counted.width * np.arange(len(counted.counts))
    axes.bar(left, counted.counts, counted.width * 0.92, align="edge", color=colour)
    axes.set(title=title, xlabel=below, ylabel=beside)
    axes.grid(visible=False, axis="x")
    axes.locator_params(axis="y", integer=True)
    if counted.spread.count:
        axes.axvline(counted.spread.median, color="black", lw=1, ls="--", label=f"median {counted.spread.median:.3g}")
        axes.legend(loc="upper right")
    else:
        _nothing(axes)


def _first_contact(axes: "Axes", split: SplitStats) -> None:
    counted = split.first_contact_s
    _bars(axes, counted, GREEN, "first contact in a clip", "s from the start of the clip", "clips")
    axes.set_xlim(0, split.clip_s)
    if counted.counts:
        edges = counted.start + counted.width * np.arange(len(counted.counts) + 1)
        share = np.concatenate([[0], np.cumsum(counted.counts) / counted.spread.count])
        twin = axes.twinx()
        twin.plot(edges, 100 * share, color="black", lw=1.5)
        twin.set(ylabel="% that have met by then", ylim=(0, 102), yticks=range(0, 101, 25))
        twin.grid(visible=False)
        twin.spines.right.set_visible(True)
        axes.legend(loc="center right")


def _contacts(axes: "Axes", split: SplitStats) -> None:
    _named(axes, split.contacts, GREEN)
    axes.set(title="contacts in a clip", xlabel="contacts", ylabel="clips")


def _slides(axes: "Axes", split: SplitStats) -> None:
    points = np.array(split.slides).reshape(-1, 2)
    top = float(points.max() * 1.08) if points.size else 1.0
    axes.plot([0, top], [0, top], color=GRAY, lw=1, label="a = mu g")
    axes.plot(*points.T, ls="", marker="o", ms=3.5, mew=0, alpha=0.6, color=BLUE, label="a driven object")
    axes.set(title="braking of sliding objects", xlabel="mu g, m/s²", ylabel="deceleration, m/s²")
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left")


def _braking_ratio(axes: "Axes", split: SplitStats) -> None:
    points = np.array(split.slides).reshape(-1, 2)
    ratio = points[:, 1] / points[:, 0]
    low, high = ratio.min(initial=1 - RATIO_SHOWN), ratio.max(initial=1 + RATIO_SHOWN)
    bins = np.arange(np.floor(low / RATIO_BIN), np.ceil(high / RATIO_BIN) + 1) * RATIO_BIN
    axes.hist(ratio, list(bins), color=BLUE, rwidth=0.92)
    axes.axvline(1, color="black", lw=1, ls="--")
    axes.set(title="the same as a multiple of mu g", xlabel="deceleration / mu g", ylabel="objects")
    axes.locator_params(axis="x", nbins=5)
    axes.grid(visible=False, axis="x")


def _directions(axes: "Axes", split: SplitStats) -> None:
    degrees = np.arange(SECTORS) * 360 / SECTORS
    axes.bar(degrees, split.directions, 360 / SECTORS * 0.92, color=BLUE)
    axes.set(title="direction of driven objects at the start", ylabel="objects", xlim=(-14, 352))
    axes.locator_params(axis="y", integer=True)
    axes.set_xticks([0, 90, 180, 270], ["right", "away", "left", "nearer"])
    axes.grid(visible=False, axis="x")


def _captions(axes: "Axes", split: SplitStats) -> None:
    _bars(axes, split.caption_words, GRAY, "length of captions", "words", "clips")


def _colours(axes: "Axes", split: SplitStats) -> None:
    _sideways(axes, split.colours, ORANGE)
    axes.set(title="colours", xlabel="objects")


def _grounds(axes: "Axes", split: SplitStats) -> None:
    families: dict[str, int] = {}
    for ground, count in split.textures.items():
        family = ground.rstrip("0123456789").rstrip("_")
        families[family] = families.get(family, 0) + count
    _sideways(axes, dict(sorted(families.items(), key=lambda item: (-item[1], item[0]))), GREEN)
    axes.set(title="families of grounds", xlabel="clips")


def _named(axes: "Axes", counts: dict[str, int], colour: str) -> None:
    axes.bar(list(counts), list(counts.values()), 0.8, color=colour)
    axes.grid(visible=False, axis="x")


def _sideways(axes: "Axes", counts: dict[str, int], colour: str) -> None:
    shown = dict(list(counts.items())[:MOST_BARS])
    axes.barh([name.replace("_", " ") for name in shown], list(shown.values()), 0.8, color=colour)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", labelsize=8 if len(shown) > 10 else 9, length=0)


def _nothing(axes: Any) -> None:
    axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", va="center", color=GRAY)
