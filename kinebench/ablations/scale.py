"""How large an ablation is run: what the roles of a table stand for, and what they cost. `scales/*.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kinebench import recipe as recipes
from kinebench import schema
from kinebench.ablations.table import Backbone, DataRole
from kinebench.errors import KineBenchError
from kinebench.kinemask import config as trainings
from kinebench.kinemask.families import Name
from kinebench.metrics.catalogue import Setup, choose
from kinebench.recipe import Recipe

SCHEMA_PATH = Path(__file__).with_name("scale.schema.json")
SCALES = Path(__file__).with_name("scales")


@dataclass(frozen=True)
class Data:
    """A dataset, rendered for training and for test."""

    recipe: Recipe
    train: int  # clips
    test: int
    clip_s: float  # of one core, to render a clip
    clip_mb: float  # on disk


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone, and what it costs, in seconds of one core or one GPU, see `Scale.processor`."""

    family: Name
    title: str
    step_s: float  # a training step of the branch
    latents_s: float  # a clip, encoded once for training
    video_s: float  # a video, sampled
    latents_mb: float  # a clip's, on disk
    memory_gb: float  # training
    weights_gb: float  # to have before; 0: made here
    size: tuple[int, int] | None = None  # clips are fitted into; None: their own
    pretraining: Mapping[str, Any] | None = None  # how it is made here; None: it is published
    pretraining_step_s: float = 0.0
    prompt_mb: float = 0.0  # a caption's embedding, on disk
    branch_mb: float = 0.0  # a checkpoint of a stage: the branch, and its optimizer's state
    backbone_mb: float = 0.0  # the same of a backbone that is made here
    video_mb: float = 0.0  # a video, on disk


@dataclass(frozen=True)
class Scale:
    """What a table's roles stand for."""

    name: str
    title: str
    machine: str  # what its costs were measured or counted on
    processor: Literal["core", "gpu"]  # what one task of training or sampling runs on
    seeds: tuple[int, ...]
    data: Mapping[DataRole, Data]
    backbones: Mapping[Backbone, BackboneSpec]
    config: Mapping[str, Mapping[str, Any]]  # sections of a training configuration, as `kinemask.config` has them
    metrics: tuple[str, ...]  # that every row must have
    score_s: float  # to score a video, of one core or GPU
    content: Mapping[str, Any]  # all of it as `parse` reads it, with whole recipes
    source: str = ""  # the file it was read from, for messages only


def built_in() -> dict[str, Path]:
    """The scales that come with KineBench, by name."""
    return {path.stem: path for path in sorted(SCALES.glob("*.toml"))}


def load(name_or_path: str) -> Scale:
    """Read a scale by name, or a file. Raises KineBenchError that names file, key and what was expected."""
    path = schema.find(name_or_path, built_in(), "scale")
    return parse(schema.read(path), path.stem, str(path))


def parse(content: dict[str, Any], name: str, source: str) -> Scale:
    """Validate a scale as read from TOML and freeze it; `source` is the file name used in messages."""
    schema.demand(content, SCHEMA_PATH, source)
    if len(set(content["seeds"])) < len(content["seeds"]):
        raise KineBenchError(f"{source}: seeds: {content['seeds']} has one twice")
    for role, row in content["backbones"].items():
        _demand_trainable(row, content["config"], f"{source}: backbones.{role}")
    try:
        choose(content["metrics"], Setup())
    except KineBenchError as error:
        raise KineBenchError(f"{source}: metrics: {error}") from error
    data = {role: Data(**{**row, "recipe": _recipe(row["recipe"], source)}) for role, row in content["data"].items()}
    whole = {role: {**row, "recipe": data[role].recipe.record} for role, row in content["data"].items()}
    return Scale(
        name=name,
        title=content["title"],
        machine=content["machine"],
        processor=content["processor"],
        seeds=tuple(content["seeds"]),
        data=data,
        backbones={role: _backbone(row) for role, row in content["backbones"].items()},
        config=content["config"],
        metrics=tuple(content["metrics"]),
        score_s=content["score_s"],
        content={**content, "data": whole},
        source=source,
    )


def _recipe(given: str | dict[str, Any], source: str) -> Recipe:
    """A built-in recipe, a file, from where the scale lies, or the recipe itself."""
    if not isinstance(given, str):
        return recipes.parse(given, source)
    try:
        return recipes.load(given if given in recipes.built_in() else str(Path(source).parent / given))
    except KineBenchError as error:
        raise KineBenchError(f"{source}: data: {error}") from error


def _demand_trainable(row: Mapping[str, Any], config: Mapping[str, Any], place: str) -> None:
    """Raises KineBenchError if a backbone is not to be had, or a key for its trainings is none."""
    small, made = row["family"] == "small", row.get("pretraining")
    if small and made is None:
        raise KineBenchError(f"{place}: nobody has published a small backbone; say in pretraining how it is made")
    if not small and made is not None:
        raise KineBenchError(f"{place}.pretraining: {row['family']} is published, and made nowhere else; leave it out")
    whole = {
        **config,
        "backbone": {"family": row["family"], **({"weights": "made"} if small else {})},
        "data": {**config.get("data", {}), "folder": "data"},
        **({"pretraining": made} if small else {}),
    }
    schema.demand(whole, trainings.SCHEMA_PATH, f"{place}, with [config]")


def _backbone(row: dict[str, Any]) -> BackboneSpec:
    size = row.get("size")
    return BackboneSpec(**{**row, "size": tuple(size) if size else None})
