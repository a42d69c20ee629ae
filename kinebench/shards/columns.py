"""What a reader of the tars finds under each suffix: in words, and as the features that the Hub's loader must know.

Features come from the JSON Schemas alone, so that they are right by construction.
"""

import copy
from collections.abc import Iterator
from typing import Any

from kinebench.shards import record as records
from kinebench.shards import tracks
from kinebench.shards.manifest import Manifest
from kinebench.shards.sample import COMPANIONS, MEMBERS

_FLOW = "16-bit, FFV1, PyAV only: `v = (code - 32768) / 64` in pixels for x and y, then whether the point is seen there"
LARGEST_INT64 = 2**63 - 1
MEANINGS = {
    "mp4": "the clip; H.264 yuv420p, crf 14, bt709",
    "velocity.mkv": "velocity mask of the driven objects; FFV1 8-bit RGB, exact: "
    "`v = (code - 128) / 127 * v_max` in m/s, (0, 0, 0) is blank",
    "segmentation.mkv": "instance ids, 0 the ground; FFV1 gray, exact",
    "txt": "caption",
    "json": "camera, light, ground, objects with poses and velocities at every frame, contact events, captions, "
    "provenance",
    "rgb.mkv": "the clip without loss, 8-bit RGB, exact",
    "depth.mkv": "depth along the camera's axis; 16-bit, FFV1, PyAV only: steps of 0.2 mm, 0 is farther than 13.1 m",
    "forward_flow.mkv": f"optical flow from each frame to the next; {_FLOW}",
    "backward_flow.mkv": f"optical flow from each frame to the one before; {_FLOW}",
    "normals.mkv": "surface normals in the camera's frame; 16-bit, FFV1, PyAV only: `n = (code - 32768) / 32767`, "
    "(0, 0, 0) is sky",
    "tracks.json": "points on the objects' surfaces: where each is in every frame, and whether it is seen",
}


def present(manifest: Manifest) -> list[str]:
    """The companions that any split of a dataset has, in their usual order."""
    return [name for name in COMPANIONS if any(name in split.companions for split in manifest.splits.values())]


def suffixes(manifest: Manifest) -> list[str]:
    """Every suffix in a dataset's tars."""
    return [*MEMBERS, *(suffix for name in present(manifest) for suffix in COMPANIONS[name])]


def features(names: tuple[str, ...], wide_seed: bool = False) -> Iterator[str]:
    """The YAML lines that declare these suffixes as `datasets.Features`; the loader reads a wide seed as a string."""
    for name in ("__key__", "__url__"):
        yield from (f"- name: {name}", "  dtype: string")
    for name in names:
        yield f"- name: {name}"
        if name in ("json", "tracks.json"):
            schema = _record_schema(wide_seed) if name == "json" else tracks.schema()
            yield from (f"  {line}" for line in _feature(schema, schema))
        else:
            yield f"  dtype: {'string' if name == 'txt' else 'video'}"


def _record_schema(wide_seed: bool) -> dict[str, Any]:
    schema = records.schema()
    if wide_seed:
        schema = copy.deepcopy(schema)
        schema["properties"]["provenance"]["properties"]["seed"]["type"] = "string"
    return schema


def _feature(node: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """The lines that declare what a node of a schema describes."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    kind = _kind(node)
    if kind == "object":
        yield "struct:"
        for name, child in node["properties"].items():
            yield f"- name: {name}"
            yield from (f"  {line}" for line in _feature(child, schema))
    elif kind == "array":
        lines = list(_feature(node["items"], schema))
        if lines[0] == "struct:":
            yield from ("list:", *lines[1:])
        elif len(lines) == 1 and lines[0].startswith("dtype: "):
            yield f"list: {lines[0].removeprefix('dtype: ')}"
        else:
            yield from ("list:", *(f"  {line}" for line in lines))
    else:
        yield f"dtype: { {'integer': 'int64', 'number': 'float64', 'string': 'string', 'boolean': 'bool'}[kind] }"


def _kind(node: dict[str, Any]) -> str:
    """The one type of a node; where a value may be a number or a string, the loader makes a string of both."""
    kinds = [node["type"]] if isinstance(node.get("type"), str) else list(node.get("type", ()))
    kinds += [_kind(option) for key in ("anyOf", "oneOf") for option in node.get(key, ())]
    known = [kind for kind in kinds if kind != "null"]
    return "string" if "string" in known else known[0]
