"""One clip read by several meters: decoded once for all of them, in whatever process this is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinebench.data import Example
from kinebench.errors import KineBenchError, failure
from kinebench.metrics.metric import Meter, Reading
from kinebench.metrics.truth import Truth
from kinebench.scoring import predictions
from kinebench.scoring.predictions import Place, Slot, Unusable
from kinebench.scoring.store import TRUTH, WORST, Shelf
from kinebench.scoring.truths import CheckedShards, Frames, truth_of


@dataclass(frozen=True)
class Video:
    """What is read: a prediction by its hash and place, or `TRUTH` or `WORST`, which lie nowhere."""

    name: str  # as the store names it
    slot: Slot | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Job:
    """The videos of one clip, and which meters shall read each. A prediction for no meter is only looked at."""

    key: str
    identity: str  # hash of the truth, as it is sampled
    wanted: tuple[tuple[Video, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Desk:
    """What jobs are done with; pickles."""

    shards: CheckedShards
    frames: Frames
    meters: Mapping[str, Meter]
    shelves: Mapping[str, Shelf]
    sampling: tuple[int, ...] | None = None  # the frames of each clip that are compared; None: all


@dataclass(frozen=True)
class Done:
    """A meter has read a video, and the reading is in the store."""

    meter: str


@dataclass(frozen=True)
class Refused:
    """A meter cannot read, for a reason that the user can mend."""

    meter: str
    reason: str


@dataclass(frozen=True)
class Rejected:
    """A prediction cannot be used."""

    slot: Slot
    why: Unusable


Note = Done | Refused | Rejected


class _Clip:
    """One clip, decoded as far as it is needed."""

    def __init__(self, desk: Desk, key: str) -> None:
        self._example = Example(key, desk.shards)
        self._frames, self._sampling = desk.frames, desk.sampling

    @cached_property
    def truth(self) -> Truth:
        return truth_of(self._example, self._frames, self._sampling)

    def decoded(self, video: Video) -> NDArray[np.uint8] | Unusable:
        if video.place is None:
            return self.truth.frames
        size = self._example.record["video"]
        data = video.place.read()
        if predictions.sha256(data) != video.name:
            raise KineBenchError(f"{video.place.name} has changed while it was scored; run the same command again")
        count = len(self._sampling) if self._sampling else size["frames"]
        return predictions.decode(data, (count, size["height"], size["width"]))


def work(desk: Desk, job: Job) -> Iterator[Note]:
    """Do a job: every reading is in the store when its `Done` comes. Worst cases are put there for what is unusable.

    Raises KineBenchError if a file cannot be read or written, or a meter fails as no meter should.
    """
    clip = _Clip(desk, job.key)
    for video, names in job.wanted:
        frames = None if video.name == WORST else clip.decoded(video)
        if isinstance(frames, Unusable) and video.slot is not None:
            yield Rejected(video.slot, frames)
        for name in names:
            yield _read(desk, job, clip, video, name, None if isinstance(frames, Unusable) else frames)


def _read(desk: Desk, job: Job, clip: _Clip, video: Video, name: str, frames: NDArray[np.uint8] | None) -> Note:
    meter, shelf = desk.meters[name], desk.shelves[name]
    if frames is None and shelf.get(job.identity, WORST) is not None:
        return Done(name)
    truth = clip.truth
    try:
        reading = shelf.checked(Reading(meter.worst(truth)) if frames is None else meter.read(truth, frames))
    except KineBenchError as error:
        return Refused(name, str(error))
    except Exception as error:
        what = {TRUTH: "the ground truth", WORST: "a missing prediction"}.get(video.name, "the prediction")
        raise KineBenchError(f"{name} failed on {what} of {job.key}: {failure(error)}") from error
    shelf.put(job.identity, WORST if frames is None else video.name, reading)
    return Done(name)
