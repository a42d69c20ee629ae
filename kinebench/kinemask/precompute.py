"""Latents and text embeddings of a dataset, made once. What is there is not made again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinebench.kinemask.advice import advised
from kinebench.kinemask.batches import Clips, Course
from kinebench.kinemask.config import Config
from kinebench.kinemask.device import accelerator, everywhere
from kinebench.kinemask.material import Material, course, gathered, lacking, prompts, wanted
from kinebench.kinemask.mirror import mirrored_frames
from kinebench.methods.placement import fitted, to_native
from kinebench.shards.files import Progress, sweep

PROMPTS = 8
"""So many are embedded at once."""


@dataclass(frozen=True)
class Tally:
    """What a run has made, and what there is now."""

    clips_made: int
    clips: int
    prompts_made: int
    prompts: int


def precompute(config: Config, note: Progress) -> Tally:
    """Make what both stages need and is not there, shared out among the processes that torchrun started.

    Raises KineBenchError if the dataset does not fit the backbone, and if the disk is full; what was made stays.
    """
    work = accelerator()
    material = gathered(config, str(work.device))
    for folder in (material.trained.cache.folder / kind for kind in ("clips", "prompts")):
        for drawer in folder.glob("??"):
            sweep(drawer)
    courses = [course(config, "stage1"), course(config, "stage2")]
    mine = slice(work.process_index, None, work.num_processes)
    with advised(config, work.num_processes):
        made = everywhere(kept(material, courses, config.data.mirror, note, mine))
    return replace(
        made[0],
        clips_made=sum(each.clips_made for each in made),
        prompts_made=sum(each.prompts_made for each in made),
    )


def kept(
    material: Material, courses: Sequence[Course], mirror: bool, note: Progress, mine: slice = slice(None)
) -> Tally:
    """Make what is not there of a share of the prompts and clips."""
    cache, words = material.trained.cache, prompts(material, courses, note)
    texts = [text for text in words[mine] if not cache.prompt(text).exists()]
    for first in range(0, len(texts), PROMPTS):
        some = texts[first : first + PROMPTS]
        for text, embedding in zip(some, material.family.text(some), strict=True):
            cache.put_prompt(text, embedding)
        note("text", min(first + PROMPTS, len(texts)), len(texts))
    every = wanted(material, mirror)
    clips = [each for each in every[mine] if lacking(*each)]
    for number, (part, key, turned) in enumerate(clips, 1):
        _encode(material, part, key, turned)
        note("latents", number, len(clips))
    return Tally(len(clips), len(every), len(texts), len(words))


def _encode(material: Material, clips: Clips, key: str, turned: bool) -> None:
    size, frames = clips.cache.size, clips[key].rgb
    if frames.shape[1:3] != size[::-1]:
        place = fitted((frames.shape[2], frames.shape[1]), size)
        frames = np.stack([to_native(frame, place, size) for frame in frames])
    frames = mirrored_frames(frames) if turned else frames
    clips.cache.put_clip(clips.sha256(key), material.family.latents(frames), turned)
