"""A dataset is a recipe: `generators/*.toml`, or a file of the user's own, validated and frozen."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from kinebench import schema
from kinebench.content import content
from kinebench.errors import KineBenchError

SCHEMA_PATH = Path(__file__).with_name("recipe.schema.json")

DATA_VERSION = 3
"""Raised whenever the same recipe and seed would give other bytes; part of every recipe's hash."""

REQUIRED_RULES = ("interaction_share", "near_miss_m")
"""Keys of [acceptance] that go with contact = "required" only; struck_path_px also goes with contact = "free"."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Dataset:
    """What the dataset is called."""

    name: str
    title: str
    version: str
    description: str
    season: str | None = None  # of a hidden test split: its seed is a secret. See `kinebench.hidden`


@dataclass(frozen=True)
class Video:
    """Size and rate of every clip."""

    frames: int
    fps: int
    width: int
    height: int


@dataclass(frozen=True)
class Objects:
    """How many objects, and of what kind."""

    count: tuple[int, int]
    driven: tuple[int, int]
    cylinder_share: float
    cube_edge_m: Range
    cylinder_diameter_m: Range
    cylinder_height_m: Range
    mass_kg: Range
    friction: Range
    restitution: Range
    roughness: Range


@dataclass(frozen=True)
class Motion:
    """Speeds of driven objects at frame 0, and the scale of velocity masks."""

    speed_mps: Range
    v_max_mps: float


@dataclass(frozen=True)
class GroundSpec:
    """Contact properties of the ground."""

    friction: Range
    restitution: Range


@dataclass(frozen=True)
class CameraSpec:
    """Where the camera may stand; its azimuth is always uniform."""

    distance_m: Range
    elevation_deg: Range
    field_of_view_deg: Range
    target_jitter_m: float


@dataclass(frozen=True)
class LightSpec:
    """Sun and sky; the sun's azimuth is always uniform."""

    sun_elevation_deg: Range
    sun_strength: Range
    sun_angle_deg: Range
    sky_strength: Range


@dataclass(frozen=True)
class RenderSpec:
    """What Cycles does for a pixel."""

    samples: int
    denoiser: Literal["openimagedenoise", "none"]
    full_frames: bool = False


@dataclass(frozen=True)
class Acceptance:
    """The rules a candidate must pass before a pixel is paid for. See `kinebench.acceptance`."""

    contact: Literal["forbidden", "required", "free"]
    min_gap_m: float
    min_path_px: float
    min_visible_px: int
    border_px: float
    max_penetration_m: float
    max_attempts: int
    interaction_share: float = 0.0
    struck_path_px: float = 0.0
    near_miss_m: float = 0.0


@dataclass(frozen=True)
class Split:
    """The grounds and colours that belong to one split only."""

    textures: tuple[str, ...]
    colours: dict[str, str]  # name -> "#rrggbb"


@dataclass(frozen=True)
class Counterfactual:
    """Groups of clips that share everything but one factor: the steps of each factor, ascending, in their order.

    A factor without steps is left out. See `kinebench.scene.variant`.
    """

    speed_mps: tuple[float, ...] = ()  # of the driven object at frame 0
    direction_deg: tuple[float, ...] = ()  # turn of the driven object's first velocity, counter-clockwise from above
    presence: tuple[float, ...] = ()  # of the struck object: 0 or 1
    mass_kg: tuple[float, ...] = ()  # of the struck object
    ground_friction: tuple[float, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """Everything that fixes a dataset, apart from the seed."""

    dataset: Dataset
    video: Video
    objects: Objects
    motion: Motion
    ground: GroundSpec
    camera: CameraSpec
    light: LightSpec
    render: RenderSpec
    acceptance: Acceptance
    splits: dict[str, Split]
    counterfactual: Counterfactual | None = None
    source: str = ""  # the file it was read from, for messages only

    @cached_property
    def record(self) -> dict[str, Any]:
        """The recipe as plain JSON values, as `parse` reads them; without its file name."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        del plain["source"]
        if plain["dataset"]["season"] is None:
            del plain["dataset"]["season"]
        unused = {"forbidden": (*REQUIRED_RULES, "struck_path_px"), "free": REQUIRED_RULES, "required": ()}
        for key in unused[self.acceptance.contact]:
            del plain["acceptance"][key]
        steps = plain.pop("counterfactual")
        if steps is not None:
            plain["counterfactual"] = {factor: values for factor, values in steps.items() if values}
        return plain

    @cached_property
    def sha256(self) -> str:
        """Hash of content and data version: two samples with the same hash, seed and index are the same sample."""
        text = json.dumps({"data_version": DATA_VERSION, **self.record}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def with_render(self, samples: int | None, denoiser: str | None, full_frames: bool) -> "Recipe":
        """This recipe with other render settings; None keeps its own. KineBenchError for settings that do not exist."""
        changes = {"samples": samples, "denoiser": denoiser, "full_frames": full_frames or None}
        wanted = {key: value for key, value in changes.items() if value is not None}
        return parse({**self.record, "render": {**self.record["render"], **wanted}}, self.source)

    def split(self, name: str) -> Split:
        """The split called `name`; raises KineBenchError if the recipe has none."""
        if name not in self.splits:
            raise KineBenchError(f"{self.source}: there is no split {name!r}; this recipe has {', '.join(self.splits)}")
        return self.splits[name]


def built_in() -> dict[str, Path]:
    """The recipes that come with KineBench, by name."""
    return {path.stem: path for path in sorted(content("generators").glob("*.toml"))}


def load(name_or_path: str) -> Recipe:
    """Read a built-in recipe by name, or a file; raises KineBenchError that names file, key and what was expected."""
    path = schema.find(name_or_path, built_in(), "recipe")
    return parse(schema.read(path), str(path))


def parse(table: dict[str, Any], source: str) -> Recipe:
    """Validate a table as read from TOML and freeze it; `source` is the file name used in messages."""
    schema.demand(table, SCHEMA_PATH, source)
    _check_meaning(table, source)
    return Recipe(
        dataset=Dataset(**table["dataset"]),
        video=Video(**table["video"]),
        objects=Objects(**_frozen(table["objects"])),
        motion=Motion(**_frozen(table["motion"])),
        ground=GroundSpec(**_frozen(table["ground"])),
        camera=CameraSpec(**_frozen(table["camera"])),
        light=LightSpec(**_frozen(table["light"])),
        render=RenderSpec(**table["render"]),
        acceptance=Acceptance(**table["acceptance"]),
        splits={name: Split(**_frozen(split)) for name, split in table["splits"].items()},
        counterfactual=Counterfactual(**_frozen(table["counterfactual"])) if "counterfactual" in table else None,
        source=source,
    )


def _frozen(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _check_meaning(table: dict[str, Any], source: str) -> None:
    """What a schema cannot say: ordered ranges, possible counts, disjoint splits."""
    faults = []
    for section, values in table.items():
        for key, value in values.items():
            if section != "counterfactual" and isinstance(value, list) and value[0] > value[1]:  # all others are ranges
                faults.append(f"{section}.{key}: [{value[0]}, {value[1]}] is empty; expected [lowest, highest]")
    objects, motion, acceptance = table["objects"], table["motion"], table["acceptance"]
    if objects["driven"][1] > objects["count"][0]:
        faults.append(
            f"objects.driven: up to {objects['driven'][1]} driven objects, but a clip may have only "
            f"{objects['count'][0]} objects"
        )
    if acceptance["contact"] == "required" and objects["count"][0] < 2:
        faults.append("objects.count: a strike needs at least 2 objects")
    faults += _counterfactual_faults(table)
    faults += _name_faults(table["dataset"])
    if motion["speed_mps"][1] > motion["v_max_mps"]:
        faults.append(
            f"motion.v_max_mps: {motion['v_max_mps']} is below the highest speed {motion['speed_mps'][1]}; "
            "masks would clip"
        )
    faults += _shared_between_splits(table["splits"])
    if faults:
        raise KineBenchError("\n".join(f"{source}: {fault}" for fault in faults))


def _name_faults(dataset: dict[str, Any]) -> list[str]:
    """The hyphen is kept for seasons: `interactions-2026-autumn`."""
    name, season = dataset["name"], dataset.get("season")
    if season is not None and not name.endswith(f"-{season}"):
        return [f"dataset.name: {name} is of season {season}; expected a name that ends in -{season}"]
    if season is None and "-" in name:
        return [f"dataset.name: {name} has a hyphen; expected lower case, digits and underscores"]
    return []


def _counterfactual_faults(table: dict[str, Any]) -> list[str]:
    """What [counterfactual] asks of the other sections, and of its own lists beyond the schema."""
    steps = table.get("counterfactual")
    if steps is None:
        return []
    faults = []
    for factor, values in steps.items():
        if values != sorted(set(values)):
            faults.append(f"counterfactual.{factor}: {values} is not in order; expected ascending, each value once")
    if steps.get("direction_deg", [0])[0] != 0:
        faults.append(
            f"counterfactual.direction_deg: starts at {steps['direction_deg'][0]}; expected 0, the base's own"
        )
    fastest, v_max = max(steps.get("speed_mps", [0])), table["motion"]["v_max_mps"]
    if fastest > v_max:
        faults.append(f"counterfactual.speed_mps: {fastest} is above motion.v_max_mps = {v_max}; masks would clip")
    if table["acceptance"]["contact"] != "free":
        faults.append('acceptance.contact: expected "free" with [counterfactual]: only some variants of a group strike')
    if table["objects"]["driven"] != [1, 1]:
        faults.append("objects.driven: expected [1, 1] with [counterfactual]: the factor belongs to one driven object")
    if table["objects"]["count"][0] < 2:
        faults.append("objects.count: expected at least 2 with [counterfactual]: one to drive and one to strike")
    return faults


def _shared_between_splits(splits: dict[str, Any]) -> list[str]:
    faults = []
    names = list(splits)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            for key in ("textures", "colours"):
                shared = sorted(set(splits[first][key]) & set(splits[second][key]))
                if shared:
                    faults.append(f"splits.{second}.{key}: {', '.join(shared)} also in {first}; splits are disjoint")
    return faults
