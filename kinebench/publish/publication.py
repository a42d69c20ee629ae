"""A verified dataset folder made ready to publish: full card, Croissant, licence, citation, pictures, checksums.

The same folder gives the same files. What verification checks is replaced as one, as packing does it; pictures are
written before, each as a whole.
"""

from dataclasses import dataclass
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.preview.sheet import chosen, sheet
from kinebench.publish import licence
from kinebench.runners.cores import available
from kinebench.shards import index, manifest
from kinebench.shards.card import Insides, card
from kinebench.shards.croissant import croissant
from kinebench.shards.files import Progress, disk_room, sha256_file, write_atomic, write_durable
from kinebench.shards.read import Shards
from kinebench.shards.staging import commit, interrupted, locked, settle, staged
from kinebench.stats.figures import figures
from kinebench.stats.summary import stats
from kinebench.verify.folder import verify
from kinebench.verify.inventory import listed_sums

PREVIEWS = "previews"
SHEET = "sheet.jpg"
ROWS = 6


@dataclass(frozen=True)
class Publication:
    """A folder that is ready."""

    folder: Path
    title: str
    files: tuple[str, ...]  # everything to publish, relative to the folder, in order
    bytes: int


def prepare(folder: Path | str, sample: int | None, progress: Progress) -> Publication:
    """Verify a dataset folder, decoding all samples or `sample` of them, and write what is published beside the tars.

    Raises KineBenchError, and writes nothing, if the folder holds no dataset or is not sound.
    """
    folder = Path(folder)
    try:
        if interrupted(folder):
            with locked(folder):
                settle(folder)
        report = verify(folder, sample, workers=available(), progress=progress)
        if not report.sound:
            first, count = report.faults[0], len(report.faults)
            raise KineBenchError(
                f"{folder} is not sound, so it is not published: {count} fault{'s' if count > 1 else ''}, the first: "
                f"{first.subject}: {first.fact}; see: kinebench verify {folder}"
            )
        with locked(folder):
            return _written(folder, progress)
    except (PermissionError, NotADirectoryError) as error:
        raise KineBenchError(f"{error.filename} cannot be written: {error.strerror}; publish a copy of it") from error


def _written(folder: Path, progress: Progress) -> Publication:
    shards = Shards(folder)
    found = stats(folder, progress)
    keys = chosen(shards, ROWS)
    drawn = figures(found)
    pictures = {SHEET: sheet(shards, keys), **{f"{name}.png": data for name, data in drawn.items()}}
    ids = [ground for split in found.splits for ground in split.textures]
    grounds = licence.grounds(ids)
    captions = {key: str(shards.record(key)["captions"]["c"]) for key in keys}
    insides = Insides(found, tuple(drawn), captions, licence.ground_notes(grounds))
    contents = {
        manifest.CARD: card(shards.manifest, insides),
        manifest.CROISSANT: croissant(shards.manifest),
        licence.NAME: licence.licence(shards.manifest, grounds),
        licence.CITATION: licence.citation(shards.manifest),
    }
    with disk_room("publishing", folder, sum(map(len, (*pictures.values(), *contents.values())))):
        (folder / PREVIEWS).mkdir(exist_ok=True)
        for name, data in pictures.items():
            write_atomic(folder / PREVIEWS / name, data)
        _replace(folder, contents, [shard.name for shard in shards.manifest.all_shards])
    files = (
        *sorted({manifest.CARD, manifest.SUMS, *listed_sums(folder)}),
        *sorted(f"{PREVIEWS}/{name}" for name in pictures),
    )
    size = sum((folder / name).stat().st_size for name in files)
    return Publication(folder, str(shards.manifest.recipe["dataset"]["title"]), files, size)


def _replace(folder: Path, contents: dict[str, bytes], tars: list[str]) -> None:
    """Put the files there with the checksums that go with them. The card has none, because people edit cards."""
    kept = {name: digest for name, digest in listed_sums(folder).items() if name in (*tars, index.NAME, manifest.NAME)}
    settle(folder)
    with staged(folder) as new:
        for name, data in contents.items():
            write_durable(new / name, data)
        sums = kept | {name: sha256_file(new / name) for name in contents if name != manifest.CARD}
        write_durable(new / manifest.SUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode())
        commit(folder, ())
