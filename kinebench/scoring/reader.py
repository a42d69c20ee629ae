"""From videos to readings: what is not in the store is read, light meters in worker processes, networks here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kinebench.errors import KineBenchError, Unavailable
from kinebench.metrics.metric import Meter, Reading
from kinebench.scoring import crew, predictions
from kinebench.scoring.job import Desk, Job, Note, Refused, Rejected, Video, work
from kinebench.scoring.predictions import Place, Slot, Unusable
from kinebench.scoring.sidecar import Told
from kinebench.scoring.store import TRUTH, WORST, Shelf, shelf
from kinebench.scoring.truths import CheckedShards, Frames, frames_of, identity, identity_at
from kinebench.shards.files import Progress


@dataclass(frozen=True)
class Subject:
    """What is read: the truths of a split, and the videos that predict them."""

    shards: CheckedShards
    keys: tuple[str, ...]
    frames: Frames
    truths: Mapping[str, str]  # key -> hash of its truth
    identities: Mapping[str, str]  # the same at the frames that are compared: readings are kept by it
    seeds: tuple[int, ...]
    videos: Mapping[Slot, Video]  # those that are there
    missing: Mapping[Slot, Unusable]  # and those whose sidecar cannot be true
    sampling: tuple[int, ...] | None = None  # the frames of each clip that are compared; None: all


@dataclass
class Readings:
    """What was found. A meter that could not read everything has no readings, but a reason."""

    truth: dict[str, dict[str, Reading]] = field(default_factory=dict)  # meter -> key -> of the truth's own frames
    predicted: dict[str, dict[Slot, Reading]] = field(default_factory=dict)  # meter -> worst cases among them
    unusable: dict[Slot, Unusable] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)  # meter -> why, and what to do


def subject(
    shards: CheckedShards,
    split: str,
    found: predictions.Predictions | None,
    hashes: Mapping[Slot, str],
    told: Told | None = None,
) -> Subject:
    """The split as it is scored; without predictions, its truths alone, at the frames of `told`."""
    told = told or Told()
    keys = shards.keys(split)
    frames = frames_of(shards.rows[key] for key in keys)
    truths = {key: identity(shards.rows[key], frames) for key in keys}
    identities = {key: identity_at(truth, told.frames) for key, truth in truths.items()}
    seeds = found.seeds if found else ()
    slots = [(key, seed) for key in keys for seed in seeds]
    places: Mapping[Slot, Place] = found.places if found else {}
    videos, missing = dict[Slot, Video](), dict[Slot, Unusable]()
    for slot in slots:
        if slot in told.unusable:
            missing[slot] = told.unusable[slot]
        elif slot in places:
            videos[slot] = Video(hashes[slot], slot, places[slot])
        elif found:
            missing[slot] = predictions.missing(found, slot)
    return Subject(shards, keys, frames, truths, identities, seeds, videos, missing, told.frames)


def read(subject: Subject, meters: Sequence[Meter], workers: int, note: Progress) -> Readings:
    """Read all that is not in the store, and take the rest from there. Interrupt it anywhere; it goes on from there.

    Raises KineBenchError if a file of the dataset is damaged, a worker dies, or a meter fails unforeseen.
    """
    run = _Run(subject, note)
    run.found.unusable.update(subject.missing)
    for meter in meters:
        run.add(meter)
    light = [meter.name for meter in run.meters.values() if meter.light]
    if jobs := run.jobs(light, look=True):
        run.expect(light, jobs)
        crew.run(run.desk(light), jobs, workers, run.hear)
        run.load(light)
    for name in [name for name in run.meters if name not in light]:
        jobs = run.jobs([name], look=False)
        run.expect([name], jobs)
        for job in jobs:
            if name in run.found.unavailable:
                break
            for message in work(run.desk([name]), job):
                run.hear(message)
        run.load([name])
    return run.settled()


class _Run:
    """The state of one `read`."""

    def __init__(self, subject: Subject, note: Progress) -> None:
        self.subject, self.note = subject, note
        self.found = Readings()
        self.meters: dict[str, Meter] = {}
        self.shelves: dict[str, Shelf] = {}
        self._left: dict[str, list[int]] = {}  # meter -> readings done, readings to do

    def add(self, meter: Meter) -> None:
        """Take what the store has of a meter, if it can run at all."""
        try:
            self.shelves[meter.name] = shelf(meter)
        except Unavailable as error:
            self.found.unavailable[meter.name] = str(error)
            return
        self.meters[meter.name] = meter
        self.load([meter.name])

    def load(self, names: Sequence[str]) -> None:
        """Take from the store what it has and is not here yet."""
        for name in names:
            truths, predicted = self.found.truth.setdefault(name, {}), self.found.predicted.setdefault(name, {})
            for key, truth in self.subject.identities.items():
                if key not in truths and (reading := self.shelves[name].get(truth, TRUTH)):
                    truths[key] = reading
            for slot in (*self.subject.videos, *self.subject.missing):
                video = WORST if slot in self.found.unusable else self.subject.videos[slot].name
                if slot not in predicted and (got := self.shelves[name].get(self.subject.identities[slot[0]], video)):
                    predicted[slot] = got

    def jobs(self, names: Sequence[str], look: bool) -> list[Job]:
        """What these meters have to read, clip by clip; with `look`, also the videos that no meter has read."""
        return [job for key in self.subject.keys if (job := self._job(key, names, look)).wanted]

    def _job(self, key: str, names: Sequence[str], look: bool) -> Job:
        wanted = []
        if lacking := tuple(name for name in names if key not in self.found.truth[name]):
            wanted.append((Video(TRUTH), lacking))
        for seed in self.subject.seeds:
            slot = key, seed
            video = Video(WORST) if slot in self.found.unusable else self.subject.videos[slot]
            lacking = tuple(name for name in names if slot not in self.found.predicted[name])
            unseen = not any(slot in readings for readings in self.found.predicted.values())
            if lacking or (look and unseen and video.place is not None):
                wanted.append((video, lacking))
        return Job(key, self.subject.identities[key], tuple(wanted))

    def desk(self, names: Sequence[str]) -> Desk:
        meters = {name: self.meters[name] for name in names}
        shelves = {name: self.shelves[name] for name in names}
        return Desk(self.subject.shards, self.subject.frames, meters, shelves, self.subject.sampling)

    def expect(self, names: Sequence[str], jobs: Sequence[Job]) -> None:
        """Show how much these meters have to read."""
        for name in names:
            self._left[name] = [0, sum(name in lacking for job in jobs for _, lacking in job.wanted)]
            if self._left[name][1]:
                self.note(name, *self._left[name])

    def hear(self, message: Note) -> None:
        if isinstance(message, Rejected):
            self.found.unusable[message.slot] = message.why
            return
        if isinstance(message, Refused):
            self.found.unavailable.setdefault(message.meter, message.reason)
        done = self._left[message.meter]
        done[0] += 1
        self.note(message.meter, *done)

    def settled(self) -> Readings:
        """What was found, once everything was read. Raises KineBenchError if something is still not there."""
        slots = {*self.subject.videos, *self.subject.missing}
        for name in self.meters:
            if name in self.found.unavailable:
                del self.found.truth[name], self.found.predicted[name]
            elif self.found.truth[name].keys() != {*self.subject.keys} or self.found.predicted[name].keys() != slots:
                raise KineBenchError(f"readings of {name} in {self.shelves[name].folder} went missing; run it again")
        return self.found
