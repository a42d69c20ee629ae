"""The pictures of one sample against its record: each is derived again from poses and camera, and compared."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate import depth, flow, normals
from kinebench.annotate.raster import Geometry, rasterise
from kinebench.annotate.tracks import PX_DECIMALS, track
from kinebench.annotate.velocity import velocity_codes
from kinebench.physics.rollout import Rollout
from kinebench.render.reach import moving, reach_tiles
from kinebench.scene.scene import Scene
from kinebench.shards import record as records
from kinebench.shards import tracks, video

EDGE_PX = 8
"""So many pixels a frame may differ from what is derived: another processor may round a ray at an edge otherwise."""
CLIP_LEVELS = 12.0
"""Mean difference of the mp4 and its lossless companion, of 255."""
TILE_PX = 8
STILL_LEVELS = 16.0
"""How much the mean of an 8x8 tile that nothing moving reaches may change; sampling and coding change it by up to 8."""
MOVED_LEVELS = 8.0
"""How much pixels change at least, on average, when another object or the ground comes to be seen in them."""
HUE = 0.8
"""Cosine between the colour of an object's pixels and its own, both less their grey: real clips are above 0.94."""
COLOURFUL = 30.0
"""Colours nearer to grey than this, of 255, are not compared."""
PATCH_PX = 30
"""Objects that show less, without their edges, are not compared in colour."""

_FFV1_RGB, _FFV1_GRAY = {("ffv1", "bgr0")}, {("ffv1", "gray")}
_FFV1_RGB48 = {("ffv1", "gbrp16le"), ("ffv1", "rgb48le")}
_CODINGS = {
    "mp4": {("h264", "yuv420p")},
    "velocity.mkv": _FFV1_RGB,
    "segmentation.mkv": _FFV1_GRAY,
    "rgb.mkv": {("h264", "gbrp"), *_FFV1_RGB},
    "depth.mkv": {("ffv1", "gray16le")},
    "forward_flow.mkv": _FFV1_RGB48,
    "backward_flow.mkv": _FFV1_RGB48,
    "normals.mkv": _FFV1_RGB48,
}
_DECODERS: dict[str, Callable[[bytes], NDArray[Any]]] = {
    "segmentation.mkv": video.decode_gray,
    "depth.mkv": video.decode_gray16,
    "forward_flow.mkv": video.decode_rgb48,
    "backward_flow.mkv": video.decode_rgb48,
    "normals.mkv": video.decode_rgb48,
}
_DERIVED: dict[str, Callable[[Scene, Rollout, Geometry], NDArray[Any]]] = {
    "segmentation.mkv": lambda scene, rollout, geometry: geometry.segmentation,
    "depth.mkv": lambda scene, rollout, geometry: depth.encode(geometry.depth_m),
    "forward_flow.mkv": flow.forward_codes,
    "backward_flow.mkv": flow.backward_codes,
    "normals.mkv": normals.normal_codes,
}


def picture_faults(record: dict[str, Any], members: Mapping[str, bytes]) -> Iterator[str]:
    """Decode every member and hold it against the record, which has no `structure_faults`."""
    scene, rollout = records.scene(record), records.rollout(record)
    geometry = rasterise(scene, rollout)
    pictures: dict[str, NDArray[Any]] = {}
    for suffix in _CODINGS:
        if suffix in members:
            yield from _coding_faults(record, suffix, members[suffix], pictures)
    for suffix, derive in _DERIVED.items():
        if suffix in pictures:
            yield from _derived_faults(suffix, pictures[suffix], derive(scene, rollout, geometry), geometry)
    if "tracks.json" in members:
        yield from _track_faults(scene, rollout, members["tracks.json"])
    if "segmentation.mkv" in pictures:
        yield from _count_faults(record, pictures["segmentation.mkv"])
        if "velocity.mkv" in pictures:
            yield from _mask_faults(record, pictures["segmentation.mkv"], pictures["velocity.mkv"])
    yield from _clip_faults(scene, rollout, geometry, pictures)


def _coding_faults(
    record: dict[str, Any], suffix: str, data: bytes, pictures: dict[str, NDArray[Any]]
) -> Iterator[str]:
    """Decode one member into `pictures`, where it goes if it has the right size."""
    try:
        stream = video.inspect(data)
        decoded = _DECODERS.get(suffix, video.decode_rgb)(data)
    except video.DecodeError as error:
        yield f"{suffix} {error}"
        return
    if (stream.codec, stream.pixel_format) not in _CODINGS[suffix]:
        wanted = " or ".join(" ".join(coding) for coding in sorted(_CODINGS[suffix]))
        yield f"{suffix} is {stream.codec} {stream.pixel_format}, not {wanted}"
    if abs(stream.fps - record["video"]["fps"]) > 0.01:
        yield f"{suffix} plays at {stream.fps:.2f} frames a second, not {record['video']['fps']}"
    size = tuple(record["video"][name] for name in ("frames", "height", "width"))
    if decoded.shape[:3] == size:
        pictures[suffix] = decoded
    else:
        yield f"{suffix} is {decoded.shape[:3]}, not {size} (frames, height, width)"


def _derived_faults(suffix: str, found: NDArray[Any], wanted: NDArray[Any], geometry: Geometry) -> Iterator[str]:
    """Codes against those derived from the record: equal, or one step off where rounding may go either way."""
    step = 0 if suffix == "segmentation.mkv" else 1
    off = np.abs(found.astype(np.int32) - wanted) > step
    wrong = off.any(axis=-1) if off.ndim == 4 else off
    counts = wrong.sum(axis=(1, 2))
    if counts.max() > EDGE_PX:
        frame = int(counts.argmax())
        y, x = (int(i) for i in np.argwhere(wrong[frame])[0])
        yield (
            f"{suffix} differs from what poses and camera give on {counts[frame]} pixels of frame {frame}: at x {x}, "
            f"y {y}, object {geometry.segmentation[frame, y, x]}, it says {found[frame, y, x].tolist()}, they give "
            f"{wanted[frame, y, x].tolist()}"
        )


def _track_faults(scene: Scene, rollout: Rollout, data: bytes) -> Iterator[str]:
    try:
        found = tracks.parse(data)
    except ValueError as error:
        yield f"tracks.json cannot be read: {error}"
        return
    wanted = track(scene, rollout)
    if found.xy_px.shape != wanted.xy_px.shape or not np.array_equal(found.objects, wanted.objects):
        yield f"tracks.json is of {found.xy_px.shape[:2]} frames and points, the clip of {wanted.xy_px.shape[:2]}"
        return
    if np.abs(found.points_m - wanted.points_m).max() > 2e-6:
        yield "tracks.json has other surface points than the objects' sizes give"
    off = np.abs(found.xy_px - wanted.xy_px).max(axis=-1) > 2 * 10.0**-PX_DECIMALS
    if off.any():
        frame, point = (int(i) for i in np.argwhere(off)[0])
        yield (
            f"tracks.json has point {point} of object {wanted.objects[point]} at {found.xy_px[frame, point].tolist()} "
            f"in frame {frame}, poses and camera at {wanted.xy_px[frame, point].tolist()}"
        )
    counts = (found.visible != wanted.visible).sum(axis=-1)
    if counts.max() > EDGE_PX:
        yield f"tracks.json says otherwise than the poses whether {counts.max()} points show in frame {counts.argmax()}"


def _count_faults(record: dict[str, Any], ids: NDArray[np.uint8]) -> Iterator[str]:
    count = len(record["objects"])
    if ids.max() > count:
        yield f"segmentation.mkv shows object {ids.max()}, and there are {count}"
        return
    seen = np.bincount(ids[0].ravel(), minlength=count + 1)[1:].tolist()
    if seen != record["quality"]["visible_px"]:
        yield f"frame 0 of segmentation.mkv shows {seen} pixels of the objects, quality.visible_px says otherwise"


def _mask_faults(record: dict[str, Any], ids: NDArray[np.uint8], codes: NDArray[np.uint8]) -> Iterator[str]:
    velocities, v_max = records.rollout(record).velocities_mps, record["velocity"]["v_max_mps"]
    wanted = velocity_codes(ids, velocities, record["driven"], records.camera(record), v_max)
    if not np.array_equal(codes, wanted):
        wrong = (codes != wanted).any(axis=-1)
        frame, y, x = (int(i) for i in np.unravel_index(wrong.argmax(), wrong.shape))
        yield (
            f"velocity.mkv is wrong on {int(wrong.sum())} pixels: at frame {frame}, x {x}, y {y}, object "
            f"{ids[frame, y, x]}, it says {codes[frame, y, x].tolist()}, the velocities {wanted[frame, y, x].tolist()}"
        )


def _clip_faults(
    scene: Scene, rollout: Rollout, geometry: Geometry, pictures: Mapping[str, NDArray[Any]]
) -> Iterator[str]:
    """The clip against the motion it must show."""
    if {"mp4", "rgb.mkv"} <= set(pictures):
        off = np.abs(pictures["mp4"].astype(np.int16) - pictures["rgb.mkv"]).mean()
        if off > CLIP_LEVELS:
            yield f"mp4 and rgb.mkv show different clips: they differ by {off:.1f} of 255 on average"
    for suffix in ("mp4", "rgb.mkv"):
        if suffix in pictures:
            yield from (f"{suffix} {fact}" for fact in _still_facts(scene, rollout, pictures[suffix]))
            yield from (f"{suffix} {fact}" for fact in _moved_facts(geometry, pictures[suffix]))
            yield from (f"{suffix} {fact}" for fact in _colour_facts(scene, geometry, pictures[suffix]))


def _still_facts(scene: Scene, rollout: Rollout, rgb: NDArray[np.uint8]) -> Iterator[str]:
    """What nothing moving reaches stands still."""
    height, width = (size // TILE_PX for size in rgb.shape[1:3])
    whole = rgb[:, : height * TILE_PX, : width * TILE_PX]
    rows = whole.reshape(len(rgb), height, TILE_PX, -1).sum(axis=2, dtype=np.uint16)
    sums = rows.reshape(len(rgb), height, width, TILE_PX, 3).sum(axis=3, dtype=np.int32)
    change = np.abs(sums - sums[0]).max(axis=-1) / TILE_PX**2
    change[:, _reached(scene, rollout)[:height, :width]] = 0
    if change.max() > STILL_LEVELS:
        frame, row, column = (int(i) for i in np.unravel_index(change.argmax(), change.shape))
        yield (
            f"changes by {change.max():.0f} of 255 at frame {frame} about x {column * TILE_PX}, y {row * TILE_PX}, "
            "where nothing moves by the poses: it shows another motion"
        )


def _reached(scene: Scene, rollout: Rollout) -> NDArray[np.bool_]:
    """Tiles (rows, columns) that a moving object, its shadow or its halo reaches in any frame."""
    poses = np.concatenate([rollout.positions_m, rollout.quaternions_wxyz], axis=-1)
    rows, columns = -(-scene.camera.height_px // TILE_PX), -(-scene.camera.width_px // TILE_PX)
    reached, movers = np.zeros((rows, columns), dtype=np.bool_), moving(rollout)
    for frame in range(len(poses)):
        if frame == 0 or np.any(poses[frame] != poses[frame - 1]):
            for number in movers:
                place = rollout.positions_m[frame], rollout.quaternions_wxyz[frame]
                reached |= reach_tiles(scene, number, *place, TILE_PX)
    return reached


def _moved_facts(geometry: Geometry, rgb: NDArray[np.uint8]) -> Iterator[str]:
    """Where something else comes to be seen, the picture changes."""
    changes = [
        np.abs(picture[other].astype(np.int16) - rgb[0][other]).max(axis=-1)
        for picture, ids in zip(rgb[1:], geometry.segmentation[1:], strict=True)
        if (other := ids != geometry.segmentation[0]).any()
    ]
    if changes and (mean := np.concatenate(changes).mean()) < MOVED_LEVELS:
        yield f"changes by {mean:.1f} of 255 on average where the poses move objects: it shows no such motion"


def _colour_facts(scene: Scene, geometry: Geometry, rgb: NDArray[np.uint8]) -> Iterator[str]:
    """Objects show their colours."""
    for number, body in enumerate(scene.bodies, 1):
        pixels = rgb[0][_inner(geometry.segmentation[0] == number)].astype(np.float64)
        wanted = 255 * (np.array(body.rgb) - np.mean(body.rgb))
        if len(pixels) < PATCH_PX or np.linalg.norm(wanted) < COLOURFUL:
            continue
        found = pixels.mean(axis=0) - pixels.mean()
        if wanted @ found < HUE * np.linalg.norm(wanted) * np.linalg.norm(found):
            said = "#" + "".join(f"{round(value):02x}" for value in pixels.mean(axis=0))
            yield f"shows object {number}, which is {body.colour}, as {said} at frame 0"


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask (H, W) without its edge, whose pixels hold some of what is behind."""
    across = np.pad(mask, 1)
    across = across[:, :-2] & across[:, 1:-1] & across[:, 2:]
    return across[:-2] & across[1:-1] & across[2:]
