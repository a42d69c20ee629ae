"""What lies in a submission's folder: its statement, its hashes, the files in its tars. No video is decoded here."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinebench.board import archive, submission
from kinebench.board.archive import ArchiveError, Inventory, Member
from kinebench.board.fault import Fault, Level
from kinebench.board.submission import RUN, STATEMENT, SUMS, VIDEOS, SumsError
from kinebench.scoring import sidecar
from kinebench.scoring.predictions import Slot
from kinebench.shards.files import Progress

MOST_RUN_BYTES = 1 << 20
PACK_AGAIN = "pack it again: kinebench submit pack"
_HASHED = 1 << 24


@dataclass(frozen=True)
class Piece:
    """A file in a tar."""

    tar: Path
    member: Member

    @property
    def file(self) -> str:
        """As messages name it."""
        return f"{VIDEOS}/{self.tar.name}:{self.member.name}"

    def read(self) -> bytes:
        """Its bytes."""
        return archive.read_member(self.tar, self.member)

    def fault(self, what: str, remedy: str, level: Level = "error") -> Fault:
        """A problem of this file."""
        return Fault(what, remedy, level, self.member.key, self.member.seed, self.file)


@dataclass(frozen=True)
class Contents:
    """What is there, as far as it can be read."""

    statement: Mapping[str, Any] | None  # None if it is not valid
    raw: Mapping[str, Any]  # what submission.json says, valid or not
    run: Mapping[str, Any] | None  # videos/run.json
    videos: Mapping[Slot, Piece] = field(repr=False)
    sidecars: Mapping[Slot, Piece] = field(repr=False)
    faults: tuple[Fault, ...]


def read(folder: Path, note: Progress) -> Contents:
    """List a submission's folder; everything that is wrong with it is in `faults`."""
    faults: list[Fault] = []
    try:
        there = archive.inventory(folder)
    except (ArchiveError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        fault = Fault(f"{folder.name} {said}", "name the folder that `kinebench submit pack` made")
        return Contents(None, {}, None, {}, {}, (fault,))
    remedy = "take it away: a submission holds plain files and nothing else"
    faults += [Fault(why, remedy, file=name) for name, why in there.refused.items()]
    raw, statement = _statement(folder, there, faults)
    hashes = _hashes(folder, there, note, faults)
    _compare_sums(folder, there, hashes, faults)
    tars = [name for name in there.files if _is_tar(name)]
    if statement is not None:
        _compare_files(statement, there, hashes, tars, faults)
    videos, sidecars = _pieces(folder, tars, faults)
    return Contents(statement, raw, _run(folder, there, faults), videos, sidecars, tuple(faults))


def _statement(
    folder: Path, there: Inventory, faults: list[Fault]
) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    if STATEMENT not in there.files:
        faults.append(Fault("is missing", PACK_AGAIN, file=STATEMENT))
        return {}, None
    try:
        content, found = submission.parse(archive.read_plain(folder / STATEMENT, submission.MOST_STATEMENT_BYTES))
    except ArchiveError as error:
        content, found = None, [str(error)]
    remedy = "correct about.toml and pack it again: kinebench submit pack"
    faults += [Fault(each, remedy, file=STATEMENT) for each in found]
    return content or {}, None if found else content


def _hashes(folder: Path, there: Inventory, note: Progress, faults: list[Fault]) -> dict[str, str]:
    """Of every file but SHA256SUMS."""
    found, done, whole = dict[str, str](), 0, sum(there.files.values())
    for name in there.files:
        if name == SUMS:
            continue
        digest = hashlib.sha256()
        try:
            with archive.open_plain(folder / name) as file:
                while block := file.read(_HASHED):
                    digest.update(block)
                    done += len(block)
                    note("hashing", done, max(done, whole))
        except (ArchiveError, OSError) as error:
            faults.append(Fault(str(error), PACK_AGAIN, file=name))
            continue
        found[name] = digest.hexdigest()
    return found


def _compare_sums(folder: Path, there: Inventory, hashes: Mapping[str, str], faults: list[Fault]) -> None:
    if SUMS not in there.files:
        faults.append(Fault("is missing", PACK_AGAIN, file=SUMS))
        return
    try:
        said = submission.parse_sums(archive.read_plain(folder / SUMS, submission.MOST_SUMS_BYTES))
    except (ArchiveError, SumsError) as error:
        faults.append(Fault(str(error), PACK_AGAIN, file=SUMS))
        return
    absent = "put the file back, or pack it again: kinebench submit pack"
    for name in sorted(said.keys() | hashes.keys()):
        if name not in there.files and name not in there.refused:
            faults.append(Fault(f"is in {SUMS}, and is not there", absent, file=name))
        elif name in hashes and name not in said:
            faults.append(Fault(f"is not in {SUMS}", f"take it away, or {PACK_AGAIN}", file=name))
        elif name in hashes and hashes[name] != said[name]:
            what = f"was changed: its sha256 is {hashes[name][:12]}..., not {said[name][:12]}..."
            faults.append(Fault(what, absent, file=name))


def _is_tar(name: str) -> bool:
    return name.startswith(f"{VIDEOS}/") and name.endswith(".tar")


def _compare_files(
    statement: Mapping[str, Any], there: Inventory, hashes: Mapping[str, str], tars: list[str], faults: list[Fault]
) -> None:
    """The tars against section `videos` of the statement, and what else is there."""
    said = {f"{VIDEOS}/{each['name']}": each for each in statement["videos"]["files"]}
    for name in sorted({*said, *tars}):
        if name not in there.files:
            faults.append(Fault(f"is named in {STATEMENT}, and is not there", PACK_AGAIN, file=name))
        elif name not in said:
            faults.append(Fault(f"is not named in {STATEMENT}", PACK_AGAIN, file=name))
        elif (there.files[name], hashes.get(name)) != (said[name]["bytes"], said[name]["sha256"]):
            faults.append(Fault(f"has other bytes than {STATEMENT} says", PACK_AGAIN, file=name))
    remedy = f"take it away: beside {STATEMENT} and {SUMS} there are tars of videos and {RUN}, and nothing else"
    known = {STATEMENT, SUMS, RUN, *tars}
    faults += [Fault("does not belong here", remedy, file=name) for name in there.files if name not in known]


def _pieces(folder: Path, tars: list[str], faults: list[Fault]) -> tuple[dict[Slot, Piece], dict[Slot, Piece]]:
    """Videos and sidecars by what they are of. A tar that is odd anywhere is not used at all."""
    videos, sidecars, count = dict[Slot, Piece](), dict[Slot, Piece](), 0
    if not tars:
        faults.append(Fault("holds no tar of videos", PACK_AGAIN, file=VIDEOS))
    for name in tars:
        try:
            found = archive.members(folder / name)
            if (count := count + len(found)) > archive.MOST_MEMBERS:
                raise ArchiveError(f"is one too many: more than {archive.MOST_MEMBERS:,} files in all tars")
        except ArchiveError as error:
            faults.append(Fault(str(error), f"{PACK_AGAIN}; nothing in this tar was looked at", file=name))
            continue
        for member in found:
            piece, slot = Piece(folder / name, member), (member.key, member.seed)
            table = sidecars if member.suffix == archive.SIDECAR else videos
            if other := table.get(slot):
                what, remedy = f"is there again, as {other.file}", "leave one of them and pack it again"
                faults.append(piece.fault(what, remedy))
            else:
                table[slot] = piece
    remedy = "pack its video too, or leave it out"
    faults += [
        sidecars[slot].fault("has a sidecar and no video", remedy) for slot in sorted(sidecars.keys() - videos.keys())
    ]
    return dict(sorted(videos.items())), sidecars


def _run(folder: Path, there: Inventory, faults: list[Fault]) -> Mapping[str, Any] | None:
    if RUN not in there.files:
        return None
    try:
        said = sidecar.record(archive.read_plain(folder / RUN, MOST_RUN_BYTES))
    except ArchiveError as error:
        faults.append(Fault(str(error), PACK_AGAIN, file=RUN))
        return None
    if said is None:
        remedy = "put back the one that `kinebench run` wrote, or leave it out, and pack it again"
        faults.append(Fault("is not as `kinebench run` writes it", remedy, file=RUN))
    return said


def statement_against_run(statement: Mapping[str, Any], run: Mapping[str, Any]) -> Iterator[Fault]:
    """Where the statement says something else than run.json."""
    inference, source = statement["inference"], run["source"]
    pairs = {
        "inference.prompt": (inference["prompt"], source.get("prompt")),
        "inference.options": (inference["options"], run["options"]),
        "method.privileged": (statement["method"]["privileged"], run["method"]["privileged"]),
    }
    names = ("name", "dataset"), ("version", "version"), ("split", "split"), ("seed", "seed")
    pairs |= {f"dataset.{one}": (statement["dataset"][one], source.get(two)) for one, two in names}
    pairs["dataset.recipe_sha256"] = (statement["dataset"]["recipe_sha256"], source.get("recipe_sha256"))
    for key, (said, known) in pairs.items():
        if said != known:
            what = f"{key} is {_short(said)}, but {RUN} says {_short(known)}"
            yield Fault(what, f"leave {key} to KineBench: {PACK_AGAIN}", file=STATEMENT)


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def seeds_of(videos: Mapping[Slot, Piece]) -> tuple[int, ...]:
    """Seeds that occur."""
    return tuple(sorted(Counter(seed for _, seed in videos)))
