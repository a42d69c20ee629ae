"""A method that takes part in a study: its videos, and which frames of the clips they show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods.source import Source
from kinebench.scoring import predictions, provenance, sidecar
from kinebench.scoring.predictions import Predictions, Unusable
from kinebench.scoring.sidecar import Told
from kinebench.scoring.truths import open_truths

SHOWN = 20
"""Videos that cannot be used, of those that are listed."""


@dataclass(frozen=True)
class Entry:
    """A method's videos of the lowest of its seeds."""

    name: str
    found: Predictions
    told: Told
    shown: tuple[int, ...]  # frames of a clip

    @property
    def seed(self) -> int:
        """Whose videos are shown."""
        return self.found.seeds[0]

    def faults(self, keys: Sequence[str]) -> list[str]:
        """What is wrong with the videos of these clips, before any is decoded."""
        wrong = []
        for slot in ((key, self.seed) for key in keys):
            fault = self.told.unusable.get(slot)
            if fault is None and slot not in self.found.places:
                fault = predictions.missing(self.found, slot)
            if fault is not None:
                wrong.append(self._told(slot[0], fault))
        return wrong

    def data(self, key: str) -> bytes:
        """A video's file."""
        return self.found.places[key, self.seed].read()

    def frames(self, key: str, size: tuple[int, int], wanted: Sequence[int]) -> NDArray[np.uint8]:
        """These frames of the clip (n, H, W, 3), of its width and height. Raises KineBenchError if it has not them."""
        width, height = size
        made = predictions.decode(self.data(key), (len(self.shown), height, width))
        if isinstance(made, Unusable):
            raise KineBenchError(f"{self._told(key, made)}; nothing that was made is lost, run the same command again")
        places = {frame: place for place, frame in enumerate(self.shown)}
        return made[[places[frame] for frame in wanted]]

    def _told(self, key: str, fault: Unusable) -> str:
        return f"{self.name}: {key}, seed {self.seed}, {fault.reason}; {fault.remedy}"


def entries(methods: Mapping[str, Path], source: Source, clip_frames: int) -> tuple[Entry, ...]:
    """The methods by name. Raises KineBenchError for predictions that cannot be read or are of other clips."""
    found = []
    for name, where in sorted(methods.items()):
        videos = predictions.find(where, source.keys)
        told = sidecar.read(videos, clip_frames)
        if source.dataset is not None:
            provenance.check_source(told, open_truths(source.where, source.split).manifest, source.split)
        found.append(Entry(name, videos, told, told.frames or tuple(range(clip_frames))))
    return tuple(found)


def common(found: Sequence[Entry]) -> tuple[int, ...]:
    """The frames that all show: those of the method that has the fewest. Raises KineBenchError if others lack some."""
    fewest = min(found, key=lambda entry: len(entry.shown))
    for entry in found:
        if not set(fewest.shown) <= set(entry.shown):
            raise KineBenchError(
                f"{fewest.name} and {entry.name} show frames of their clips that the other has not, "
                "so that they cannot be watched side by side; make a study without one of them"
            )
    return fewest.shown


def demand_whole(found: Sequence[Entry], keys: Sequence[str]) -> None:
    """Raises one KineBenchError that lists every video of these clips that is missing or unusable."""
    wrong = [fault for entry in found for fault in entry.faults(keys)]
    if wrong:
        more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        listed = "\n".join(f"  {line}" for line in (*wrong[:SHOWN], *more))
        raise KineBenchError(
            f"{len(wrong)} videos that the study would show are not there, and it leaves none out:\n{listed}"
        )
