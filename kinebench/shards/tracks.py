"""The `tracks.json` member: bytes, schema, and the arrays it holds. See `tracks.schema.json`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kinebench.annotate.tracks import PX_DECIMALS, Tracks
from kinebench.shards import record as records

SCHEMA_PATH = Path(__file__).with_name("tracks.schema.json")


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the member."""
    return dict(json.loads(SCHEMA_PATH.read_text()))


def dump(tracks: Tracks) -> bytes:
    """The member, one line."""
    return records.dump(
        {
            "schema_version": 1,
            "objects": tracks.objects.tolist(),
            "points_m": tracks.points_m.tolist(),
            "xy_px": tracks.xy_px.round(PX_DECIMALS).tolist(),
            "visible": tracks.visible.astype(int).tolist(),
        }
    )


def parse(data: bytes) -> Tracks:
    """The tracks of a member. Raises ValueError for what does not fit the schema, or has lists of unequal lengths."""
    content = records.parse(data)
    if set(content) != set(schema()["required"]) or content["schema_version"] != 1:
        raise ValueError("not the tracks of schema version 1")
    objects, points, xy, visible = (_numbers(content[name]) for name in ("objects", "points_m", "xy_px", "visible"))
    shape = (len(xy), len(objects)) if xy.ndim and objects.ndim else ()
    shapes = (objects.shape[1:], points.shape, xy.shape, visible.shape)
    if 0 in shape or shapes != ((), (*shape[1:], 3), (*shape, 2), shape):
        raise ValueError("objects, points_m, xy_px and visible are not (P), (P, 3), (F, P, 2) and (F, P)")
    ids = objects.astype(np.int64)
    if np.any(ids != objects) or ids.min() < 1 or ids.max() > 255 or not np.isin(visible, (0, 1)).all():
        raise ValueError("objects are not ids of 1 to 255, or visible is not 0 or 1")
    return Tracks(ids, points, xy, visible > 0)


def _numbers(values: Any) -> Any:
    """float64 array of rectangular lists of numbers; ValueError for anything else."""
    try:
        array = np.array(values)
        numeric = array.dtype.kind in "if"
    except ValueError:  # ragged
        numeric = False
    if not numeric:
        raise ValueError("not rectangular lists of numbers")
    return array.astype(np.float64)
