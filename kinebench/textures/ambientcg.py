"""Fetch grounds from AmbientCG (CC0), through its API v3, into the layout that the loader reads.

The server gives no hashes, so a lock file beside the folders remembers what was fetched: a later fetch of the same
asset must bring the same bytes. The site is run by one person: requests are sequential, with a pause between them,
and an asset that is there is never asked for again.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urlencode

from kinebench.errors import KineBenchError
from kinebench.textures.bake import describe
from kinebench.textures.catalogue import Entry, Split, catalogue
from kinebench.textures.folders import whole, write_text
from kinebench.textures.web import download, json_page

LOCK_NAME = "textures.lock.json"
PAUSE_S = 1.0
_UNPACKED_MAX_BYTES = 2 << 30
_MAP = re.compile(r"[A-Za-z0-9]+_[A-Za-z0-9-]+_(Color|NormalGL|Roughness|Displacement|AmbientOcclusion)\.jpg")
_NEEDED = ("Color", "NormalGL", "Roughness")
_TILE_M = 2.0  # the API's sizes are not known well enough to build on; texture.toml can be edited

_PHRASES = {
    "Asphalt": "an asphalt road",
    "Bricks": "a brick ground",
    "Carpet": "a carpet",
    "Concrete": "a concrete floor",
    "Fabric": "a cloth",
    "Grass": "a grassy ground",
    "Gravel": "a gravel ground",
    "Ground": "an earthen ground",
    "Ice": "an icy ground",
    "Leather": "a leather surface",
    "Marble": "a marble floor",
    "Metal": "a metal floor",
    "MetalPlates": "a floor of metal plates",
    "Moss": "a mossy ground",
    "PavingStones": "a stone pavement",
    "Planks": "a floor of wooden planks",
    "Rock": "a rocky ground",
    "Rocks": "a rocky ground",
    "Snow": "a snowy ground",
    "Terrazzo": "a terrazzo floor",
    "Tiles": "a tiled floor",
    "Travertine": "a travertine floor",
    "Wood": "a wooden surface",
    "WoodFloor": "a wooden floor",
}


@dataclass(frozen=True)
class Asset:
    """What the API says of one asset at one resolution."""

    id: str
    url: str
    size: int  # bytes of the zip


@dataclass(frozen=True)
class Fetched:
    """One asset on disk."""

    id: str
    folder: Path
    fresh: bool  # False if it was there already


def fetch(asset_ids: Iterable[str], folder: Path, resolution: str = "1K") -> Iterator[Fetched]:
    """Bring AmbientCG assets into `folder`/<id>, one after another, yielding each when it is there whole.

    `resolution` is the API's, such as "1K". Raises `KineBenchError` for an asset that does not exist, is not released,
    has no such resolution, arrives damaged or differs from the lock file; what was fetched before it stays.
    """
    if not re.fullmatch(r"[0-9]+K", resolution):
        raise KineBenchError(f"a resolution is written such as 1K or 2K, not {resolution!r}")
    wanted = list(dict.fromkeys(asset_ids))
    for asset_id in wanted:
        if not re.fullmatch(r"[A-Za-z0-9]+", asset_id):
            raise KineBenchError(f"{asset_id!r} is not an AmbientCG id; they look like WoodFloor041")
    kind = f"{resolution}-JPG"
    missing = [asset_id for asset_id in wanted if not _is_there(folder / asset_id, kind)]
    assets = _look_up(missing, kind) if missing else {}
    for asset_id in wanted:
        fresh = asset_id in assets
        if fresh:
            time.sleep(PAUSE_S)
            _bring(assets[asset_id], kind, folder)
        yield Fetched(asset_id, folder / asset_id, fresh)


def split_of(asset_id: str) -> Split:
    """The split of a fetched asset: a fifth of all ids, chosen by their sha256, are for testing."""
    digest = hashlib.sha256(asset_id.encode()).digest()
    return "test" if int.from_bytes(digest[:8], "big") % 5 == 0 else "train"


def family_of(asset_id: str) -> str:
    """The part of an id before its number: WoodFloor of WoodFloor041."""
    return re.split(r"[0-9]", asset_id, maxsplit=1)[0] or asset_id


def phrase_of(asset_id: str) -> str:
    """How captions name an asset, guessed from its family."""
    return _PHRASES.get(family_of(asset_id), "a textured surface")


def _is_there(folder: Path, kind: str) -> bool:
    names = (f"{folder.name}_{kind}_Color.jpg", f"{folder.name}_{kind.removesuffix('-JPG')}_Color.jpg")
    return (folder / "texture.toml").is_file() and any((folder / name).is_file() for name in names)


def _look_up(asset_ids: list[str], kind: str) -> dict[str, Asset]:
    """Ask the API for all assets at once, following its pages."""
    base = os.environ.get("KINEBENCH_AMBIENTCG_URL") or "https://ambientcg.com"
    query = urlencode({"id": ",".join(asset_ids), "include": "downloads,releaseDate", "limit": 500})
    page: str | None = f"{base.rstrip('/')}/api/v3/assets?{query}"
    rows: dict[str, dict[str, Any]] = {}
    asked: set[str] = set()
    while page and page not in asked:
        asked.add(page)
        answer = json_page(page)
        listed = answer.get("assets")
        if not isinstance(listed, list):
            raise KineBenchError(f"{page} answered without a list of assets; is this an AmbientCG server, API v3?")
        rows.update({row["id"]: row for row in listed if isinstance(row, dict) and isinstance(row.get("id"), str)})
        page = answer.get("nextPageHttp") if not rows.keys() >= set(asset_ids) else None
        if page:
            time.sleep(PAUSE_S)
    unknown = [asset_id for asset_id in asset_ids if asset_id not in rows]
    if unknown:
        raise KineBenchError(f"AmbientCG has no asset {', '.join(unknown)}; ids are written such as WoodFloor041")
    return {asset_id: _asset(asset_id, rows[asset_id], kind) for asset_id in asset_ids}


def _asset(asset_id: str, row: dict[str, Any], kind: str) -> Asset:
    """The download of one kind from an asset's row."""
    release = str(row.get("releaseDate") or "")[:10]
    if release > datetime.now(UTC).date().isoformat():
        raise KineBenchError(f"{asset_id} is released on {release}; until then only its supporters may have it")
    downloads = [item for item in row.get("downloads") or [] if isinstance(item, dict)]
    for item in downloads:
        url, size = item.get("url"), item.get("size")
        if item.get("attributes") == kind and item.get("extension") == "zip":
            if not isinstance(url, str) or not isinstance(size, int):
                raise KineBenchError(f"AmbientCG's answer for {asset_id} lacks the url or the size of its download")
            return Asset(asset_id, url, size)
    there = sorted({str(item.get("attributes")) for item in downloads}) or ["no download"]
    raise KineBenchError(f"{asset_id} has no {kind} zip; there is {', '.join(there)}")


def _bring(asset: Asset, kind: str, folder: Path) -> None:
    """Download, check, unpack and lock one asset."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as archive:
        sha256 = download(asset.url, archive, asset.size, asset.id)
        name = f"{asset.id}_{kind}"
        record = {"id": asset.id, "size": asset.size, "sha256": sha256}
        lock = _read_lock(folder / LOCK_NAME)
        if name in lock and lock[name] != record:
            raise KineBenchError(
                f"{name}.zip has changed since it was locked in {folder / LOCK_NAME}: sha256 {sha256} instead of "
                f"{lock[name].get('sha256')}; remove its entry there to accept the new one"
            )
        with whole(folder / asset.id, keep_existing=False) as fresh:
            _unpack(archive, asset.id, fresh)
            _describe(asset.id, fresh)
            # The lock is written first: should the last rename fail, the next fetch checks against it and repeats it.
            lock[name] = record
            write_text(folder / LOCK_NAME, json.dumps(lock, indent=2, sort_keys=True) + "\n")


def _read_lock(path: Path) -> dict[str, dict[str, Any]]:
    """The lock file: "<id>_<kind>" -> id, size, sha256; empty if there is none yet."""
    if not path.exists():
        return {}
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KineBenchError(f"cannot read the lock file {path}: {error}; mend it or remove it") from error
    if not isinstance(lock, dict) or not all(isinstance(value, dict) for value in lock.values()):
        raise KineBenchError(f"the lock file {path} is not a table of assets; mend it or remove it")
    return lock


def _unpack(archive: BinaryIO, asset_id: str, folder: Path) -> None:
    """Take the maps that grounds need out of a zip, after checking the whole of it."""
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = bundle.infolist()
            for member in members:
                path = PurePosixPath(member.filename.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in member.filename:
                    raise KineBenchError(f"the zip of {asset_id} holds the path {member.filename!r}; it is not safe")
            if sum(member.file_size for member in members) > _UNPACKED_MAX_BYTES:
                raise KineBenchError(f"the zip of {asset_id} would unpack to more than 2 GiB; it is not safe")
            found = {match[1]: member for member in members if (match := _MAP.fullmatch(Path(member.filename).name))}
            missing = [name for name in _NEEDED if name not in found]
            if missing:
                raise KineBenchError(f"the zip of {asset_id} lacks the maps {', '.join(missing)}: it is no ground")
            for member in found.values():
                with bundle.open(member) as source, (folder / Path(member.filename).name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise KineBenchError(f"the zip of {asset_id} is damaged: {error}; fetch it again") from error


def _describe(asset_id: str, folder: Path) -> None:
    """Write `texture.toml`: the catalogue's words for an asset it lists, otherwise guesses."""
    listed: Entry | None = next((entry for entry in catalogue() if entry.id == asset_id), None)
    if listed is not None:
        describe(folder, listed.family, listed.split, listed.phrase, listed.tile_m, "ambientcg")
    else:
        family, split, phrase = family_of(asset_id), split_of(asset_id), phrase_of(asset_id)
        describe(folder, family, split, phrase, _TILE_M, "ambientcg")
