"""A dataset folder against itself, its recipe and the laws of motion. Trusts nothing. See docs/verify.md."""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinebench import recipe as recipes
from kinebench.errors import KineBenchError
from kinebench.interrupt import held_back
from kinebench.shards import index, staging
from kinebench.shards import manifest as manifests
from kinebench.shards.files import Progress
from kinebench.shards.index import Row
from kinebench.shards.manifest import Manifest
from kinebench.verify import inventory, twins
from kinebench.verify.inspection import Claims, Finding, grounds_of, inspect
from kinebench.verify.inventory import REMAKE, REPACK, DamagedError, Fault
from kinebench.verify.plausibility import Plausibility, Statement, report

Found = Callable[[Fault], None]
BATCH = 16
"""Samples that a worker checks at once, so that handing them over costs little."""


@dataclass(frozen=True)
class Report:
    """What was looked at, what is wrong with it, and what it is like as a whole."""

    folder: Path
    files: int  # hashed
    samples: int  # whose bytes and record were checked
    decoded: int  # of those, whose pictures were decoded and derived again
    faults: tuple[Fault, ...]  # in the order they were found
    plausibility: Plausibility

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(
    folder: Path | str,
    sample: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    found: Found | None = None,
) -> Report:
    """Check a dataset folder: every file, every record, and the pictures of all samples or of `sample` evenly spaced.

    `found` is told of each fault at once. Neither the report nor its order depends on `workers`. Raises KineBenchError
    if the folder is no dataset at all.
    """
    folder = Path(folder)
    note: Progress = progress or (lambda stage, done, whole: None)
    faults: dict[Fault, None] = {}

    def hear(some: Iterable[Fault]) -> None:
        for fault in some:
            if fault not in faults and found:
                found(fault)
            faults[fault] = None

    def ended(files: int, samples: int = 0, decoded: int = 0, whole: Plausibility | None = None) -> Report:
        return Report(folder, files, samples, decoded, tuple(faults), whole or Plausibility((), ()))

    if staging.interrupted(folder):
        hear([Fault(folder.name, "packing was interrupted: old and new files stand side by side", REPACK)])
        return ended(0)
    try:
        manifest, rows = inventory.claims(folder)
    except DamagedError as error:
        hashed = inventory.hashes(folder, (index.NAME, manifests.NAME), workers, note)
        hear([*inventory.sum_faults(folder, hashed), Fault(error.name, str(error), inventory.COPY)])
        return ended(len(hashed))
    names = [shard.name for shard in manifest.all_shards]
    beside = [name for name in inventory.listed_sums(folder) if Path(name).name == name]
    wanted = dict.fromkeys((*names, index.NAME, manifests.NAME, manifests.CROISSANT, *beside))
    hashed = inventory.hashes(folder, wanted, workers, note)
    hear(inventory.sum_faults(folder, hashed))
    hear(inventory.manifest_faults(folder, manifest, hashed))
    hear(inventory.index_faults(manifest, rows))
    hear(inventory.tar_faults(folder, [name for name in names if name in hashed], rows))
    claims = _claims(folder, manifest, hear)
    if claims is None:
        return ended(len(hashed))
    chosen = _evenly(len(rows), sample)
    findings, register = [], twins.Register()
    note("samples", 0, len(rows))
    for row, finding in zip(rows, _findings(claims, rows, chosen, workers), strict=True):
        hear(finding.faults)
        hear(_twin_faults(register, row, finding))
        findings.append(finding)
        note("samples", len(findings), len(rows))
    return ended(len(hashed), len(rows), len(chosen), _plausibility(claims, findings, register))


def _claims(folder: Path, manifest: Manifest, hear: Callable[[Iterable[Fault]], None]) -> Claims | None:
    """What the samples are held against; None if the recipe cannot be read."""
    versions = [version for version in range(1, recipes.DATA_VERSION + 1) if _hash(manifest, version)]
    if not versions:
        fact = f"recipe_sha256 {manifest.recipe_sha256[:12]}... is not the hash of the recipe"
        hear([Fault(manifests.NAME, fact, REMAKE)])
    try:
        recipe = recipes.parse(manifest.recipe, f"the recipe in {folder / manifests.NAME}")
    except KineBenchError as error:
        fact = f"cannot be read: {error}"
        hear([Fault(manifests.NAME, fact, f"verify with kinebench {manifest.kinebench}, which packed it")])
        return None
    hear(Fault(manifests.NAME, fact, REMAKE) for fact in twins.recipe_facts(recipe))
    current = recipes.DATA_VERSION in versions
    return Claims(
        folder, manifest, recipe, {name: grounds_of(recipe, name) if current else None for name in recipe.splits}
    )


def _hash(manifest: Manifest, data_version: int) -> bool:
    """Whether the recipe has this hash as data of a version."""
    text = json.dumps({"data_version": data_version, **manifest.recipe}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest() == manifest.recipe_sha256


def _evenly(count: int, sample: int | None) -> frozenset[int]:
    if sample is None or sample >= count:
        return frozenset(range(count))
    return frozenset(np.linspace(0, count - 1, max(sample, 0)).round().astype(int).tolist())


def _twin_faults(register: twins.Register, row: Row, finding: Finding) -> Iterator[Fault]:
    if "mp4" in row.members:
        yield from (Fault(row.key, f, REMAKE) for f in register.clip_facts(row.key, row.members["mp4"].sha256))
    if finding.identity is not None:
        yield from (Fault(row.key, fact, REMAKE) for fact in register.facts(row.key, finding.identity))


def _plausibility(claims: Claims, findings: Sequence[Finding], register: twins.Register) -> Plausibility:
    measures = [finding.measures for finding in findings if finding.measures is not None]
    choices = {split: len(grounds) if grounds else None for split, grounds in claims.grounds.items()}
    whole = report(measures, claims.recipe, choices)
    extra = (
        Statement("clips, scenes, random streams twice", "0", str(register.twins)),
        Statement("colours, grounds in two splits", "0", str(register.strays)),
    )
    return Plausibility(whole.quantities, whole.statements + extra)


_CLAIMS: list[Claims] = []  # of this worker process


def _findings(claims: Claims, rows: Sequence[Row], chosen: frozenset[int], workers: int) -> Iterator[Finding]:
    """What each sample is, in order. All worker processes are gone when this ends or raises."""
    jobs = [(row, number in chosen) for number, row in enumerate(rows)]
    size = max(1, min(BATCH, len(jobs) // (4 * workers)))
    batches = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    if min(workers, len(batches)) < 2:
        yield from (inspect(claims, *job) for job in jobs)
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(workers, len(batches)), multiprocessing.get_context("spawn"), initializer=_begin, initargs=(claims,)
    )
    try:
        with held_back():  # a worker that is still starting would answer it with a traceback
            work = pool.map(_inspect, batches)
        for findings in work:
            yield from findings
    except BrokenProcessPool as error:
        raise KineBenchError(
            "a worker process of verify died, perhaps for lack of memory; run it again with fewer --workers"
        ) from error
    finally:
        for child in set(multiprocessing.active_children()) - others:
            child.kill()
        pool.shutdown(cancel_futures=True)


def _begin(claims: Claims) -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    _CLAIMS[:] = [claims]


def _inspect(batch: list[tuple[Row, bool]]) -> list[Finding]:
    return [inspect(_CLAIMS[0], *job) for job in batch]


def plain(made: Report) -> dict[str, Any]:
    """The report as JSON values."""
    from dataclasses import asdict

    return {"sound": made.sound, **asdict(made), "folder": str(made.folder)}
