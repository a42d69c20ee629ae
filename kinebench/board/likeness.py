"""Videos held against each other and against the conditions: mixed up, copied, or standing still."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.board.clips import Clips
from kinebench.board.contents import Piece
from kinebench.board.fault import Fault
from kinebench.board.footage import Footage, thumb
from kinebench.scoring.predictions import Slot, sha256
from kinebench.shards.files import Progress

FAR = 100.0
"""Mean squared difference of two thumbs, in levels of 255. Of 192 tiny clips, the nearest other scene is 113 or more
away, half of them 380; the same frame at x264's crf 40 up to 31, blurred by 3 pixels 60, 8 levels brighter 64."""
NEARER = 2.0
"""So many times nearer to another clip's first frame: a change of brightness or colour alone does not do that."""
UNLIKE = 400.0


@dataclass(frozen=True, eq=False)
class Openings:
    """The first frames of all clips, as they are given to methods."""

    keys: tuple[str, ...]
    thumbs: NDArray[np.float32]  # (clips, values)
    sha256: Mapping[str, str]  # of the whole frame, by key


def openings(clips: Clips, note: Progress) -> Openings:
    """Read the first frame of each clip."""
    thumbs, hashes = [], {}
    for number, key in enumerate(clips.keys, 1):
        frame = clips.first(key)
        thumbs.append(thumb(frame))
        hashes[key] = sha256(np.ascontiguousarray(frame).tobytes())
        note("conditions", number, len(clips.keys))
    return Openings(clips.keys, np.stack(thumbs), hashes)


def misplaced(seen: Mapping[Slot, Footage], pieces: Mapping[Slot, Piece], first: Openings) -> Iterator[Fault]:
    """Videos whose first frame is another clip's, or nobody's."""
    place = {key: number for number, key in enumerate(first.keys)}
    for slot, footage in seen.items():
        if footage.thumb is None or slot[0] not in place or footage.thumb.shape != first.thumbs.shape[1:]:
            continue
        distances = np.square(first.thumbs - footage.thumb).mean(1)
        own, nearest = float(distances[place[slot[0]]]), int(distances.argmin())
        if own > FAR and NEARER * float(distances[nearest]) < own:
            remedy = "see that each video has the key of the clip that it was made for"
            yield pieces[slot].fault(f"has the first frame of {first.keys[nearest]}, not its own", remedy)
        elif own > UNLIKE:
            remedy = "if the method is given the first frame, see that the video begins with it"
            what = f"begins unlike the first frame that was given (mean squared difference {own:.0f})"
            yield pieces[slot].fault(what, remedy, "notice")


def copies(seen: Mapping[Slot, Footage], pieces: Mapping[Slot, Piece], first: Openings | None) -> Iterator[Fault]:
    """Videos that are there twice, byte for byte or frame for frame.

    Clips that begin alike may get the same video of one seed: counterfactuals whose difference nobody can see.
    """
    alike = defaultdict[str, list[Slot]](list)
    for slot, footage in seen.items():
        if digest := footage.frames_sha256 or footage.sha256:
            alike[digest].append(slot)
    for slots in alike.values():
        for slot in slots[1:]:
            yield from _copy(slot, slots[0], pieces, first)


def _copy(slot: Slot, other: Slot, pieces: Mapping[Slot, Piece], first: Openings | None) -> Iterator[Fault]:
    if slot[0] == other[0]:
        remedy = "make each seed's videos with that seed; a method that draws nothing at random has one seed"
        yield pieces[slot].fault(f"shows the same frames as seed {other[1]}", remedy)
        return
    if first is not None and slot[1] == other[1] and first.sha256.get(slot[0]) == first.sha256.get(other[0]):
        return
    what = f"shows the same frames as {other[0]}, seed {other[1]}"
    yield pieces[slot].fault(what, "make a video for each clip", "error" if first else "notice")


def still(seen: Mapping[Slot, Footage], pieces: Mapping[Slot, Piece]) -> Iterator[Fault]:
    """Videos in which nothing moves."""
    for slot, footage in seen.items():
        if footage.still:
            yield pieces[slot].fault("stands still", "see that this is what the method made", "notice")
