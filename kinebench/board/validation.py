"""The validator of submissions, of the command line, of CI and of the board: all problems at once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from kinebench.board import contents, footage, likeness
from kinebench.board.clips import Clips, open_clips, splits
from kinebench.board.contents import Contents, Piece
from kinebench.board.fault import Fault, Level
from kinebench.board.footage import Footage, Wanted
from kinebench.board.submission import STATEMENT
from kinebench.errors import KineBenchError
from kinebench.methods import delivery
from kinebench.methods.delivery import Delivery
from kinebench.scoring import sidecar
from kinebench.scoring.predictions import Slot
from kinebench.shards.files import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """Faults that one remedy mends."""

    level: Level
    remedy: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Report:
    """What the validator found."""

    folder: Path
    faults: tuple[Fault, ...] = field(repr=False)
    name: str  # of the method, with its version and dataset, or of the folder
    videos: int  # that were looked at

    @property
    def errors(self) -> tuple[Fault, ...]:
        """What keeps it off the board."""
        return tuple(fault for fault in self.faults if fault.level == "error")

    @property
    def notices(self) -> tuple[Fault, ...]:
        """What its author might want to know."""
        return tuple(fault for fault in self.faults if fault.level == "notice")

    @property
    def groups(self) -> tuple[Group, ...]:
        """All faults, by what is to be done about them; errors first."""
        table: dict[tuple[Level, str], list[Fault]] = {}
        for fault in (*self.errors, *self.notices):
            table.setdefault((fault.level, fault.remedy), []).append(fault)
        return tuple(Group(level, remedy, tuple(faults)) for (level, remedy), faults in table.items())


def validate(folder: Path, data: Path | None, note: Progress) -> Report:
    """Every problem of a submission. `data` is the dataset, or its exported conditions; None: what shows without them.

    Nothing is written, executed or unpacked, and whatever the folder holds is a fault, not an exception. Raises
    KineBenchError if `data` is no dataset or is damaged.
    """
    found = contents.read(folder, note)
    faults = list(found.faults)
    clips = None if data is None else _clips(data, found, faults)
    if clips is None:
        what = "was not compared with its dataset"
        faults.append(Fault(what, "give --data DIR: keys, frames, size and first frames were not checked", "notice"))
    if found.statement is not None:
        faults += _statement(found, clips)
    told = dict(_sidecars(found, clips, faults))
    faults += _slots(found, clips)
    seen, more = _look(found, clips, told, note)
    faults += more
    first = None if clips is None else likeness.openings(clips, note)
    anchor = found.statement is not None and found.statement["method"]["kind"] == "anchor"
    if first is not None and not anchor:  # an anchor may be another clip, or run backwards: it is not ranked
        faults += likeness.misplaced(seen, found.videos, first)
    faults += likeness.copies(seen, found.videos, first)
    if not anchor:
        faults += likeness.still(seen, found.videos)
    return Report(folder, tuple(faults), _name(found, folder), len(seen))


def _name(found: Contents, folder: Path) -> str:
    if found.statement is None:
        return folder.resolve().name
    method, dataset = found.statement["method"], found.statement["dataset"]
    return f"{method['name']} {method['version']} on {dataset['name']} {dataset['version']}, {dataset['split']}"


def _clips(data: Path, found: Contents, faults: list[Fault]) -> Clips:
    """The clips of the split that the statement names, or of `test` if it names none."""
    section = found.raw.get("dataset")
    split = section.get("split") if isinstance(section, dict) else None
    known = splits(data)
    if split in known:
        return open_clips(data, str(split))
    if found.statement is not None:
        what = f"dataset.split is {split}, and {data.name} has {', '.join(known)}"
        faults.append(Fault(what, "give --data the dataset that it is of", file=STATEMENT))
    return open_clips(data, "test" if "test" in known else known[0])


def _statement(found: Contents, clips: Clips | None) -> Iterator[Fault]:
    """What the statement says, against run.json and the dataset."""
    assert found.statement is not None
    if found.run is not None:
        yield from contents.statement_against_run(found.statement, found.run)
    said = found.statement["dataset"]
    for name, known in ({} if clips is None else clips.dataset).items():
        secret = clips is not None and clips.hidden and name == "manifest_sha256"
        if said[name] != known and not secret:
            remedy = "predict the clips of the released dataset, as it was released: no other, and none made anew"
            what = f"dataset.{name} is {str(said[name])[:80]}, but the dataset's is {known}"
            yield Fault(what, remedy, file=STATEMENT)


def _slots(found: Contents, clips: Clips | None) -> Iterator[Fault]:
    """Clips without a video, and videos without a clip, seed by seed."""
    there = contents.seeds_of(found.videos)
    stated = there if found.statement is None else tuple(found.statement["inference"]["seeds"])
    for seed in sorted({*there} - {*stated}):
        remedy = f"inference.seeds of {STATEMENT} names all seeds: pack it again: kinebench submit pack"
        yield Fault("is a seed that the statement does not name", remedy, seed=seed)
    keys = tuple(sorted({key for key, _ in found.videos})) if clips is None else clips.keys
    for seed in sorted({*stated}):
        if seed not in there:
            yield Fault("has no videos", "make them: kinebench run ... --seed SEED; then pack it again", seed=seed)
            continue
        for key in keys:
            if (key, seed) not in found.videos:
                remedy = "make it: kinebench run makes what is missing; then pack it again"
                yield Fault("is missing", remedy, sample=key, seed=seed, file=f"seed-{seed}/{key}")
    known = frozenset(keys)
    for (key, _), piece in found.videos.items():
        if key not in known:
            remedy = "leave it out: only clips of the split are scored"
            yield piece.fault("is no clip of the split", remedy)


def _sidecars(found: Contents, clips: Clips | None, faults: list[Fault]) -> Iterator[tuple[Slot, Delivery]]:
    """Sidecars that can be true; the others, and those that do not belong together, are faults."""
    told: dict[Slot, Delivery] = {}
    for slot, piece in found.sidecars.items():
        try:
            told[slot] = _sidecar(piece.read(), slot, clips)
        except (KineBenchError, OSError) as error:
            said = " ".join(str(error).split())[:300]
            faults.append(piece.fault(f"has a bad sidecar: {said}", "put back what `kinebench run` wrote"))
    makers = {slot: (each.method.name, each.method.version, each.method.identity) for slot, each in told.items()}
    if found.run is not None:
        method = found.run["method"]
        common: object = (method["name"], method["version"], method["identity"])
    else:
        common = _commonest(list(makers.values()))
    for slot, maker in makers.items():
        if maker != common:
            what = f"was made by {maker[0][:60]} {maker[1][:20]} ({maker[2][:12]}), and others were not"
            remedy = "one submission is of one method, version and setting: make all videos with one"
            faults.append(found.sidecars[slot].fault(what, remedy))
    yield from told.items()


def _sidecar(data: bytes, slot: Slot, clips: Clips | None) -> Delivery:
    if clips is not None:
        return sidecar.checked(data, slot, clips.frames)
    said = delivery.parse(data)
    if (said.key, said.seed) != slot:
        raise KineBenchError(f"it is of {said.key}, seed {said.seed}")
    return said


def _look(
    found: Contents, clips: Clips | None, told: Mapping[Slot, Delivery], note: Progress
) -> tuple[dict[Slot, Footage], list[Fault]]:
    """Every video that is asked for, decoded whole."""
    known = None if clips is None else frozenset(clips.keys)
    pieces = {slot: piece for slot, piece in found.videos.items() if known is None or slot[0] in known}
    common = _measured(pieces) if clips is None else Wanted(clips.frames, clips.width_px, clips.height_px, clips.fps)
    seen, faults = dict[Slot, Footage](), list[Fault]()
    if common is None:
        return seen, [_undecodable(piece) for piece in list(pieces.values())[:1]]
    faults += _sampling(pieces, told, common.frames if clips else None)
    for number, (slot, piece) in enumerate(pieces.items(), 1):
        wanted = _wanted(common, told.get(slot))
        if 3 * wanted.frames * wanted.width_px * wanted.height_px > footage.MOST_VALUES:
            faults.append(_undecodable(piece))
            continue
        seen[slot], more = footage.look(piece, wanted)
        faults += more
        note("videos", number, len(pieces))
    return seen, faults


def _measured(pieces: Mapping[Slot, Piece]) -> Wanted | None:
    """What all videos must be like where there is no dataset: like the first that can be decoded, of a few."""
    few = list(pieces.values())[:3]
    return next((found for piece in few if (found := footage.measure(piece)) is not None), None)


def _undecodable(piece: Piece) -> Fault:
    what, remedy = "is no video that can be looked at without its dataset", footage.WRITE_AGAIN
    return piece.fault(what, remedy)


def _wanted(common: Wanted, said: Delivery | None) -> Wanted:
    """What a video must be: the clip's frames, or those that its sidecar names."""
    if said is None or len(said.truth_frames) == common.frames:
        return common
    shown = said.truth_frames
    fps = common.fps and common.fps * (len(shown) - 1) / max(1, shown[-1] - shown[0])
    return Wanted(len(shown), common.width_px, common.height_px, fps)


def _sampling(pieces: Mapping[Slot, Piece], told: Mapping[Slot, Delivery], clip_frames: int | None) -> Iterator[Fault]:
    """Videos that show other frames of their clips than most."""
    every = None if clip_frames is None else tuple(range(clip_frames))
    shown = {slot: told[slot].truth_frames if slot in told else every for slot in pieces}
    common = _commonest(list(shown.values()))
    for slot, frames in shown.items():
        if frames != common:
            what = f"shows {_counted(frames)}, and most show {_counted(common)}"
            remedy = "all videos of a submission show the same frames of their clips"
            yield pieces[slot].fault(what, remedy)


def _counted(frames: tuple[int, ...] | None) -> str:
    if frames is None:
        return "every frame"
    return f"{len(frames)} frames ({', '.join(map(str, frames[:4]))}{', ...' if len(frames) > 4 else ''})"


def _commonest(values: Sequence[T]) -> T | None:
    return Counter(values).most_common(1)[0][0] if values else None
