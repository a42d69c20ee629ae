"""What is trained, on what, and how: a TOML file, validated against `config.schema.json` and frozen.

The paper's schedule is the default. On what the paper is silent about stands what its code base does, or, where that is
known to harm, what KineBench recommends; docs/train.md says which is which.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from kinebench import schema
from kinebench.annotate.velocity import Encoding
from kinebench.errors import KineBenchError
from kinebench.kinemask.conditioning import Truncation

SCHEMA_PATH = Path(__file__).with_name("config.schema.json")

StageName = Literal["backbone", "stage1", "stage2"]

FIRST_FRAME_SEEN = "Wan's latents hold the first frame, so its branch sees it"


@dataclass(frozen=True)
class Backbone:
    """The video model that is steered, frozen."""

    family: Literal["cogvideox", "wan", "small"]
    weights: str | None = None  # a folder; None: what the Hub's cache holds


@dataclass(frozen=True)
class Branch:
    """The control branch."""

    layers: int = 8
    weight: float = 0.5
    mask_width: int = 96
    mask_channels: int = 48
    norm: Literal["group", "none"] = "group"
    zero_init: bool = True
    image_latents: bool = True  # of CogVideoX: whether the branch sees them


@dataclass(frozen=True)
class Data:
    """Clips, and what is told of them."""

    folder: str | tuple[str, ...]  # of one dataset, or of several that are alike
    split: str = "train"
    size: tuple[int, int] | None = None  # width and height that clips are fitted into; None: their own
    held_out: int = 32  # clips at the end of each folder's split, for the validation loss
    caption: Literal["c0", "c"] = "c"
    caption_dropout: float = 0.0  # share of clips that are told nothing
    mirror: bool = False  # whether half of the clips are seen turned left to right, their captions too
    encoding: Encoding = "v_t"
    image_noise: bool = False  # of CogVideoX: on the first frame that it is shown
    cache: str | None = None  # of latents and text; None: in KineBench's own


@dataclass(frozen=True)
class Pretraining:
    """How a small backbone is made: its shape, and its training on captioned clips, without a branch."""

    architecture: Literal["cogvideox", "wan"] = "cogvideox"  # whose transformer class
    patch_px: int = 8  # pixels that make one latent, each way
    channels: int = 64  # of a latent
    layers: int = 6
    heads: int = 4  # each 32 wide
    patch: int = 2  # latents that make one token, each way
    plain_captions: float = 0.3  # share of clips that are told c_0 alone
    steps: int = 4000
    learning_rate: float = 8e-3
    warmup_steps: int = 30
    restarts: int = 1


@dataclass(frozen=True)
class Stage:
    """One of the two stages of KineMask."""

    truncation: Truncation
    steps: int = 1000
    learning_rate: float = 1e-4
    warmup_steps: int = 250
    restarts: int = 1  # cycles of the cosine
    start: Literal["stage1", "backbone"] = "backbone"


@dataclass(frozen=True)
class Training:
    """How it is trained, in every stage."""

    seed: int = 0
    optimizer: Literal["adamw", "muon"] = "adamw"
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    total_batch: int = 40
    device_batch: int = 1
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 1e-4
    max_grad_norm: float = 1.0
    ema_decay: float = 0.0  # 0: no average of weights is kept
    checkpointing: bool = True  # less memory, more time
    compile: bool = False  # torch.compile of the blocks
    sharding: bool = False  # weights shared out among processes: less memory on each, more sent between them
    workers: int = 4  # processes that load clips, on each device


@dataclass(frozen=True)
class Saving:
    """What is written while it trains."""

    every: int = 250  # steps
    keep: int = 4  # checkpoints
    validate_every: int = 50  # steps
    strips: int = 3  # held-out clips that are made and drawn at each checkpoint; 0: none


@dataclass(frozen=True)
class Config:
    """Everything."""

    backbone: Backbone
    data: Data
    branch: Branch = Branch()
    pretraining: Pretraining = Pretraining()
    stage1: Stage = Stage("full")
    stage2: Stage = Stage("early", start="stage1")
    training: Training = Training()
    saving: Saving = Saving()
    source: str = field(default="", compare=False)  # the file, for messages

    def stage(self, name: StageName) -> Stage | Pretraining:
        """One stage by its name."""
        return self.pretraining if name == "backbone" else self.stage1 if name == "stage1" else self.stage2

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where the data lie."""
        given = self.data.folder
        return tuple(Path(each).expanduser() for each in ((given,) if isinstance(given, str) else given))

    @property
    def record(self) -> dict[str, Any]:
        """All of it as JSON has it, defaults too."""
        table: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        del table["source"]
        return table

    def decides(self, stage: StageName) -> dict[str, Any]:
        """What decides the weights that come out of a stage: not where things lie, nor what machine does the work.

        Flat, by dotted name. Data and backbone are told apart by their content, elsewhere.
        """
        table = self.record
        table["stage"] = table[section(stage)]
        for part in ("pretraining", "stage1", "stage2", "saving", *(["branch"] if stage == "backbone" else [])):
            del table[part]
        flat = {f"{part}.{name}": value for part, row in table.items() for name, value in row.items()}
        return {name: value for name, value in flat.items() if name not in _ELSEWHERE}

    def decided(self, stage: StageName, before: dict[str, Any]) -> dict[str, Any]:
        """What `decides` said of a stage before, completed by what an older version did not know: the defaults."""
        return Config(self.backbone, Data(self.data.folder)).decides(stage) | before


_ELSEWHERE = {"backbone.weights", "data.folder", "data.cache"} | {
    f"training.{name}" for name in ("device_batch", "checkpointing", "compile", "sharding", "workers")
}
_SECTIONS = {
    "backbone": Backbone,
    "branch": Branch,
    "data": Data,
    "pretraining": Pretraining,
    "stage1": Stage,
    "stage2": Stage,
    "training": Training,
    "saving": Saving,
}


def section(stage: StageName) -> str:
    """What a stage is called in the file."""
    return "pretraining" if stage == "backbone" else stage


def load(path: Path) -> Config:
    """Read a file. Raises KineBenchError that names file, key and what was expected."""
    if not path.exists():
        raise KineBenchError(f"there is no file {path}; docs/train.md has one to start from")
    return parse(schema.read(path), str(path))


def parse(table: dict[str, Any], source: str) -> Config:
    """Validate a table as read from TOML and freeze it; `source` is the file name used in messages."""
    schema.demand(table, SCHEMA_PATH, source)
    default = {"stage1": Config.stage1, "stage2": Config.stage2}
    parts: dict[str, Any] = {}
    for name, kind in _SECTIONS.items():
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in table.get(name, {}).items()}
        parts[name] = kind(**(_shallow(default.get(name)) | given))
    config = Config(**parts, source=source)
    if faults := list(_faults(config)):
        raise KineBenchError("\n".join(f"{source}: {fault}" for fault in faults))
    return config


def _shallow(row: Stage | None) -> dict[str, Any]:
    return {each.name: getattr(row, each.name) for each in fields(row)} if row else {}


def _faults(config: Config) -> list[str]:
    """What a schema cannot say."""
    faults = []
    stages: tuple[StageName, ...] = ("backbone", "stage1", "stage2")
    for place in stages:
        stage, name = config.stage(place), section(place)
        if stage.warmup_steps >= stage.steps:
            faults.append(f"{name}.warmup_steps: {stage.warmup_steps} leave nothing of {stage.steps} steps")
    shape = config.pretraining
    if shape.channels > (most := 3 * shape.patch_px**2):
        faults.append(
            f"pretraining.channels: {shape.channels} are more than the {most} values of a patch of "
            f"{shape.patch_px}x{shape.patch_px} pixels"
        )
    if config.training.total_batch % config.training.device_batch:
        faults.append(
            f"training.device_batch: {config.training.total_batch} clips cannot be shared out by "
            f"{config.training.device_batch}"
        )
    if config.training.sharding and config.training.optimizer == "muon":
        faults.append(
            "training.sharding: Muon turns whole matrices, and each process has but a part of them; set "
            'training.optimizer = "adamw"'
        )
    family = config.backbone.family
    if family == "small" and config.backbone.weights is None:
        faults.append("backbone.weights: name the folder of your small backbone; kinebench train backbone makes it")
    if family != "cogvideox" and config.data.image_noise:
        faults.append("data.image_noise: this is of CogVideoX alone; the first frame of others is clean")
    if family == "wan" and not config.branch.image_latents:
        faults.append(f"branch.image_latents: {FIRST_FRAME_SEEN}")
    if config.data.caption_dropout + config.pretraining.plain_captions > 1:
        faults.append("pretraining.plain_captions: with data.caption_dropout it makes more than all clips")
    return faults
