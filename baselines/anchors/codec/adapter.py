"""The ground truth compressed: what a perfect model would score once its video is delivered as usual."""

from dataclasses import dataclass

from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.video import Video
from kinebench.shards import video

DELIVERED_CRF = 25
"""How models' videos are usually compressed: H.264 at the default quality of imageio, by which diffusers exports."""


@dataclass(frozen=True)
class Codec:
    """Encodes and decodes every clip."""

    truth: GroundTruth

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        frames = self.truth.frames(condition.key)
        return Video(video.decode_rgb(video.encode_mp4(frames, round(condition.fps), crf=DELIVERED_CRF)))


def load(setup: Setup) -> Codec:
    """Needs nothing but the ground truth."""
    return Codec(ground_truth(setup))
