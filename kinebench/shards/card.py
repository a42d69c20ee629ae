"""README.md of a dataset folder: the card the Hub shows, and the features its loader must not guess.

Packing writes a short card; publishing writes the same with a datasheet, pictures and terms.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinebench.hidden import is_hidden
from kinebench.publish.datasheet import Subject, datasheet, table
from kinebench.publish.licence import HUB, PAPER, URL
from kinebench.shards.columns import LARGEST_INT64, MEANINGS, features, present, suffixes
from kinebench.shards.manifest import Manifest, SplitShards
from kinebench.shards.sample import COMPANIONS, MEMBERS
from kinebench.stats.summary import Stats

_DIGITS = "[0-9]" * 6  # a star would also match the companions
TAGS = ("physics", "rigid-body", "synthetic", "video-generation", "webdataset")


@dataclass(frozen=True)
class Insides:
    """What a card shows of the samples themselves."""

    stats: Stats
    pictures: Sequence[str]  # names of those in previews/, as `figures.figures` gives them
    captions: Mapping[str, str]  # key -> caption of the samples on previews/sheet.jpg, from top to bottom
    grounds: Sequence[str]  # sentences on where the grounds come from


def card(manifest: Manifest, insides: Insides | None = None) -> bytes:
    """The file; with what is inside, the whole card that is published."""
    front = "\n".join(_front(manifest))
    return f"---\n{front}\n---\n\n{_text(manifest, insides)}".encode()


def _front(manifest: Manifest) -> Iterator[str]:
    recipe = manifest.recipe["dataset"]
    yield f"license: {HUB}"
    yield f"pretty_name: {_quoted(recipe['title'])}"
    yield from ("language:", "- en", "task_categories:", "- image-to-video", "- text-to-video")
    yield from ("size_categories:", f"- {_size(sum(split.count for split in manifest.splits.values()))}")
    yield "tags:"
    yield from (f"- {tag}" for tag in TAGS)
    names = ["default", *present(manifest)]
    yield "configs:"
    for name in names:
        yield from _config(manifest, name)
    yield "dataset_info:"
    for name in names:
        yield f"- config_name: {name}"
        yield "  features:"
        wide = manifest.seed > LARGEST_INT64
        yield from (f"  {line}" for line in features(MEMBERS if name == "default" else COMPANIONS[name], wide))


def _config(manifest: Manifest, name: str) -> Iterator[str]:
    yield f"- config_name: {name}"
    if name == "default":
        yield "  default: true"
    yield "  data_files:"
    for split, shards in manifest.splits.items():
        if name == "default" or name in shards.companions:
            middle = "" if name == "default" else f"{name}-"
            yield f"  - split: {split}"
            yield f'    path: "{manifest.dataset}-{split}-{middle}{_DIGITS}.tar"'


def _size(count: int) -> str:
    for below, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")):
        if count < below:
            return name
    return "1M<n<10M"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string


def _text(manifest: Manifest, insides: Insides | None) -> str:
    parts = [
        _opening(manifest),
        *([_sheet(insides.captions)] if insides and insides.captions else []),
        _splits(manifest),
        _loading(manifest),
        _members(manifest),
        *([_datasheet(manifest, insides)] if insides else []),
        _provenance(manifest),
        _licence(insides),
        *([_citing(manifest)] if insides else []),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _opening(manifest: Manifest) -> str:
    recipe, video = manifest.recipe["dataset"], manifest.recipe["video"]
    shape = f"{video['frames']} frames of {video['width']}x{video['height']} at {video['fps']} frames a second"
    return f"""# {recipe["title"]}

{recipe["description"].strip()}

Every clip is {shape}, simulated with Bullet and rendered with Blender's Cycles.
Units are SI; the world is right-handed with z up; cameras are OpenCV style. Objects that already move at frame 0 are
called driven; velocity masks show them, in a frame whose x is the camera's right, y away from the camera along the
ground, z up.
"""


def _sheet(captions: Mapping[str, str]) -> str:
    rows = "\n".join(f"{number}. `{key}`: {text}" for number, (key, text) in enumerate(captions.items(), 1))
    return f"""![four frames of each of {len(captions)} clips, the first with its velocity mask](previews/sheet.jpg)

Each row is a clip: its first frame with the velocity mask in colours (hue by direction) and arrows to where the driven
objects would be a third of a second later, then frames from start to end.

<details><summary>Their captions</summary>

{rows}

</details>"""


def _splits(manifest: Manifest) -> str:
    rows = [_split_row(name, split) for name, split in manifest.splits.items()]
    return table(["split", "samples", "shards", "companions", "size"], rows, "---|---:|---:|---|---:")


def _split_row(name: str, split: SplitShards) -> list[str]:
    size = sum(shard.bytes for shard in split.all_shards)
    companions = ", ".join(split.companions) or "none"
    return [name, f"{split.count:,}", str(len(split.shards)), companions, f"{size / 1e6:,.1f} MB"]


def _loading(manifest: Manifest) -> str:
    first = next(iter(manifest.splits))
    names = present(manifest)
    more = f' Companions are configurations of their own: `load_dataset(path, "{names[0]}")`.' if names else ""
    return f"""## Load it

```python
from kinebench.data import open_dataset

clips = open_dataset("path/to/this/folder", split="{first}")
clip = clips[0]
clip.rgb            # uint8 (F, H, W, 3)
clip.velocity       # float32 (F, H, W, 3), metres per second
clip.segmentation   # uint8 (F, H, W)
clip.caption, clip.camera, clip.record["events"]
```

The tars are plain WebDataset, so any reader will do. With Hugging Face `datasets`, leave the videos encoded unless
torchcodec is installed: `load_dataset(path, split="...").cast_column("mp4", Video(decode=False))`.{more}
"""


def _members(manifest: Manifest) -> str:
    rows = [[f"`{suffix}`", _home(suffix), MEANINGS[suffix]] for suffix in suffixes(manifest)]
    number = "{16 digits that do not tell the index}" if is_hidden(manifest.recipe) else "{index:06d}"
    return f"""## Members

Keys are `{manifest.dataset}_{{split}}_{number}`.

{table(["member", "shards", "what"], rows)}

`index.jsonl` gives shard, offset, size and sha256 of every member; `manifest.json` the recipe and every tar;
`SHA256SUMS` is for `sha256sum -c`; `kinebench verify .` checks all of it, and the physics against the masks.
"""


def _home(suffix: str) -> str:
    return next((name for name, members in COMPANIONS.items() if suffix in members), "main")


def _datasheet(manifest: Manifest, insides: Insides) -> str:
    measured = {split.name: split for split in insides.stats.splits}
    title = str(manifest.recipe["dataset"]["title"])
    return f"## Datasheet\n\n{datasheet(Subject({title: manifest.recipe}, measured, insides.pictures))}"


def _provenance(manifest: Manifest) -> str:
    recipe: Mapping[str, Any] = manifest.recipe["dataset"]
    return f"""## Provenance

Recipe `{recipe["name"]}` {recipe["version"]}, seed {manifest.seed}, sha256
`{manifest.recipe_sha256}`.
Each sample's json says which versions, seed and attempt made it: with the same three, the bytes are the same.
Colours and grounds of one split occur in no other. No person, place or brand is shown; the scenes are all synthetic.
"""


def _licence(insides: Insides | None) -> str:
    notes = " ".join(insides.grounds) if insides else ""
    return f"## Licence\n\n[CC BY 4.0]({URL}). {notes}"


def _citing(manifest: Manifest) -> str:
    recipe = manifest.recipe["dataset"]
    return f"""## Citation

`CITATION.cff` says the same to programs. The dataset: The KineBench authors, *{recipe["title"]}* {recipe["version"]},
recipe sha256 {manifest.recipe_sha256[:12]}, seed {manifest.seed}. The paper behind KineBench: *{PAPER}* (KineMask).
"""
