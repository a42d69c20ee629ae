"""What a worker has said of a task: a video, an error, or nothing yet."""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kinebench.methods import strict_json
from kinebench.methods.placement import SAME, Placement
from kinebench.methods.protocol import frames
from kinebench.methods.protocol.frames import Wrong, plain_file
from kinebench.methods.protocol.job import Order
from kinebench.methods.protocol.log import plain
from kinebench.methods.task import Failed
from kinebench.methods.video import Fps, Span, Video

VIDEO, ERROR, STARTED = "video.json", "error.json", "started"
LARGEST_JSON_BYTES = 1 << 20
MESSAGE_CHARACTERS = 2000
_SCHEMAS = Path(__file__).parent


class Unfinished(Wrong):
    """A JSON file that is no JSON. It may be half of one as yet: not every worker renames what it has written."""


@dataclass(frozen=True, eq=False)
class Given:
    """A video, and what its worker says that it took."""

    video: Video
    seconds: float | None


def read(folder: Path, order: Order) -> Given | Failed | None:
    """The answer to an order in its folder; None if there is none yet. Raises `Wrong`."""
    try:
        if folder.is_symlink():
            raise Wrong("its folder is a link")
        names = frozenset(entry.name for entry in os.scandir(folder))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise Wrong("its folder is a file") from None
    if VIDEO in names:
        return _video(folder, names, order)
    if ERROR in names:
        said = _checked(folder / ERROR)
        return Failed(order.task, said["kind"], plain(said["message"])[:MESSAGE_CHARACTERS])
    return None


def _video(folder: Path, names: frozenset[str], order: Order) -> Given:
    said = _checked(folder / VIDEO)
    for mark, wanted in (("condition_sha256", order.condition_sha256), ("identity", order.identity)):
        if said[mark] != wanted:
            raise Wrong(f"{VIDEO}: {mark} is {said[mark][:80]!r}, and not that of this task in job.json")
    try:
        placement = Placement(**said["placement"]) if "placement" in said else SAME
    except ValueError as error:
        raise Wrong(f"{VIDEO}: placement: {error}") from error
    pixels, told = frames.read(folder, names, said.get("frames"))
    timing = Span() if said["timing"] == "span" else Fps(float(said["timing"]["fps"]))
    return Given(Video(pixels, timing, placement, said.get("facts", {}) | told), said.get("seconds"))


def _checked(path: Path) -> dict[str, Any]:
    """The content of a JSON file that its schema allows."""
    data = plain_file(path, LARGEST_JSON_BYTES)
    try:
        content = strict_json.loads(data)
    except ValueError as error:
        raise Unfinished(f"{path.name} is no JSON: {error}") from error
    for fault in _validator(path.stem).iter_errors(content):
        place = ".".join(map(str, fault.absolute_path))
        raise Wrong(f"{path.name}: {place + ': ' if place else ''}{plain(fault.message)[:200]}")
    return dict(content)


@cache
def _validator(stem: str) -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads((_SCHEMAS / f"{stem}.schema.json").read_text()))
