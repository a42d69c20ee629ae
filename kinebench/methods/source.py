"""Where conditions come from: a packed dataset, or a folder that they were exported to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from kinebench import __version__
from kinebench.annotate.velocity import in_frame
from kinebench.data import Dataset
from kinebench.errors import KineBenchError
from kinebench.hidden import told_seed
from kinebench.methods import condition_folder, listing
from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.path import VERSION, Nominal, image_path, nominal, pole_px
from kinebench.methods.prompt import Words, c_infer
from kinebench.recipe import parse
from kinebench.scene.camera import Camera
from kinebench.scene.scene import Vector
from kinebench.scoring.truths import MEMBERS, Frames, frames_of, open_truths
from kinebench.shards import record as records

Prompt = Literal["c_infer", "c0", "c"]
"""The words of a condition: what its first frame and nominal physics tell; the paper's c_0, which tells nothing; or the
clip's own caption, which tells the outcome."""

PROMPTS: tuple[Prompt, ...] = get_args(Prompt)
DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Source:
    """Conditions by key, each made or read when it is asked for."""

    where: Path
    split: str
    prompt: Prompt
    keys: tuple[str, ...]  # in order
    facts: dict[str, Any]  # what they are made of: dataset, recipe, seed, split, prompt, versions; plain JSON
    dataset: Dataset | None  # the ground truth, if `where` is a packed dataset
    make: Callable[[str], Condition] = field(repr=False)

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys)

    def __getitem__(self, key: str) -> Condition:
        """Raises KeyError for a key that is not there, KineBenchError if the condition is missing or damaged."""
        return self.make(key)


@dataclass(frozen=True)
class Opening:
    """All that a condition may know of a clip's record: what it says of the first frame."""

    frames: int
    fps: float
    camera: Camera
    velocities_mps: dict[int, Vector]  # of the driven objects in the first frame, ground frame
    words: Words


def open_source(where: Path, split: str, prompt: Prompt) -> Source:
    """The conditions of one split of a packed dataset, or those of an exported folder.

    Raises KineBenchError if there are none, or the folder was exported with another split or prompt.
    """
    if listing.is_exported(where):
        return _exported(where, split, prompt)
    shards = open_truths(where, split)
    dataset, manifest = Dataset(shards, split), shards.manifest
    recipe = parse(manifest.recipe, f"{where}/manifest.json")
    frames = frames_of(shards.rows[key] for key in dataset.keys)
    facts = {
        "dataset": manifest.dataset,
        "version": recipe.dataset.version,
        "recipe_sha256": manifest.recipe_sha256,
        "seed": told_seed(manifest.recipe, manifest.seed),
        "split": split,
        "prompt": prompt,
        "first_frame": frames,
        "path_version": VERSION,
        "kinebench": __version__,
    }
    make = partial(_condition, dataset, frames, nominal(recipe), prompt)
    return Source(where, split, prompt, dataset.keys, facts, dataset, make)


def opening(record: dict[str, Any]) -> Opening:
    """The first frame's facts out of a record. Nothing else of the record may reach a condition."""
    camera = records.camera(record)
    driven = {row["id"]: row["velocities_mps"][0] for row in record["objects"] if row["id"] in record["driven"]}
    ground = {identity: in_frame(velocity, camera).round(DECIMALS) + 0.0 for identity, velocity in driven.items()}
    return Opening(
        frames=record["video"]["frames"],
        fps=float(record["video"]["fps"]),
        camera=camera,
        velocities_mps={identity: (float(x), float(y), float(z)) for identity, (x, y, z) in ground.items()},
        words=Words(
            ground=record["ground"]["phrase"],
            objects={row["id"]: (row["colour"], row["shape"]) for row in record["objects"]},
        ),
    )


def _condition(dataset: Dataset, frames: Frames, constants: Nominal, prompt: Prompt, key: str) -> Condition:
    """The condition of one clip. An object that shows nowhere in the first frame is left out, also a driven one."""
    from kinebench.shards import video

    record = dataset[key].record
    first, member = opening(record), dataset.source.member
    ids = video.first_gray(member(key, "segmentation.mkv"))
    seen = {identity: mask for identity in first.words.objects if (mask := ids == identity).any()}

    def driven(identity: int) -> DrivenObject:
        velocity, pole = first.velocities_mps[identity], pole_px(seen[identity])
        try:
            path = image_path(first.camera, pole, velocity, constants, first.frames, first.fps)
        except ValueError as error:
            raise KineBenchError(f"{key}: object {identity} has no path: {error}") from error
        return DrivenObject(identity, seen[identity], velocity, path)

    condition = Condition(
        key=key,
        first_frame=video.first_rgb(member(key, MEMBERS[frames])),
        prompt="",
        frames=first.frames,
        fps=first.fps,
        driven=tuple(driven(identity) for identity in seen if identity in first.velocities_mps),
        others=tuple(OtherObject(i, mask) for i, mask in seen.items() if i not in first.velocities_mps),
        camera=first.camera,
        nominal=constants,
    )
    return replace(
        condition, prompt=c_infer(condition, first.words) if prompt == "c_infer" else record["captions"][prompt]
    )


def _exported(where: Path, split: str, prompt: Prompt) -> Source:
    """Conditions of a folder, each checked against its hash."""
    there = listing.read(where)
    for name, asked in (("split", split), ("prompt", prompt)):
        if there.facts.get(name) != asked:
            raise KineBenchError(
                f"the conditions of {where} are of {name} {there.facts.get(name)!r}, not {asked!r}; "
                f"give --{name} {there.facts.get(name)}, or export again: kinebench conditions"
            )
    return Source(where, split, prompt, tuple(there.sha256), there.facts, None, partial(_read, where, there.sha256))


def _read(where: Path, hashes: dict[str, str], key: str) -> Condition:
    expected = hashes[key]
    condition = condition_folder.read(where / key)
    if condition.sha256 != expected:
        raise KineBenchError(f"{where / key} was changed after it was exported; export it again: kinebench conditions")
    return condition
