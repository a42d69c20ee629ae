"""Text for the small backbone: a vector for each phrase, drawn from its words. Nothing is learned or downloaded."""

import hashlib
import re
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

VERSION = 1
"""Raised whenever the same prompt would get other vectors."""
PHRASES, WIDTH = 16, 64
"""Of a prompt the first so many phrases count, each a vector this wide."""
PLACE = 0.3
"""How far a phrase's place in the prompt shifts its vector; a word's components have standard deviation 1."""
BREAK = re.compile(r"[.,:;()]|\b(?:and|while|then|before|after)\b")
UNHEARD = frozenset(
    re.findall(
        r"\w+",
        """a an are as at clip d for frame ground in initially is it its objects of on part remain remains sequence set
        shape shapes scene stay stays still stationary that the there this three to two four with throughout""",
    )
)
"""Words that tell nothing here: whatever is not said to move stays."""


def embedded(prompts: Sequence[str]) -> NDArray[np.float32]:
    """Sums of the vectors of each phrase's words, (N, PHRASES, WIDTH); zeros after the last phrase.

    Words of a phrase are in no order, phrases are.
    """
    vectors = np.zeros((len(prompts), PHRASES, WIDTH), np.float32)
    for row, prompt in zip(vectors, prompts, strict=True):
        for place, phrase in enumerate(heard(prompt)):
            row[place] = sum(_vector(word) for word in phrase) + PLACE * np.sin(np.arange(WIDTH) * 0.1 * (place + 1))
    return vectors


def heard(prompt: str) -> list[tuple[str, ...]]:
    """The words that count of each phrase that has any, in order."""
    phrases = [re.findall(r"[a-z]+", part) for part in BREAK.split(prompt.lower())]
    told = [tuple(word for word in phrase if word not in UNHEARD) for phrase in phrases]
    return [phrase for phrase in told if phrase][:PHRASES]


@cache
def _vector(word: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=WIDTH).astype(np.float32)
