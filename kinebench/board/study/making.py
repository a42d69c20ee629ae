"""`kinebench board study new`: films, trials and the page of a study, and the key to them."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench import __version__
from kinebench.board.film import shrunk
from kinebench.board.study import key as keys
from kinebench.board.study import publication
from kinebench.board.study.design import MOVING, Design, Film, design
from kinebench.board.study.entry import Entry, common, demand_whole, entries
from kinebench.board.study.key import FILE, PUBLIC, Key
from kinebench.errors import KineBenchError
from kinebench.methods import listing
from kinebench.methods.condition import Condition
from kinebench.methods.source import Prompt, Source, open_source
from kinebench.methods.sprites import staged
from kinebench.scoring import predictions
from kinebench.shards.files import Progress, disk_room, sweep

SECRET_BYTES = 16
_FILM_BYTES = 400_000
"""Of one film, about."""


@dataclass(frozen=True)
class Made:
    """A study that is ready."""

    page: Path
    design: Design
    without_arrow: int  # clips where nothing is seen to be driven, which nobody is asked about


def new(
    data: Path, split: str, methods: Mapping[str, Path], samples: int | None, groups: int, out: Path, note: Progress
) -> Made:
    """Make a study of these methods' videos in `out`, or go on with one that was interrupted.

    `data` is a packed dataset or exported conditions. Raises KineBenchError; what is finished then stays.
    """
    source = _opened(data, split)
    travel_px = _travel(source, note)
    first = source[source.keys[0]]
    found = entries(methods, source, first.frames)
    frames = common(found)
    secret = keys.read(out).secret if (out / FILE).exists() else secrets.token_hex(SECRET_BYTES)
    drawn = design(secret, tuple(methods), travel_px, samples, groups)
    shown = sorted({film.clip for film in drawn.films.values() if film.of})
    demand_whole(found, shown)
    key = Key(secret, drawn, _made_of(source, found, shown, note), frames, _fps(first, frames))
    clips = len(drawn.films) + len(drawn.conditions)
    with disk_room("writing the films", out, clips * _FILM_BYTES):
        _begin(out, key)
        _films(out, key, source, found, note)
        page = publication.finish(out, key, shrunk(first.size))
    return Made(page, drawn, len(source.keys) - len(travel_px))


def _opened(data: Path, split: str) -> Source:
    """Conditions, with whatever words: nobody reads them here."""
    prompt: Prompt = listing.read(data).facts.get("prompt", "c_infer") if listing.is_exported(data) else "c_infer"
    return open_source(data, split, prompt)


def _travel(source: Source, note: Progress) -> dict[str, float]:
    """How far the arrow of each clip goes that has one, in pixels."""
    found = {}
    for number, key in enumerate(source.keys, 1):
        lengths = [float(np.linalg.norm(each.path_px[-1] - each.path_px[0])) for each in source[key].driven]
        if any(length >= 1 for length in lengths):
            found[key] = max(lengths)
        note("arrows", number, len(source.keys))
    return found


def _fps(condition: Condition, frames: Sequence[int]) -> float:
    """At which these frames take as long as in the clip."""
    return condition.fps * (len(frames) - 1) / (frames[-1] - frames[0]) if len(frames) > 1 else condition.fps


def _made_of(source: Source, found: Sequence[Entry], shown: Sequence[str], note: Progress) -> dict[str, object]:
    methods = {}
    for number, entry in enumerate(found, 1):
        method = entry.told.run["method"] if entry.told.run else None
        videos = {key: predictions.sha256(entry.data(key)) for key in shown}
        methods[entry.name] = {"method": method, "seed": entry.seed, "videos": videos}
        note("hashing", number, len(found))
    return {"kinebench": __version__, "source": source.facts, "methods": methods}


def _begin(out: Path, key: Key) -> None:
    """Write the key, unless this very study was begun here. Raises KineBenchError if anything else is here."""
    if (out / FILE).exists():
        if json.loads((out / FILE).read_bytes()) != json.loads(json.dumps(keys.plain(key))):
            raise KineBenchError(
                f"{out} holds another study, or its videos have changed; name another folder with --out"
            )
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise KineBenchError(f"{out} holds something else than a study; name another folder with --out")
    films = publication.place(out, "").parent
    films.mkdir(parents=True, exist_ok=True)
    for folder in (out, out / PUBLIC, films):
        sweep(folder)
    keys.write(out, key)


def _films(out: Path, key: Key, source: Source, found: Sequence[Entry], note: Progress) -> None:
    """Write each clip's films and condition, but for the clips whose are there."""
    by_clip: dict[str, dict[str, Film]] = {}
    for name, film in key.design.films.items():
        by_clip.setdefault(film.clip, {})[name] = film
    for number, (clip, films) in enumerate(sorted(by_clip.items()), 1):
        picture = key.design.conditions[clip]
        if not all(publication.place(out, name).exists() for name in (*films, picture)):
            condition = source[clip]
            publication.put(
                out, {name: _frames(film, condition, source, found, key.frames) for name, film in films.items()}
            )
            publication.put_condition(out, picture, condition)
        note("films", number, len(by_clip))


def _frames(
    film: Film, condition: Condition, source: Source, found: Sequence[Entry], wanted: Sequence[int]
) -> NDArray[np.uint8]:
    if film.of:
        entry = next(each for each in found if each.name == film.of)
        return entry.frames(film.clip, condition.size, wanted)
    if film.shows != MOVING:
        return np.repeat(condition.first_frame[None], len(wanted), axis=0)
    if source.dataset is None:
        return staged(condition, {})[list(wanted)]
    example = source.dataset[film.clip]
    whole = example.lossless if source.facts["first_frame"] == "lossless" else example.rgb
    return whole[list(wanted)]
