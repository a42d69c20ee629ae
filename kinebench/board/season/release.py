"""A new season: salt, hidden dataset, then what is released of it. Interrupt it anywhere; the next run goes on."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kinebench import generate
from kinebench import recipe as recipes
from kinebench.board.season import commitment, guard, page, salt, statement
from kinebench.errors import KineBenchError
from kinebench.methods.export import export
from kinebench.methods.source import open_source
from kinebench.publish import licence
from kinebench.recipe import Recipe
from kinebench.shards import manifest as manifests
from kinebench.shards.files import Progress, disk_room, sha256_file, sweep, write_atomic
from kinebench.shards.plan import Plan
from kinebench.textures.selection import choices

SECRET, PUBLIC = "secret", "public"
DATASET, CONDITIONS = "dataset", "conditions"
README = "README.md"
_ORDER = "order.json"
_SAME_TIME = 946_684_800  # 2000-01-01: what every released file says of its age


@dataclass(frozen=True)
class Season:
    """A season that is being made, or was released."""

    folder: Path
    recipe: Recipe  # under the season's name
    clips: int
    salt: bytes

    @property
    def public(self) -> Path:
        """What is released."""
        return self.folder / PUBLIC

    @property
    def dataset(self) -> Path:
        """The ground truth."""
        return self.folder / SECRET / DATASET

    @property
    def released(self) -> bool:
        """Whether nothing is to be done any more."""
        return (self.public / statement.NAME).is_file()

    @cached_property
    def plan(self) -> Plan:
        """What is to be generated."""
        assert self.recipe.dataset.season is not None
        seed = salt.seed_of(self.salt, self.recipe.dataset.season, self.recipe.sha256)
        return generate.plan(self.recipe, statement.SPLIT, self.clips, seed)


def begin(recipe: Recipe, name: str, clips: int, folder: Path) -> Season:
    """Claim a folder for a season, and draw its salt; or find the same season there, as far as it has come.

    Raises KineBenchError if the season cannot be, or the folder holds anything else.
    """
    hidden = season_recipe(recipe, name)
    generate.plan(hidden, statement.SPLIT, clips, 0)  # raises for what cannot be generated
    secret = folder / SECRET
    order = {"season": name, "recipe_sha256": hidden.sha256, "clips": clips}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder, f".{SECRET}.*.tmp")
        if not (secret / _ORDER).is_file():
            if any(folder.iterdir()):
                raise KineBenchError(f"{folder} holds something else than a season; name another folder with --out")
            _claim(secret, order)
        sweep(secret)
        if (there := json.loads((secret / _ORDER).read_bytes())) != order:
            differing = ", ".join(f"{key} {there.get(key)} (now {order[key]})" for key in order if there != order)
            raise KineBenchError(f"{folder} holds another season: {differing}; name another folder with --out")
        if not (secret / salt.NAME).exists() and (folder / PUBLIC).exists() | (secret / DATASET).exists():
            raise KineBenchError(f"{secret / salt.NAME} is gone, from which the season follows; restore it from a copy")
        return Season(folder, hidden, clips, salt.keep(secret / salt.NAME))
    except ValueError as error:
        raise KineBenchError(f"{secret / _ORDER} is damaged: {error}; name another folder with --out") from error
    except OSError as error:
        raise KineBenchError(f"{error.filename or folder}: {error.strerror}; name another folder with --out") from error


def _claim(secret: Path, order: dict[str, object]) -> None:
    """Make the secret folder, at once and with its order in it, for its owner alone."""
    temporary = secret.with_name(f".{secret.name}.{os.uname().nodename}.{os.getpid()}.tmp")
    temporary.mkdir(mode=0o700, exist_ok=True)
    with disk_room("claiming the folder", secret.parent, 4096):
        write_atomic(temporary / _ORDER, json.dumps(order).encode() + b"\n")
    temporary.rename(secret)


def season_recipe(recipe: Recipe, name: str) -> Recipe:
    """A recipe under the name of a season. Raises KineBenchError if there can be no such season of it."""
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 40:
        raise KineBenchError(f"--name {name}: expected lower case and digits, with hyphens, such as 2026-autumn")
    if recipe.dataset.season is not None:
        raise KineBenchError(f"{recipe.source} is of season {recipe.dataset.season} already; give the recipe itself")
    if recipe.counterfactual is not None:
        raise KineBenchError(
            f"{recipe.source} is counterfactual: its masses and frictions are a short public list, and cannot be "
            "hidden; choose a recipe that draws them from ranges"
        )
    recipe.split(statement.SPLIT)
    dataset = recipe.record["dataset"] | {"name": f"{recipe.dataset.name}-{name}", "season": name}
    return recipes.parse({**recipe.record, "dataset": dataset}, recipe.source)


def publish(season: Season, note: Progress) -> str:
    """Write what is released of a season whose dataset is packed and sound; returns its commitment.

    Raises KineBenchError, and releases nothing, if anything of it would tell what is hidden.
    """
    if season.released:
        return str(statement.read(season.public)["commitment"])
    source = open_source(season.dataset, statement.SPLIT, statement.PROMPT)
    if len(source) != season.clips:
        raise KineBenchError(f"{season.dataset} has {len(source)} clips, not {season.clips}; make the season anew")
    export(source, season.public / CONDITIONS, note)
    said = statement.statement(season.recipe, season.clips)
    manifest = manifests.read(season.dataset)
    title = str(season.recipe.dataset.title)
    grounds = choices(season.recipe.split(statement.SPLIT).textures, statement.SPLIT, season.recipe.source)
    with disk_room("releasing the season", season.public, 1 << 20):
        write_atomic(season.public / README, page.page(said, title))
        write_atomic(season.public / licence.NAME, licence.licence(manifest, licence.grounds(grounds)))
        (season.public / commitment.SUMS).unlink(missing_ok=True)
        sums = "".join(f"{digest}  {name}\n" for name, digest in commitment.released(season.public).items())
        write_atomic(season.public / commitment.SUMS, sums.encode())
        _refuse_leaks(season)
        files = commitment.released(season.public)
        text = commitment.text(said, season.salt, sha256_file(season.dataset / manifests.NAME), files)
        said["commitment"] = commitment.commitment(text)
        _alike_in_age(season.public.rglob("*"))  # before the release: an interrupt after it is the last
        write_atomic(season.public / statement.NAME, statement.dump(said))
        _alike_in_age([season.public / statement.NAME])
    return str(said["commitment"])


def _alike_in_age(paths: Iterable[Path]) -> None:
    for path in paths:
        os.utime(path, (_SAME_TIME, _SAME_TIME))


def _refuse_leaks(season: Season) -> None:
    faults = guard.leaks(season.public, season.dataset, season.salt)
    if faults:
        lines = "\n".join(f"  {fault.file}: {fault.what}; {fault.remedy}" for fault in faults)
        raise KineBenchError(f"{season.public} is not released, because it tells what is hidden:\n{lines}")
