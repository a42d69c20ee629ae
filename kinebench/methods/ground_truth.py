"""What privileged methods look at: the clips that others have to guess."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.data import Dataset, Example
from kinebench.errors import KineBenchError
from kinebench.methods.adapter import Setup
from kinebench.scoring.truths import frames_of
from kinebench.shards.read import Shards


@dataclass(frozen=True)
class GroundTruth:
    """The true clips of a split."""

    dataset: Dataset
    shards: Shards

    @property
    def keys(self) -> Sequence[str]:
        """Of all clips, in order."""
        return self.dataset.keys

    def frames(self, key: str) -> NDArray[np.uint8]:
        """A clip (F, H, W, 3): what predictions are scored against, lossless if the whole split has it."""
        lossless = frames_of(self.shards.rows[each] for each in self.keys) == "lossless"
        return self[key].lossless if lossless else self[key].rgb

    def __getitem__(self, key: str) -> Example:
        """All that is known of a clip."""
        return self.dataset[key]


def ground_truth(setup: Setup) -> GroundTruth:
    """What a method's setup gives of the truth. Raises KineBenchError if there is nothing."""
    dataset = setup.dataset
    if dataset is None or not isinstance(dataset.source, Shards):
        raise KineBenchError(
            "this method looks at the ground truth; run it with --data on the folder of a packed dataset"
        )
    return GroundTruth(dataset, dataset.source)
