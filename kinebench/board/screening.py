"""Films of what was scored: predictions, ground truths, and what the methods were given."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinebench.board import film
from kinebench.board.season.commitment import is_revealed
from kinebench.data import Example
from kinebench.errors import KineBenchError
from kinebench.hidden import is_hidden
from kinebench.methods.picture import drawing
from kinebench.methods.source import Source, open_source
from kinebench.scoring import predictions
from kinebench.scoring.predictions import Unusable
from kinebench.scoring.scorecard import Card
from kinebench.scoring.truths import CheckedShards, truth_of
from kinebench.shards.files import Progress, disk_room

Frames = NDArray[np.uint8]
Scene = tuple[str, Callable[[], Frames]]
"""Name of a film, and what makes its frames."""
BYTES = 300_000
"""Of a film, about."""


def write(
    videos: Path, shards: CheckedShards, cards: Sequence[Card], films: Path, privileged: bool, note: Progress
) -> int:
    """Films of the predictions in `videos`, one scorecard for each seed, and of the truths and conditions of the split.

    What is there is kept; returns how many were written. Of a hidden season, truths and predictions of a `privileged`
    method, which may be truths, are left out until its reveal.
    Raises KineBenchError if a video is no longer what was scored, or the disk is full.
    """
    secret = is_hidden(shards.manifest.recipe) and not is_revealed(shards.folder)
    wanted = [*_conditions(shards, cards[0]), *(() if secret else _truths(shards, cards[0]))]
    wanted += [each for card in cards if not (secret and privileged) for each in _predictions(videos, shards, card)]
    missing = [(name, frames) for name, frames in wanted if not film.place(films, name).exists()]
    try:
        films.mkdir(parents=True, exist_ok=True)
        with disk_room("writing films", films, BYTES * len(missing)):
            for done, (name, frames) in enumerate(missing):
                note("films", done, len(missing))
                film.put(films, name, frames())
    except OSError as error:
        raise KineBenchError(f"cannot write {films}: {error.strerror}; name another --films") from error
    note("films", len(missing), len(missing))
    return len(missing)


def _truths(shards: CheckedShards, card: Card) -> Iterator[Scene]:
    for key, clip in card["clips"].items():
        yield clip["truth"], partial(_truth, shards, key, card["dataset"]["reference"])


def _truth(shards: CheckedShards, key: str, reference: Literal["lossless", "mp4"]) -> Frames:
    return truth_of(Example(key, shards), reference).frames


def _conditions(shards: CheckedShards, card: Card) -> Iterator[Scene]:
    source = open_source(shards.folder, card["dataset"]["split"], "c_infer")
    for key, clip in card["clips"].items():
        yield f"{clip['truth']}-condition", partial(_condition, source, key)


def _condition(source: Source, key: str) -> Frames:
    return drawing(source[key])[None]


def _predictions(videos: Path, shards: CheckedShards, card: Card) -> Iterator[Scene]:
    found = predictions.find(videos, list(card["clips"]))
    size = shards.manifest.recipe["video"]
    shape = len(card["sampling"]["truth_frames"]), size["height"], size["width"]
    for key, clip in card["clips"].items():
        for seed, one in clip["predictions"].items():
            if one["status"] == "scored":
                yield one["sha256"], partial(_decoded, found.places.get((key, int(seed))), one["sha256"], shape)


def _decoded(place: predictions.Place | None, sha256: str, shape: tuple[int, int, int]) -> Frames:
    data = place.read() if place else b""
    frames = predictions.decode(data, shape) if predictions.sha256(data) == sha256 else None
    if frames is None or isinstance(frames, Unusable):
        raise KineBenchError(
            f"{place.name if place else 'a video'} is no longer what was scored; put the submission back as it was"
        )
    return frames
