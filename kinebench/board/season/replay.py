"""Clips of a revealed season made anew from its seed, and held against those that were revealed."""

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kinebench import generate
from kinebench.board.fault import Fault
from kinebench.errors import require
from kinebench.runners import Runner, local
from kinebench.runners.ledger import Watch
from kinebench.scoring.truths import CheckedShards
from kinebench.shards.plan import Plan
from kinebench.shards.spool import Spool

_REMEDY = (
    "replay on the type of machine, and with the versions, that the provenance of its json names; if it still differs, "
    "it is not what the seed gives"
)


def replayed(work: Plan, shards: CheckedShards, clips: int, workers: int, watch: Watch) -> Iterator[Fault]:
    """Generate so many clips of a plan again, evenly spaced by index; a fault for each whose bytes differ.

    Raises MissingExtra if this machine cannot render, KineBenchError if a clip cannot be made.
    """
    for engine, extra in generate.ENGINES[Runner.LOCAL].items():
        if importlib.util.find_spec(engine) is None:
            require(engine, extra)
    clips = min(clips, work.count)
    chosen = sorted({number * work.count // clips for number in range(clips)})
    with tempfile.TemporaryDirectory(prefix="kinebench-replay-") as temporary:
        place, keys = Path(temporary), work.keys
        jobs = [
            generate.job(work, place, keys[i], work.split, i, frozenset(shards.rows[keys[i]].members))
            for i in chosen
            if keys[i] in shards.rows
        ]
        watch.begin(len(jobs), len(jobs), work.recipe["video"]["frames"])
        outcome = local.run(jobs, workers, watch)
        lost = outcome.failed | outcome.refused
        for job in jobs:
            made = Spool(place).load(job["key"])
            if made is None:
                said = lost.get(job["key"], "it was not begun").strip().splitlines()[-1]
                yield Fault(f"cannot be made again: {said}", _REMEDY, sample=job["key"])
                continue
            differing = [name for name, data in made.members.items() if data != shards.member(job["key"], name)]
            if differing:
                yield Fault(f"made again, its {', '.join(differing)} differ", _REMEDY, sample=job["key"])
