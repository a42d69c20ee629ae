"""One HTML page to look at a dataset: clips, velocity masks, motion, captions. It needs no other file and no net."""

import base64
import io
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench import __version__
from kinebench.preview import drawing
from kinebench.preview.overlay import AHEAD_S, overlay
from kinebench.preview.sheet import chosen
from kinebench.shards import record as records
from kinebench.shards import video
from kinebench.shards.files import Progress, disk_room, write_atomic
from kinebench.shards.read import Shards
from kinebench.template import filled

TEMPLATE = Path(__file__).with_name("preview.html")
_THUMBNAILS = 4
_THUMBNAIL_WIDTH_PX = 240


def preview(folder: Path | str, out: Path | None = None, limit: int = 12, progress: Progress | None = None) -> Path:
    """Write the page of up to `limit` samples, evenly spaced over the dataset, and return where it is.

    `out` is a file, `FOLDER/previews/index.html` by default. Raises KineBenchError if the folder holds no dataset.
    """
    shards = Shards(folder)
    out = out or shards.folder / "previews" / "index.html"
    page = _page(shards, chosen(shards, limit), progress or (lambda stage, done, whole: None))
    with disk_room("writing the preview", out.parent if out.parent.exists() else shards.folder, len(page)):
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(out, page)
    return out


def _page(shards: Shards, keys: list[str], note: Progress) -> bytes:
    manifest = shards.manifest
    recipe, motion = manifest.recipe["dataset"], manifest.recipe["video"]
    counts = ", ".join(f"{split.count:,} {name}" for name, split in manifest.splits.items())
    v_max = shards.record(keys[0])["velocity"]["v_max_mps"] if keys else 1.0
    fields = {
        "title": escape(recipe["title"]),
        "about": escape(
            f"{recipe['description'].strip()} Samples: {counts}. {motion['frames']} frames of "
            f"{motion['width']}x{motion['height']} at {motion['fps']} a second; {len(keys)} samples are shown."
        ),
        "wheel": drawing.wheel(v_max),
        "v_max": f"{v_max:g}",
        "ahead": f"{AHEAD_S:g}",
        "filters": _filters(list(dict.fromkeys(shards.rows[key].split for key in keys))),
        "cards": "\n".join(_cards(shards, keys, note)),
        "foot": escape(
            f"{recipe['name']} {recipe['version']}, recipe {manifest.recipe_sha256[:12]}, seed {manifest.seed}, "
            f"KineBench {__version__}"
        ),
    }
    return filled(TEMPLATE.read_text(), fields)


def _filters(splits: list[str]) -> str:
    if len(splits) < 2:
        return ""
    buttons = [f'<button data-show="{name}" aria-pressed="false">{name}</button>' for name in splits]
    return '<button data-show="" aria-pressed="true">all splits</button>\n' + "\n".join(buttons)


def _cards(shards: Shards, keys: list[str], note: Progress) -> Iterator[str]:
    for done, key in enumerate(keys, 1):
        yield _card(shards, key)
        note("preview", done, len(keys))


def _card(shards: Shards, key: str) -> str:
    record, mp4 = shards.record(key), shards.member(key, "mp4")
    fps, frames = record["video"]["fps"], record["video"]["frames"]
    ids = video.decode_gray(shards.member(key, "segmentation.mkv"))
    arguments = (records.rollout(record), tuple(record["driven"]), records.camera(record))
    shown = overlay(video.decode_rgb(mp4), ids, *arguments, record["velocity"]["v_max_mps"])
    name = escape(key)
    return f"""<article class="card" data-split="{record["split"]}" data-fps="{fps}" data-frames="{frames}">
<div class="screens">{_video(mp4, f"clip {name}")}{_video(video.encode_mp4(shown, fps), f"velocity mask {name}")}</div>
<div class="transport"><button aria-label="Play">&#9654;</button>
<input type="range" min="0" max="{frames - 1}" value="0" aria-label="Frame of {name}"><output></output></div>
<div class="body">
<p class="caption">{escape(record["captions"]["c"])}</p>
<div class="chips">{_chips(record)}</div>
<div class="plots">{drawing.top_view(record)}{drawing.speed_plot(record)}</div>
{_thumbnails(ids, record)}
<details><summary>Objects, contacts, provenance</summary>{_tables(record)}</details>
</div>
</article>"""


def _video(mp4: bytes, label: str) -> str:
    return f'<video muted loop playsinline preload="auto" aria-label="{label}" src="{_data(mp4, "video/mp4")}"></video>'


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _chips(record: dict[str, Any]) -> str:
    quality = record["quality"]
    contacts = len(record["events"])
    facts = [
        f"{len(record['objects'])} objects, {len(record['driven'])} driven",
        f"{contacts} contact{'' if contacts == 1 else 's'}" if contacts else "no contact",
        *(["interaction"] if quality["interaction"] else []),
        f"on {record['ground']['texture']}",
        f"rejected before it: {quality['rejected']}",
    ]
    chips = [f'<span class="chip">{escape(fact)}</span>' for fact in facts]
    return f'<span class="chip strong">{escape(record["key"])}</span>' + "".join(chips)


def _thumbnails(ids: NDArray[np.uint8], record: dict[str, Any]) -> str:
    """Four frames of the instance map in the objects' colours, as one picture."""
    from PIL import Image

    frames = np.linspace(0, len(ids) - 1, _THUMBNAILS).round().astype(int)
    step = max(ids.shape[2] // _THUMBNAIL_WIDTH_PX, 1)
    strip = np.concatenate([np.pad(ids[f, ::step, ::step], ((0, 0), (0, 2))) for f in frames], axis=1)[:, :-2]
    palette = [40, 44, 52] + [round(255 * value) for body in record["objects"] for value in body["rgb"]]
    image = Image.fromarray(strip)
    image.putpalette(palette)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    named = "instances at frames " + ", ".join(map(str, frames))
    picture = f'<img class="ids" alt="{named}" src="{_data(buffer.getvalue(), "image/png")}">'
    return f"<figure>{picture}<figcaption>{named}</figcaption></figure>"


def _tables(record: dict[str, Any]) -> str:
    objects = [
        [
            f'<span class="swatch" style="background:{drawing.colour(body)}"></span>{escape(body["name"])}',
            "driven" if body["driven"] else "",
            f"{np.linalg.norm(body['velocities_mps'][0]):.2f} m/s",
            " x ".join(f"{100 * size:.0f}" for size in body["size_m"]) + " cm",
            f"{body['mass_kg']:.2f} kg",
            f"{body['friction']:.2f}",
            f"{body['restitution']:.2f}",
        ]
        for body in record["objects"]
    ]
    names = [escape(body["name"]) for body in record["objects"]]
    contacts = [
        [
            f"{event['time_s']:.2f} s",
            f"{names[event['a'] - 1]} and {names[event['b'] - 1]}",
            f"{event['closing_speed_mps']:.2f} m/s",
            f"{event['impulse_ns']:.3f} N s",
        ]
        for event in record["events"]
    ]
    provenance = [
        [escape(str(name)), f"<code>{escape(str(value))}</code>"] for name, value in record["provenance"].items()
    ]
    headings = ["object", "", "at frame 0", "size", "mass", "friction", "restitution"]
    return (
        _table(headings, objects)
        + (_table(["contact", "between", "closing", "impulse"], contacts) if contacts else "")
        + _table(["provenance", ""], provenance)
    )


def _table(headings: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
