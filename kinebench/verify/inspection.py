"""One sample, read and checked: what is wrong with it, and what it adds to the picture of the whole set."""

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench.acceptance import MOVED_PX, judge
from kinebench.annotate.caption import captions
from kinebench.errors import KineBenchError
from kinebench.recipe import Recipe
from kinebench.shards import record as records
from kinebench.shards.index import Row
from kinebench.shards.manifest import Manifest
from kinebench.shards.sample import MEMBERS
from kinebench.shards.stock import read_member
from kinebench.verify import bounds, laws, pictures, plausibility, soundness, twins
from kinebench.verify.inventory import COPY, REMAKE, REPACK, Fault
from kinebench.verify.plausibility import Measures
from kinebench.verify.twins import Identity

SLACK = {"path_px": 0.02, "visible_px": pictures.EDGE_PX}
"""How far these facts of quality may be from what the motion gives: they are rounded."""

Grounds = Mapping[str, tuple[str, float]]


@dataclass(frozen=True)
class Claims:
    """What every sample of a dataset folder is held against."""

    folder: Path
    manifest: Manifest
    recipe: Recipe
    grounds: dict[str, Grounds | None]  # by split; None where its scenes cannot be drawn again here


@dataclass(frozen=True)
class Finding:
    """What one sample is."""

    key: str
    faults: tuple[Fault, ...]
    decoded: bool
    identity: Identity | None  # None where the record cannot be read
    measures: Measures | None


def inspect(claims: Claims, row: Row, decode: bool) -> Finding:
    """Read one sample and check its bytes and its record, and if `decode` its pictures."""
    members: dict[str, bytes] = {}
    faults = list(_byte_faults(claims.folder, row, members))
    record, facts = _record(claims, row, members) if "json" in members else (None, [])
    if record is None:
        return Finding(row.key, (*faults, *(Fault(row.key, fact, REMAKE) for fact in facts)), False, None, None)
    facts += record_facts(claims, record)
    if decode:
        facts += _checked(pictures.picture_faults(record, members))
    faults += [Fault(row.key, fact, REMAKE) for fact in facts]
    redrawn = claims.grounds[record["split"]] is not None
    return Finding(
        row.key, tuple(faults), decode, twins.identify(record), plausibility.measure(record, claims.recipe, redrawn)
    )


def _byte_faults(folder: Path, row: Row, members: dict[str, bytes]) -> Iterator[Fault]:
    """Read the sample's members into `members`; those that are cut short or have another hash do not go there."""
    cut: dict[str, list[str]] = {}
    for suffix, place in row.members.items():
        data = read_member(folder, place)
        if len(data) != place.size:
            cut.setdefault(place.shard, []).append(f"{suffix} at {len(data)} of {place.size} bytes")
        elif hashlib.sha256(data).hexdigest() != place.sha256:
            yield Fault(row.key, f"{suffix} is damaged: its bytes in {place.shard} have another sha256", COPY)
        else:
            members[suffix] = data
    yield from (Fault(row.key, f"is cut short in {shard}: {', '.join(parts)}", COPY) for shard, parts in cut.items())
    for suffix in MEMBERS:
        if suffix not in row.members:
            yield Fault(row.key, f"has no {suffix}", REPACK)


def _record(claims: Claims, row: Row, members: Mapping[str, bytes]) -> tuple[dict[str, Any] | None, list[str]]:
    """The record, None if it cannot be read any further, and what is wrong with it."""
    try:
        record = records.parse(members["json"])
    except ValueError as error:
        return None, [f"json cannot be read: {error}"]
    if broken := records.schema_faults(record):
        return None, [f"json: {fact}" for fact in broken]
    facts = list(_row_facts(claims.manifest, row, record, members))
    broken = list(soundness.structure_faults(record, claims.recipe.record))
    return None if broken else record, facts + broken


def _row_facts(manifest: Manifest, row: Row, record: dict[str, Any], members: Mapping[str, bytes]) -> Iterator[str]:
    """The record against manifest and index."""
    provenance = record["provenance"]
    wanted = {
        "key": (record["key"], row.key),
        "dataset": (record["dataset"], manifest.dataset),
        "split": (record["split"], row.split),
        "index": (record["index"], row.index),
        "recipe_sha256": (provenance["recipe_sha256"], manifest.recipe_sha256),
        "seed": (provenance["seed"], manifest.seed),
        "number of objects": (len(record["objects"]), row.objects),
        "number of driven objects": (len(record["driven"]), row.driven),
        "number of events": (len(record["events"]), row.events),
    }
    for name, (said, listed) in wanted.items():
        if said != listed:
            yield f"its json says {name} {said}, manifest and index say {listed}"
    if "txt" in members and members["txt"].decode(errors="replace").strip() != record["captions"]["c"]:
        yield "txt is not caption c of the json"


def record_facts(claims: Claims, record: dict[str, Any]) -> list[str]:
    """What is wrong with a record without `soundness.structure_faults`; its bytes and pictures are not looked at."""
    facts = _checked(_facts(claims, record))
    if facts or claims.grounds[record["split"]] is None:
        return facts
    return _checked(_caption_facts(record))  # last, because what is no motion cannot be told


def _facts(claims: Claims, record: dict[str, Any]) -> Iterator[str]:
    """The record against itself, the recipe and the laws of motion."""
    recipe, scene, rollout = claims.recipe, records.scene(record), records.rollout(record)
    yield from soundness.record_faults(record, recipe.record)
    yield from soundness.motion_faults(record)
    yield from bounds.range_faults(scene, recipe)
    grounds = claims.grounds[scene.split]
    if grounds is not None:
        yield from bounds.origin_faults(scene, recipe, grounds)
    yield from laws.law_faults(scene, rollout, recipe.motion.v_max_mps)
    yield from _acceptance_facts(record, recipe)


def _checked(facts: Iterator[str]) -> list[str]:
    """The facts up to where numbers that fit the schema, and nothing else, make a check impossible."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of numpy, about numbers that are named as faults
        try:
            for fact in facts:
                found.append(fact)
        except (ValueError, IndexError, ArithmeticError, MemoryError) as error:
            found.append(f"cannot be checked any further: {type(error).__name__}: {error}")
    return found


def _caption_facts(record: dict[str, Any]) -> Iterator[str]:
    """Tell the motion again, in the words that the scene's own random numbers choose."""
    scene, rollout = records.scene(record), records.rollout(record)
    for name, text in captions(scene, rollout).items():
        if record["captions"][name] != text:
            yield f"captions.{name} is {record['captions'][name]!r}, and its motion gives {text!r}"


def _acceptance_facts(record: dict[str, Any], recipe: Recipe) -> Iterator[str]:
    """Judge the clip again, as when it was accepted."""
    scene, quality = records.scene(record), record["quality"]
    judged = judge(recipe.acceptance, scene, records.rollout(record))
    if isinstance(judged, str):
        yield f"its motion is one that the recipe rejects: {judged}"
        return
    driven = [i - 1 for i in scene.driven]
    wanted = {
        "rejected": scene.attempt,
        "path_px": [round(float(path), 2) for path in judged.path_px[driven]],
        "interaction": judged.interaction,
        "visible_px": list(judged.visible_px),
        "moved": [i for i, path in enumerate(judged.path_px, 1) if path >= MOVED_PX],
    }
    for name, value in wanted.items():
        if not _near(quality[name], value, SLACK.get(name, 0)):
            yield f"quality.{name} is {quality[name]}, and its motion gives {value}"


def _near(said: Any, wanted: Any, slack: float) -> bool:
    if isinstance(wanted, list) and len(wanted) == len(said):
        return all(abs(a - b) <= slack for a, b in zip(said, wanted, strict=True))
    return bool(said == wanted)


def grounds_of(recipe: Recipe, split: str) -> Grounds | None:
    """The grounds that scenes of a split were drawn from; None if they are not all here."""
    from kinebench.textures.selection import choices

    try:
        found = choices(recipe.splits[split].textures, split, recipe.source)
    except KineBenchError:
        return None
    return {name: (ground.phrase, ground.tile_m) for name, ground in found.items()}
