"""What is in a dataset, in numbers: from records alone, packed or only simulated, without a picture."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinebench.errors import KineBenchError
from kinebench.shards.files import Progress
from kinebench.shards.read import Shards
from kinebench.stats.facts import Facts, facts

DISTANCE_BIN_M = 0.1
CONTACT_BIN_S = 0.1
WORDS_BIN = 5
SECTORS = 16
SHOWN_SLIDES = 300
"""How many decelerations are kept one by one, evenly chosen."""
FEWEST = 10
"""A curve ends where fewer objects than this are left."""
_DECIMALS = 4
_QUANTILES = ("objects", "median", "tenth", "ninetieth")


@dataclass(frozen=True)
class Spread:
    """How one quantity is spread over samples or objects; all zero if there are none."""

    count: int
    mean: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Histogram:
    """How often values fall into bins of equal width, and their spread."""

    spread: Spread
    start: float  # of the first bin
    width: float
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Curve:
    """A quantity over time: of all objects at frame k / fps after the start, the median and the middle 80 %."""

    fps: int
    objects: tuple[int, ...]  # at each frame
    median: tuple[float, ...]
    tenth: tuple[float, ...]
    ninetieth: tuple[float, ...]


@dataclass(frozen=True)
class SplitStats:
    """One split. What "struck" means, `facts.Facts` says."""

    name: str
    samples: int
    seconds: float  # of video, all samples together
    member_bytes: dict[str, Spread]  # per sample, by suffix; empty if nothing is packed
    objects: Spread  # per sample
    driven: Spread  # per sample
    events: Spread  # per sample
    moved: Spread  # objects that moved, per sample
    rejected: Spread  # candidates thrown away before each sample
    speed_mps: Spread  # of driven objects at frame 0
    closing_speed_mps: Spread  # of events
    path_px: Spread  # of driven objects, in the image
    visible_px: Spread  # of objects in frame 0
    interaction_share: float  # of samples in which a driven object strikes another and moves it
    contact_share: float  # of samples in which any two objects touch
    shapes: dict[str, int]  # objects of each, most frequent first
    colours: dict[str, int]
    textures: dict[str, int]  # samples on each
    contacts: dict[str, int]  # samples with so many events, fewest first
    factors: dict[str, int]  # samples of each "factor = value", of a counterfactual dataset
    driven_speed_mps: Curve  # from frame 0
    struck_speed_mps: Curve  # from the first frame after the strike
    driven_path_m: Histogram
    struck_path_m: Histogram
    first_contact_s: Histogram  # of samples with contact
    clip_s: float
    directions: tuple[int, ...]  # driven objects in each of SECTORS; the first is centred on the camera's right
    caption_words: Histogram
    braking: Spread  # deceleration of sliding objects, as a multiple of mu g
    slides: tuple[tuple[float, float], ...]  # (mu g, deceleration), m/s2, at most SHOWN_SLIDES


@dataclass(frozen=True)
class Stats:
    """A dataset folder, or a recipe's clips."""

    source: str  # the folder; or recipe, seed and count
    dataset: str
    splits: tuple[SplitStats, ...]
    shared_colours: tuple[str, ...]  # in more than one split
    shared_textures: tuple[str, ...]


@dataclass(frozen=True)
class Sampled:
    """One sample as statistics take it."""

    record: dict[str, Any]
    member_bytes: Mapping[str, int]  # by suffix; empty if nothing is packed


def stats(folder: Path | str, progress: Progress | None = None) -> Stats:
    """Summarise a dataset folder. Raises KineBenchError if it holds no dataset."""
    shards = Shards(folder)
    note: Progress = progress or (lambda stage, done, whole: None)
    done = iter(range(1, len(shards.rows) + 1))

    def samples(split: str) -> Iterator[Sampled]:
        for key in shards.keys(split):
            yield Sampled(shards.record(key), {s: place.size for s, place in shards.rows[key].members.items()})
            note("records", next(done), len(shards.rows))

    return summarise(str(shards.folder), shards.manifest.dataset, {name: samples(name) for name in shards.splits})


def summarise(source: str, dataset: str, splits: Mapping[str, Iterable[Sampled]]) -> Stats:
    """Statistics of samples, split by split; every iterable is read once."""
    parts = tuple(_split(name, samples) for name, samples in splits.items())
    return Stats(
        source=source,
        dataset=dataset,
        splits=parts,
        shared_colours=_shared([part.colours for part in parts]),
        shared_textures=_shared([part.textures for part in parts]),
    )


def dump(found: Stats) -> bytes:
    """The statistics as a JSON file, numbers rounded to 4 decimals; a row of numbers is one line."""
    text = json.dumps(_rounded(asdict(found)), indent=1, ensure_ascii=False)
    return re.sub(r"\[[-\d.,\s]+\]", lambda row: " ".join(row[0].split()), text).encode() + b"\n"


def load(path: Path) -> Stats:
    """What `dump` wrote. Raises KineBenchError for any other file."""
    try:
        plain = json.loads(path.read_bytes())
        plain["splits"] = tuple(_parsed(split) for split in plain["splits"])
        for name in ("shared_colours", "shared_textures"):
            plain[name] = tuple(plain[name])
        return Stats(**plain)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KineBenchError(f"{path} holds no statistics: {error}; write it with: kinebench stats --json") from error


def _parsed(plain: dict[str, Any]) -> SplitStats:
    kinds: dict[Any, Callable[[Any], Any]] = {
        Spread: lambda value: Spread(**value),
        Curve: lambda value: Curve(value["fps"], *(tuple(value[name]) for name in _QUANTILES)),
        Histogram: lambda value: Histogram(
            Spread(**value["spread"]), value["start"], value["width"], tuple(value["counts"])
        ),
    }
    kind = {name: field.type for name, field in SplitStats.__dataclass_fields__.items()}
    read = {name: kinds[kind[name]](value) if kind[name] in kinds else value for name, value in plain.items()}
    read["member_bytes"] = {suffix: Spread(**value) for suffix, value in plain["member_bytes"].items()}
    read["slides"] = tuple((mu_g, rate) for mu_g, rate in plain["slides"])
    read["directions"] = tuple(plain["directions"])
    return SplitStats(**read)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS) + 0.0
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def _split(name: str, samples: Iterable[Sampled]) -> SplitStats:
    columns = _Columns()
    for sample in samples:
        columns.add(sample)
    found, quality = columns.facts, columns.quality
    slides = [slide for one in found for slide in one.slides]
    contacts = Counter(columns.events)
    return SplitStats(
        name=name,
        samples=len(found),
        seconds=sum(one.seconds for one in found),
        member_bytes={suffix: spread(sizes) for suffix, sizes in columns.member_bytes.items()},
        objects=spread(columns.objects),
        driven=spread([len(one.direction_rad) for one in found]),
        events=spread(columns.events),
        moved=spread([len(facts["moved"]) for facts in quality]),
        rejected=spread([facts["rejected"] for facts in quality]),
        speed_mps=spread([float(speed) for one in found for speed in one.driven_speed_mps[:, 0]]),
        closing_speed_mps=spread(columns.closing_mps),
        path_px=spread([path for facts in quality for path in facts["path_px"]]),
        visible_px=spread([pixels for facts in quality for pixels in facts["visible_px"]]),
        interaction_share=_share([facts["interaction"] for facts in quality]),
        contact_share=_share([count > 0 for count in columns.events]),
        shapes=_counted(columns.shapes),
        colours=_counted(columns.colours),
        textures=_counted(columns.textures),
        contacts={str(count): contacts[count] for count in sorted(contacts)},
        factors=dict(sorted(Counter(columns.factors).items())),
        driven_speed_mps=_curve([line for one in found for line in one.driven_speed_mps], found),
        struck_speed_mps=_curve([line for one in found for line in one.struck_speed_mps], found),
        driven_path_m=histogram([path for one in found for path in one.driven_path_m], DISTANCE_BIN_M),
        struck_path_m=histogram([path for one in found for path in one.struck_path_m], DISTANCE_BIN_M),
        first_contact_s=histogram(
            [one.first_contact_s for one in found if one.first_contact_s is not None], CONTACT_BIN_S
        ),
        clip_s=max((one.seconds for one in found), default=0.0),
        directions=_sectors([angle for one in found for angle in one.direction_rad]),
        caption_words=histogram([one.caption_words for one in found], WORDS_BIN),
        braking=spread([rate / mu_g for mu_g, rate in slides if mu_g > 0]),
        slides=tuple(slides[i] for i in _evenly(len(slides), SHOWN_SLIDES)),
    )


class _Columns:
    """The records of a split, gone through once: 10,000 of them need not be in memory together."""

    def __init__(self) -> None:
        self.facts: list[Facts] = []
        self.quality: list[dict[str, Any]] = []
        self.member_bytes: dict[str, list[int]] = {}
        self.objects: list[int] = []
        self.events: list[int] = []
        self.closing_mps: list[float] = []
        self.shapes: list[str] = []
        self.colours: list[str] = []
        self.textures: list[str] = []
        self.factors: list[str] = []

    def add(self, sample: Sampled) -> None:
        record = sample.record
        self.facts.append(facts(record))
        self.quality.append(record["quality"])
        for suffix, size in sample.member_bytes.items():
            self.member_bytes.setdefault(suffix, []).append(size)
        self.objects.append(len(record["objects"]))
        self.events.append(len(record["events"]))
        self.closing_mps += [event["closing_speed_mps"] for event in record["events"]]
        self.shapes += [body["shape"] for body in record["objects"]]
        self.colours += [body["colour"] for body in record["objects"]]
        self.textures.append(record["ground"]["texture"])
        if "counterfactual" in record:
            self.factors.append(f"{record['counterfactual']['factor']} = {record['counterfactual']['value']}")


def spread(values: Sequence[float]) -> Spread:
    """Mean, median and range of some numbers."""
    if not values:
        return Spread(0, 0.0, 0.0, 0.0, 0.0)
    array = np.array(values, dtype=np.float64)
    numbers = (array.mean(), np.median(array), array.min(), array.max())
    return Spread(len(values), *(float(number) for number in numbers))


def histogram(values: Sequence[float], width: float) -> Histogram:
    """Counts in bins whose edges are multiples of `width`, from the lowest value's bin to the highest's."""
    bins = np.floor(np.array(values, dtype=np.float64) / width + 1e-9).astype(int)
    if not bins.size:
        return Histogram(spread(values), 0.0, width, ())
    counts = np.bincount(bins - bins.min())
    return Histogram(spread(values), float(bins.min() * width), width, tuple(map(int, counts)))


def _curve(lines: Sequence[Any], found: Sequence[Facts]) -> Curve:
    """Quantiles over lines (f,) of different lengths that start together, while FEWEST are left."""
    fps = found[0].fps if found else 1
    longest = max((len(line) for line in lines), default=0)
    table = np.full((len(lines), longest), np.nan)
    for row, line in zip(table, lines, strict=True):
        row[: len(line)] = line
    left = np.isfinite(table).sum(axis=0)
    length = int((left >= min(FEWEST, len(lines))).sum())
    if not length:
        return Curve(fps, (), (), (), ())
    low, middle, high = np.nanpercentile(table[:, :length], (10, 50, 90), axis=0)
    return Curve(fps, tuple(map(int, left[:length])), *(tuple(map(float, curve)) for curve in (middle, low, high)))


def _sectors(angles_rad: Sequence[float]) -> tuple[int, ...]:
    sector = np.round(np.array(angles_rad) / (2 * np.pi / SECTORS)).astype(int) % SECTORS
    return tuple(map(int, np.bincount(sector, minlength=SECTORS)))


def _evenly(count: int, most: int) -> list[int]:
    return [i * count // most for i in range(most)] if count > most else list(range(count))


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / max(len(flags), 1)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _shared(counts: list[dict[str, Any]]) -> tuple[str, ...]:
    seen = Counter(name for names in counts for name in names)
    return tuple(sorted(name for name, times in seen.items() if times > 1))
