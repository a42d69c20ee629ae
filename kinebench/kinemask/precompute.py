"""Latents and text embeddings of a dataset, made once. What is there is not made again."""

from dataclasses import dataclass

import numpy as np

from kinebench.kinemask.config import Config
from kinebench.kinemask.device import accelerator
from kinebench.kinemask.material import Material, gathered, lacking, prompts
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
    """Make what is not there, shared out among the processes that torchrun started.

    Raises KineBenchError if the dataset does not fit the backbone, and if the disk is full; what was made stays.
    """
    work = accelerator()
    material = gathered(config, str(work.device))
    for folder in (material.trained.cache.folder / kind for kind in ("clips", "prompts")):
        for drawer in folder.glob("??"):
            sweep(drawer)
    words = prompts(material, note)
    mine = slice(work.process_index, None, work.num_processes)
    texts = [text for text in words[mine] if not material.trained.cache.prompt(text).exists()]
    for first in range(0, len(texts), PROMPTS):
        _embed(material, texts[first : first + PROMPTS])
        note("text", min(first + PROMPTS, len(texts)), len(texts))
    every = (*material.trained.keys, *material.held_out.keys)
    keys = list(lacking(material.trained, every[mine]))
    for number, key in enumerate(keys, 1):
        _encode(material, key)
        note("latents", number, len(keys))
    return Tally(len(keys), len(every), len(texts), len(words))


def _embed(material: Material, texts: list[str]) -> None:
    for text, embedding in zip(texts, material.family.text(texts), strict=True):
        material.trained.cache.put_prompt(text, embedding)


def _encode(material: Material, key: str) -> None:
    clips = material.trained
    size, frames = clips.cache.size, clips.dataset[key].rgb
    if frames.shape[1:3] != size[::-1]:
        place = fitted((frames.shape[2], frames.shape[1]), size)
        frames = np.stack([to_native(frame, place, size) for frame in frames])
    clips.cache.put_clip(clips.sha256(key), material.family.latents(frames))
