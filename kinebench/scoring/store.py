"""What meters read, kept by content: of which meter, set up how, of which truth, in which video."""

import hashlib
import io
import json
import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinebench.cache import cache_folder
from kinebench.errors import KineBenchError
from kinebench.metrics.metric import Meter, Reading
from kinebench.shards.files import disk_room, sweep, write_atomic

TRUTH = "truth"
"""In place of a video's hash: the truth's own frames, which give ceilings and the features of the real set."""
WORST = "worst"
"""In place of a video's hash: a prediction that is missing or unusable."""

_SAID = "said"
_DAMAGED = (ValueError, KeyError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
_ARRAY = "array/"


@dataclass(frozen=True)
class Shelf:
    """The readings of one meter in one configuration. Any number of processes may use it at once."""

    folder: Path
    meter: str

    def path(self, truth: str, video: str) -> Path:
        """The file of one reading; `truth` and `video` are hashes, or `TRUTH` or `WORST` for `video`."""
        return self.folder / truth / f"{video}.npz"

    def get(self, truth: str, video: str) -> Reading | None:
        """The reading, or None if it is not there or the file is damaged."""
        try:
            data = self.path(truth, video).read_bytes()
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                said = json.loads(file[_SAID].tobytes())
                return Reading(said["values"], {name: file[_ARRAY + name] for name in said["arrays"]})
        except (OSError, *_DAMAGED):
            return None

    def checked(self, reading: Reading) -> Reading:
        """The reading. Raises KineBenchError for a value that is no number."""
        for name, value in reading.values.items():
            if value is not None and not math.isfinite(value):
                raise KineBenchError(f"{self.meter} gives {value} for {name}, which is no score")
        return reading

    def put(self, truth: str, video: str, reading: Reading) -> None:
        """Keep a reading. Raises KineBenchError for a value that is no number, and if it cannot be written."""
        values = self.checked(reading).values
        numbers = {name: None if value is None else float(value) for name, value in values.items()}
        said = json.dumps({"values": numbers, "arrays": list(reading.arrays)}).encode()
        arrays = {_ARRAY + name: array for name, array in reading.arrays.items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{_SAID: np.frombuffer(said, np.uint8)}, **arrays)
        path = self.path(truth, video)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path.parent)
            with disk_room("keeping readings", path.parent, len(buffer.getbuffer())):
                write_atomic(path, buffer.getvalue())
        except OSError as error:
            raise KineBenchError(
                f"cannot keep readings in {path.parent}: {error.strerror}; name another folder in KINEBENCH_CACHE"
            ) from error


def shelf(meter: Meter) -> Shelf:
    """Where the readings of a meter are. Raises what its `configuration` raises."""
    return Shelf(cache_folder() / "readings" / meter.name / _digest(meter, meter.configuration), meter.name)


def _digest(meter: Meter, configuration: dict[str, Any]) -> str:
    plain = {"versions": {metric.name: metric.version for metric in meter.metrics}, "configuration": configuration}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
