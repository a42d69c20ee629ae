"""What `kinebench run` says beside each video: which frames of its clip it shows, and how it was made."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.methods import delivery, strict_json
from kinebench.methods.delivery import Delivery, Signature
from kinebench.scoring import predictions
from kinebench.scoring.predictions import Place, Predictions, Slot, Unusable

KINDS = {
    "oom": "out of memory",
    "infra": "a fault of the machine",
    "model": "a fault of the method",
    "invalid": "not what was asked for",
    "unknown": "nobody knows why",
}
"""Why a method made no video, for people."""
_LONGEST = 200
_LONGEST_S = 1e9


@dataclass(frozen=True)
class Told:
    """What is said of the predictions of one method."""

    frames: tuple[int, ...] | None = None  # of the clip, that every video shows, in ascending order; None: all of them
    deliveries: Mapping[Slot, Delivery] = field(default_factory=dict)  # of the videos that have a sidecar
    unusable: Mapping[Slot, Unusable] = field(default_factory=dict)  # sidecars that cannot be true, and failures
    failed: Mapping[str, int] = field(default_factory=dict)  # of the missing that the method failed to make, by kind
    run: Mapping[str, Any] | None = None  # run.json


def read(found: Predictions, clip_frames: int) -> Told:
    """All sidecars and errors. A video without a sidecar shows every frame of its clip.

    Raises KineBenchError, naming two files, if the videos do not all show the same frames, or are of several methods.
    """
    run = _run(found.runs)
    deliveries: dict[Slot, Delivery] = {}
    unusable: dict[Slot, Unusable] = {}
    for slot in found.places.keys() & found.sidecars.keys():
        try:
            deliveries[slot] = checked(found.sidecars[slot].read(), slot, clip_frames)
        except KineBenchError as error:
            remedy = f"make it again, or take the sidecar away if the video shows all {clip_frames} frames"
            unusable[slot] = Unusable(f"has a bad sidecar, {slot[0]}.json: {error}", remedy)
    _of_one_method(found, deliveries, run)
    frames = _common_frames(found, deliveries, unusable, clip_frames)
    failed = Counter[str]()
    for slot in found.errors.keys() - found.places.keys():
        kind, message = _failure(found.errors[slot])
        failed[kind] += 1
        remedy = f"run it again, which makes what is missing, or {predictions.missing(found, slot).remedy}"
        unusable[slot] = Unusable(f"is missing: {KINDS[kind]}" + (f" ({message})" if message else ""), remedy)
    return Told(
        None if frames == tuple(range(clip_frames)) else frames,
        dict(sorted(deliveries.items())),
        unusable,
        dict(sorted(failed.items())),
        run,
    )


def checked(data: bytes, slot: Slot, clip_frames: int) -> Delivery:
    """A sidecar that can be true. Raises KineBenchError that says what it is or does wrong."""
    try:
        said = delivery.parse(data)
        " ".join((said.method.name, said.method.version, *said.facts)).encode()
    except UnicodeEncodeError as error:
        raise KineBenchError(f"it holds a name that is no text: {error.object[error.start]!a}") from None
    if said.seconds > _LONGEST_S:
        raise KineBenchError(f"seconds: {said.seconds!r:.20} is no time")
    if (said.key, said.seed) != slot:
        raise KineBenchError(f"it is of {said.key}, seed {said.seed}")
    shown = tuple(map(int, said.truth_frames))  # JSON may write 3 as 3.0
    if shown[-1] >= clip_frames:
        raise KineBenchError(f"truth_frames: they go up to {shown[-1]}, but the clip ends at {clip_frames - 1}")
    if not _whole(shown, clip_frames):
        raise KineBenchError(f"truth_frames: from {shown[0]} to {shown[-1]} is not the whole clip")
    if not _even(shown):
        raise KineBenchError("truth_frames: they are not evenly spread over the clip, so some were picked")
    return replace(said, truth_frames=shown)


def _even(shown: tuple[int, ...]) -> bool:
    """Whether there is a step so that frame i is the clip's nearest to i steps, as `delivery.align` takes them."""
    least = max(((frame - 0.5) / i for i, frame in enumerate(shown) if i), default=0.0)
    most = min(((frame + 0.5) / i for i, frame in enumerate(shown) if i), default=0.0)
    return least <= most


def _whole(shown: tuple[int, ...], clip_frames: int) -> bool:
    """Whether frames go from the first of a clip to its last, or so near to it that the next would be beyond it."""
    if clip_frames == 1 or shown[0] or len(shown) < 2:
        return shown == tuple(range(clip_frames))
    return clip_frames - 1 - shown[-1] <= shown[-1] - shown[-2]


def _run(places: Sequence[Place]) -> dict[str, Any] | None:
    """What run.json says, None if there is none of ours. Raises KineBenchError if two say different things."""
    found = [(place, said) for place in places if (said := record(place.read())) is not None]
    for place, said in found[1:]:
        if said != found[0][1]:
            raise KineBenchError(f"{found[0][0].name} and {place.name} are of different runs; score each apart")
    return found[0][1] if found else None


def record(data: bytes) -> dict[str, Any] | None:
    """run.json as `kinebench.methods.runner` writes it, else None; other programs may call their files so too."""
    try:
        said = strict_json.loads(data)
        json.dumps(said, ensure_ascii=False, allow_nan=False).encode()  # raises ValueError for what is no text, too
        method, parts = said["method"], [said[name] for name in ("options", "source", "versions")]
        texts = [method["name"], method["version"], said["device"]]
        ours = bool(re.fullmatch("[0-9a-f]{64}", method["identity"])) and isinstance(method["privileged"], bool)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    whole = all(isinstance(part, dict) for part in parts) and all(isinstance(text, str) for text in texts)
    return dict(said) if ours and whole else None


def _of_one_method(found: Predictions, deliveries: Mapping[Slot, Delivery], run: Mapping[str, Any] | None) -> None:
    """Raises KineBenchError if not all videos, and run.json, are of one method."""
    makers = [(found.places[slot].name, said.method) for slot, said in sorted(deliveries.items())]
    if run:
        said = Signature(*(run["method"][name] for name in ("name", "version", "identity")))
        makers.insert(0, (found.runs[0].name, said))
    for name, method in makers[1:]:
        if method != makers[0][1]:
            one, two = (f"{file} is of {_name(each)}" for file, each in (makers[0], (name, method)))
            raise KineBenchError(f"{one}, {two}: score each apart, in folders of their own")


def _name(method: Signature) -> str:
    return f"{method.name} {method.version} ({str(method.identity)[:12]})"


def _common_frames(
    found: Predictions, deliveries: Mapping[Slot, Delivery], unusable: Mapping[Slot, Unusable], clip_frames: int
) -> tuple[int, ...]:
    """What all videos show of their clips."""
    every = tuple(range(clip_frames))
    files: dict[tuple[int, ...], str] = {}
    for slot, place in found.places.items():
        if slot not in unusable:
            shown = deliveries[slot].truth_frames if slot in deliveries else every
            files.setdefault(shown, place.name)
    if len(files) > 1:
        one, two = (f"{name} shows {_counted(shown, every)}" for shown, name in list(files.items())[:2])
        raise KineBenchError(
            f"{one}, {two}: numbers of different frames make no mean; score what shows the same frames together"
        )
    return next(iter(files), every)


def _counted(shown: tuple[int, ...], every: tuple[int, ...]) -> str:
    if shown == every:
        return f"all {len(every)} frames of its clip"
    start = ", ".join(str(frame) for frame in shown[:4])
    return f"{len(shown)} of {len(every)} ({start}{', ...' if len(shown) > 4 else ''})"


def _failure(place: Place) -> tuple[str, str]:
    """Kind and message of an error file, on one line."""
    try:
        said = json.loads(place.read())
        kind, message = str(said["kind"]), " ".join(str(said["message"]).split()).encode("utf-8", "replace").decode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return "unknown", "its error.json does not say why"
    return kind if kind in KINDS else "unknown", message if len(message) <= _LONGEST else f"{message[:_LONGEST]}..."
