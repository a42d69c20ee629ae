"""README.md of a dataset folder: the card the Hub shows, and the features its loader must not guess."""

import json
from collections.abc import Iterator
from typing import Any

from kinebench.shards import record as records
from kinebench.shards.manifest import Manifest, SplitShards
from kinebench.shards.sample import COMPANIONS, MEMBERS

LICENCE = "cc-by-4.0"
_DIGITS = "[0-9]" * 6  # a star would also match the companions

_COLUMNS = {
    "mp4": "the clip; H.264 yuv420p, crf 14, bt709",
    "velocity.mkv": "velocity mask of the driven objects; FFV1 8-bit RGB, exact: "
    "`v = (code - 128) / 127 * v_max` in m/s, (0, 0, 0) is blank",
    "segmentation.mkv": "instance ids, 0 the ground; FFV1 gray, exact",
    "txt": "caption",
    "json": "camera, light, ground, objects with poses and velocities at every frame, contact events, captions, "
    "provenance",
    "rgb.mkv": "the clip without loss, in the `lossless` shards",
    "depth.mkv": "16-bit depth, in the `depth` shards; decode with PyAV",
    "flow.mkv": "16-bit optical flow, in the `flow` shards; decode with PyAV",
}


def card(manifest: Manifest) -> bytes:
    """The file."""
    front = "\n".join(_front(manifest))
    return f"---\n{front}\n---\n\n{_text(manifest)}".encode()


def _front(manifest: Manifest) -> Iterator[str]:
    recipe = manifest.recipe["dataset"]
    yield f"license: {LICENCE}"
    yield f"pretty_name: {_quoted(recipe['title'])}"
    yield from ("language:", "- en", "task_categories:", "- image-to-video", "- text-to-video")
    yield from ("size_categories:", f"- {_size(sum(split.count for split in manifest.splits.values()))}")
    yield "tags:"
    yield from (f"- {tag}" for tag in ("physics", "rigid-body", "synthetic", "video-generation", "webdataset"))
    names = ["default", *_companions(manifest)]
    yield "configs:"
    for name in names:
        yield from _config(manifest, name)
    yield "dataset_info:"
    for name in names:
        yield f"- config_name: {name}"
        yield "  features:"
        yield from (f"  {line}" for line in _features(MEMBERS if name == "default" else COMPANIONS[name]))


def _companions(manifest: Manifest) -> list[str]:
    return [name for name in COMPANIONS if any(name in split.companions for split in manifest.splits.values())]


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


def _features(suffixes: tuple[str, ...]) -> Iterator[str]:
    for name in ("__key__", "__url__"):
        yield from (f"- name: {name}", "  dtype: string")
    for suffix in suffixes:
        yield f"- name: {suffix}"
        if suffix == "json":
            yield from (f"  {line}" for line in _feature(records.schema()))
        else:
            yield f"  dtype: {'string' if suffix == 'txt' else 'video'}"


def _feature(node: dict[str, Any]) -> Iterator[str]:
    """The lines that declare what a node of the schema describes, in the form of `datasets.Features`."""
    if "$ref" in node:
        node = records.schema()["$defs"][node["$ref"].rsplit("/", 1)[1]]
    kind = node["type"] if isinstance(node["type"], str) else next(t for t in node["type"] if t != "null")
    if kind == "object":
        yield "struct:"
        for name, child in node["properties"].items():
            yield f"- name: {name}"
            yield from (f"  {line}" for line in _feature(child))
    elif kind == "array":
        lines = list(_feature(node["items"]))
        if lines[0] == "struct:":
            yield from ("list:", *lines[1:])
        elif len(lines) == 1 and lines[0].startswith("dtype: "):
            yield f"list: {lines[0].removeprefix('dtype: ')}"
        else:
            yield from ("list:", *(f"  {line}" for line in lines))
    else:
        yield f"dtype: { {'integer': 'int64', 'number': 'float64', 'string': 'string', 'boolean': 'bool'}[kind] }"


def _size(count: int) -> str:
    for below, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")):
        if count < below:
            return name
    return "1M<n<10M"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string


def _text(manifest: Manifest) -> str:
    recipe = manifest.recipe
    video = recipe["video"]
    shape = f"{video['frames']} frames of {video['width']}x{video['height']} at {video['fps']} frames a second"
    splits = "\n".join(_split_row(name, split) for name, split in manifest.splits.items())
    present = [*MEMBERS, *(suffix for name in _companions(manifest) for suffix in COMPANIONS[name])]
    members = "\n".join(f"| `{suffix}` | {_COLUMNS[suffix]} |" for suffix in present)
    return f"""# {recipe["dataset"]["title"]}

{recipe["dataset"]["description"].strip()}

Every clip is {shape}, simulated with Bullet and rendered with Blender's Cycles.
Units are SI; the world is right-handed with z up; cameras are OpenCV style. Objects that already move at frame 0 are
called driven; velocity masks show them, in a frame whose x is the camera's right, y away from the camera along the
ground, z up.

| split | samples | shards | companions | size |
|---|---:|---:|---|---:|
{splits}

## Load it

```python
from kinebench.data import open_dataset

clips = open_dataset("path/to/this/folder", split="{next(iter(manifest.splits))}")
clip = clips[0]
clip.rgb            # uint8 (F, H, W, 3)
clip.velocity       # float32 (F, H, W, 3), metres per second
clip.segmentation   # uint8 (F, H, W)
clip.caption, clip.camera, clip.record["events"]
```

The tars are plain WebDataset, so any reader will do. With Hugging Face `datasets`, leave the videos encoded unless
torchcodec is installed: `load_dataset(path, split="...").cast_column("mp4", Video(decode=False))`.

## Members

Keys are `{manifest.dataset}_{{split}}_{{index:06d}}`.

| member | what |
|---|---|
{members}

`index.jsonl` gives shard, offset, size and sha256 of every member; `manifest.json` the recipe and every tar;
`SHA256SUMS` is for `sha256sum -c`; `kinebench verify .` checks all of it, and the physics against the masks.

## Provenance

Recipe `{recipe["dataset"]["name"]}` {recipe["dataset"]["version"]}, seed {manifest.seed}, sha256
`{manifest.recipe_sha256}`.
Each sample's json says which versions, seed and attempt made it: with the same three, the bytes are the same.
Colours and grounds of one split occur in no other. No person, place or brand is shown; the scenes are all synthetic.

## Licence

[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/).
"""


def _split_row(name: str, split: SplitShards) -> str:
    size = sum(shard.bytes for shard in split.all_shards)
    companions = ", ".join(split.companions) or "none"
    return f"| {name} | {split.count} | {len(split.shards)} | {companions} | {size / 1e6:.1f} MB |"
