"""season.json: what is said of a season when its conditions are released. See `season.schema.json`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from kinebench import __version__
from kinebench.board.suite import METRICS_VERSION
from kinebench.errors import KineBenchError
from kinebench.methods import strict_json
from kinebench.methods.path import VERSION as PATH_VERSION
from kinebench.methods.source import Prompt
from kinebench.recipe import DATA_VERSION, Recipe

NAME = "season.json"
KIND = "kinebench season"
SCHEMA_VERSION = 1
SCHEMA_PATH = Path(__file__).with_name("season.schema.json")
SPLIT = "test"
PROMPT: Prompt = "c_infer"

Statement = dict[str, Any]


def statement(recipe: Recipe, clips: int) -> Statement:
    """What is said of a season of this recipe, but for the commitment."""
    dataset, video = recipe.dataset, recipe.video
    assert dataset.season is not None
    return {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "name": dataset.season,
        "dataset": {
            "name": dataset.name,
            "version": dataset.version,
            "split": SPLIT,
            "recipe": dataset.name.removesuffix(f"-{dataset.season}"),
            "recipe_sha256": recipe.sha256,
        },
        "clips": clips,
        "frames": video.frames,
        "fps": video.fps,
        "width": video.width,
        "height": video.height,
        "prompt": PROMPT,
        "versions": {
            "kinebench": __version__,
            "data": DATA_VERSION,
            "metrics": METRICS_VERSION,
            "path": PATH_VERSION,
        },
    }


def dump(said: Statement) -> bytes:
    """The file."""
    return json.dumps(said, indent=2).encode() + b"\n"


def read(public: Path) -> Statement:
    """The statement of a released season, with its commitment. Raises KineBenchError if there is none, or no such."""
    path = public / NAME
    try:
        said = strict_json.loads(path.read_bytes())
    except OSError as error:
        raise KineBenchError(f"{public} is no released season: {NAME} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KineBenchError(f"{path}: {error}; get the season again from where it was released") from error
    if isinstance(said, dict) and said.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        raise KineBenchError(f"{path}: schema version {said['schema_version']}; this KineBench reads {SCHEMA_VERSION}")
    faults = sorted(_validator().iter_errors(said), key=lambda fault: list(map(str, fault.absolute_path)))
    if faults:
        place = ".".join(map(str, faults[0].absolute_path)) or "the file"
        raise KineBenchError(f"{path}: {place}: {faults[0].message[:200]}; get it again from where it was released")
    return dict(said)


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))
