"""One method's predictions of one split, scored: `kinebench score`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kinebench.data import Example
from kinebench.errors import KineBenchError
from kinebench.metrics import catalogue
from kinebench.metrics.catalogue import Setup
from kinebench.metrics.metric import Meter
from kinebench.scoring import codec, device, predictions, provenance, sidecar
from kinebench.scoring.codec import Coded
from kinebench.scoring.groups import whole_groups
from kinebench.scoring.predictions import Look, Slot
from kinebench.scoring.reader import Readings, Subject, read, subject
from kinebench.scoring.scorecard import Card, Run, scorecard
from kinebench.scoring.sidecar import Told
from kinebench.scoring.truths import CheckedShards, clip_frames, frames_of, open_truths, truth_of
from kinebench.shards.files import Progress


def score(
    where: Path,
    data: Path,
    split: str = "test",
    names: Sequence[str] = (),
    setup: Setup | None = None,
    workers: int = 1,
    floor: Path | None = None,
    note: Progress | None = None,
    seed: int | None = None,
) -> Card:
    """The scorecard of the predictions in `where` against a dataset folder.

    `names` are of metrics or meters, none for all. `floor` is a dataset of the same recipe with another seed. With
    `seed`, the videos of the others are not looked at. What was read is kept, so that an interrupted run goes on where
    it was. Raises KineBenchError.
    """
    note = note or (lambda stage, done, whole: None)
    setup = setup or Setup()
    meters, wanted, place = _meters(names, setup)
    shards = open_truths(data, split)
    other = _floor(floor, shards, split) if floor else None
    found = predictions.find(where, shards.keys(split))
    found = found if seed is None else found.only(seed)
    told = sidecar.read(found, clip_frames(shards))
    provenance.check_source(told, shards.manifest, split)
    looks = predictions.look(found, note)
    hashes = {slot: each.sha256 for slot, each in looks.items()}
    mine = subject(shards, split, found, hashes, told)
    readings = read(mine, meters, workers, note)
    return scorecard(
        Run(
            subject=mine,
            split=split,
            predictions=found,
            hashes=hashes,
            told=told,
            codecs=_codecs(mine, looks),
            meters=meters,
            wanted=wanted,
            readings=readings,
            groups=whole_groups(shards, split),
            device=device.name(place),
            precision="bfloat16" if setup.bfloat16 else "float32",
            floor=_floor_readings(other, split, told, meters, workers, note) if other else None,
        ),
        note,
    )


def _meters(names: Sequence[str], setup: Setup) -> tuple[tuple[Meter, ...], frozenset[str], str]:
    """The meters, the metrics wanted, and the device; torch, which knows it, is only loaded if a network will run."""
    meters, wanted = catalogue.choose(names, replace(setup, device="cpu"))
    if not any(meter.name in catalogue.NETWORKS and catalogue.can_run(meter) for meter in meters):
        return meters, wanted, "cpu"
    place = device.resolve(setup.device)
    return *catalogue.choose(names, replace(setup, device=place)), place


def _floor(folder: Path, shards: CheckedShards, split: str) -> CheckedShards:
    """The other ground truth. Raises KineBenchError if it is not the same but for its seed."""
    other = open_truths(folder, split)
    one, two = shards.manifest, other.manifest
    if two.recipe_sha256 != one.recipe_sha256:
        raise KineBenchError(f"--floor {folder}: it is of another recipe; generate it with the one of {shards.folder}")
    if two.seed == one.seed:
        raise KineBenchError(f"--floor {folder}: it has seed {one.seed}, as {shards.folder}; generate it with another")
    mine, its = (frames_of(each.rows[key] for key in each.keys(split)) for each in (shards, other))
    if its != mine:
        raise KineBenchError(
            f"--floor {folder}: its {split} split has {its} frames, that of --data has {mine}; "
            "generate both with --with lossless"
        )
    return other


def _codecs(mine: Subject, looks: Mapping[Slot, Look]) -> tuple[Coded, ...]:
    """How the videos are coded. The ground truth is only decoded if it must be, to be coded alike."""
    found = codec.kinds(looks)
    if all(codec.fine(coding) for coding, _ in found):
        return tuple(Coded(coding, count, fine=True) for coding, count in found)
    return codec.check(found, truth_of(Example(mine.keys[0], mine.shards), mine.frames, mine.sampling))


def _floor_readings(
    shards: CheckedShards, split: str, told: Told, meters: Sequence[Meter], workers: int, note: Progress
) -> tuple[Subject, Readings]:
    other = subject(shards, split, None, {}, Told(told.frames))
    return other, read(other, [meter for meter in meters if meter.distances], workers, note)
