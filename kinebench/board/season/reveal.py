"""The end of a season: its salt, its dataset and the text of the commitment, for everybody."""

import shutil
from pathlib import Path

from kinebench.board.season import commitment, salt, statement
from kinebench.board.season.release import DATASET, PUBLIC, SECRET
from kinebench.errors import KineBenchError
from kinebench.shards import manifest as manifests
from kinebench.shards.files import Progress, disk_room, sha256_file, sweep, sync_folder, write_atomic


def reveal(season: Path, out: Path, note: Progress) -> Path:
    """Write what proves a season, and its ground truth, to `out`; returns the dataset's folder there.

    Files that are there and the same stay. Raises KineBenchError if the season was never released, if it is no longer
    what was released, or if `out` holds anything else.
    """
    said, secret = statement.read(season / PUBLIC), season / SECRET
    dataset, drawn = secret / DATASET, salt.read(secret / salt.NAME)
    manifest = manifests.read(dataset)
    digest = sha256_file(dataset / manifests.NAME)
    text = commitment.text(said, drawn, digest, commitment.released(season / PUBLIC))
    if commitment.commitment(text) != said["commitment"]:
        raise KineBenchError(
            f"{season} is not what was released: its commitment is another; restore {PUBLIC} and {SECRET} from copies"
        )
    names = [shard.name for shard in manifest.all_shards]
    names += [name for name in (*manifests.BESIDE, manifests.NAME) if (dataset / name).is_file()]
    try:
        _refuse_others(out, dataset, names)
        (out / DATASET).mkdir(parents=True, exist_ok=True)
        sweep(out / DATASET)
        for done, name in enumerate(names, 1):
            _copy(dataset / name, out / DATASET / name)
            note("files", done, len(names))
        write_atomic(out / salt.NAME, salt.text(drawn))
        write_atomic(out / commitment.NAME, text)
    except OSError as error:
        raise KineBenchError(
            f"cannot write {out}: {error.strerror or error}; name another folder with --out"
        ) from error
    return out / DATASET


def _refuse_others(out: Path, dataset: Path, names: list[str]) -> None:
    """Raises KineBenchError if a folder holds anything but a reveal, or a part of one, of this dataset."""
    known = {DATASET, salt.NAME, commitment.NAME}
    if out.exists() and not out.is_dir():
        raise KineBenchError(f"{out} is a file; name a folder with --out")
    for name in known:
        sweep(out, f".{name}.*.tmp")
    others = [path for path in out.glob("*") if path.name not in known]
    others += [path for path in (out / DATASET).glob("[!.]*") if path.name not in names]
    there = out / DATASET / manifests.NAME
    if there.is_file() and not _same(there, dataset / manifests.NAME):
        others.append(there)
    if others:
        raise KineBenchError(f"{out} holds something else, such as {min(others)}; name another folder with --out")


def _copy(source: Path, target: Path) -> None:
    """A file as it is at its source, whole or not at all."""
    if target.is_file() and target.stat().st_size == source.stat().st_size and _same(source, target):
        return
    temporary = target.with_name(f".{target.name}.tmp")
    with disk_room("revealing the season", target.parent, source.stat().st_size):
        try:
            shutil.copyfile(source, temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def _same(one: Path, two: Path) -> bool:
    return sha256_file(one) == sha256_file(two)
