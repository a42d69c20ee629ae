"""Plots of one sample as inline SVG: the motion from above, and speeds over time."""

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from kinebench.annotate.velocity import in_frame
from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array, to_world
from kinebench.shards import record as records

WIDTH, HEIGHT = 360.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 10.0, 12.0, 24.0  # margins of the speed plot
MOVING_MPS = 0.01
"""An object that never goes faster gets no line in the speed plot."""


def colour(body: dict[str, Any]) -> str:
    """An object's colour as CSS."""
    return "rgb({},{},{})".format(*(round(255 * value) for value in body["rgb"]))


def top_view(record: dict[str, Any]) -> str:
    """Paths and outlines from above: right is the camera's right, up is away from it."""
    camera, rollout = records.camera(record), records.rollout(record)
    paths = in_frame(rollout.positions_m, camera)[..., :2]  # (F, N, 2), ground frame, metres
    outlines = [
        [_outline(body, rollout.positions_m[f, i], rollout.quaternions_wxyz[f, i], camera) for f in (0, -1)]
        for i, body in enumerate(record["objects"])
    ]
    everything = np.concatenate([*(points for pair in outlines for points in pair), paths.reshape(-1, 2)])
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = min((WIDTH - 30) / max(high[0] - low[0], 0.5), (HEIGHT - 44) / max(high[1] - low[1], 0.5))
    middle = (low + high) / 2

    def place(points: Array) -> Array:
        return (points - middle) * scale * [1, -1] + [WIDTH / 2, (HEIGHT - 14) / 2]

    parts = [_scale_bar(scale)]
    for i, body in enumerate(record["objects"]):
        first, last = (_points(place(points)) for points in outlines[i])
        fill = f'fill="{colour(body)}"'
        parts.append(f'<polygon class="start" points="{first}" {fill}/>')
        parts.append(f'<polyline class="halo" points="{_points(place(paths[:, i]))}"/>')
        parts.append(f'<polyline class="path" points="{_points(place(paths[:, i]))}" stroke="{colour(body)}"/>')
        parts.append(f'<polygon class="end" points="{last}" {fill}><title>{escape(body["name"])}</title></polygon>')
    for event in record["events"]:
        x, y = place(in_frame(np.array(event["point_m"]), camera)[:2])
        parts.append(
            f'<g class="touch" transform="translate({x:.1f} {y:.1f})"><path d="M-5-5 5 5M-5 5 5-5"/>'
            f"<title>{escape(_touch(record, event))}</title></g>"
        )
    return _svg("top", "Seen from above", parts)


def speed_plot(record: dict[str, Any]) -> str:
    """Speeds of the objects that move, m/s over seconds, with a line at each touch and one for the playhead."""
    rollout, fps = records.rollout(record), record["video"]["fps"]
    speeds = np.linalg.norm(rollout.velocities_mps, axis=-1)  # (F, N)
    seconds = max((len(speeds) - 1) / fps, 1 / fps)
    top = max(float(speeds.max()) * 1.08, 0.1)

    def place(time_s: Array | float, speed_mps: Array | float) -> Array:
        x = LEFT + np.asarray(time_s) / seconds * (WIDTH - LEFT - RIGHT)
        return np.stack([x, TOP + (1 - np.asarray(speed_mps) / top) * (HEIGHT - TOP - BOTTOM)], axis=-1)

    parts = list(_axes(seconds, top, place))
    for event in record["events"]:
        x = place(event["time_s"], 0.0)[0]
        parts.append(
            f'<line class="event" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}">'
            f"<title>{escape(_touch(record, event))}</title></line>"
        )
    times = np.arange(len(speeds)) / fps
    for i, body in enumerate(record["objects"]):
        if speeds[:, i].max() > MOVING_MPS:
            line = _points(place(times, speeds[:, i]))
            parts.append(f'<polyline class="halo" points="{line}"/>')
            parts.append(
                f'<polyline class="path" points="{line}" stroke="{colour(body)}">'
                f"<title>{escape(body['name'])}</title></polyline>"
            )
    parts.append(f'<line class="playhead" x1="{LEFT}" x2="{LEFT}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    return _svg("speed", "Speed over time", parts, f' data-left="{LEFT}" data-right="{WIDTH - RIGHT}"')


def wheel(v_max_mps: float) -> str:
    """The key to the mask's colours: a disc of velocities as `annotate.velocity.picture` paints them."""
    from kinebench.annotate.velocity import picture

    sectors = []
    for ring in range(4):
        outer, inner = (ring + 1) / 4 * 44, ring / 4 * 44
        for step in range(24):
            a, b = (2 * np.pi * (step + d) / 24 for d in (-0.52, 0.52))
            middle = (a + b) / 2
            speed = v_max_mps * (ring + 1) / 4
            red, green, blue = picture(speed * np.array([np.cos(middle), np.sin(middle), 0.0]), v_max_mps).tolist()
            corners = [(r * np.cos(t), -r * np.sin(t)) for r, t in ((inner, a), (outer, a), (outer, b), (inner, b))]
            sectors.append(f'<polygon points="{_points(np.array(corners))}" fill="rgb({red},{green},{blue})"/>')
    return (
        '<svg class="wheel" viewBox="-50 -50 100 100" role="img" aria-label="Colours of the velocity mask">'
        f"{''.join(sectors)}</svg>"
    )


def _touch(record: dict[str, Any], event: dict[str, Any]) -> str:
    names = [record["objects"][event[side] - 1]["name"] for side in ("a", "b")]
    return (
        f"{event['time_s']:.2f} s: {names[0]} and {names[1]}, closing at {event['closing_speed_mps']:.2f} m/s, "
        f"{event['impulse_ns']:.2f} N s"
    )


def _outline(body: dict[str, Any], position_m: Array, quaternion_wxyz: Array, camera: Camera) -> Array:
    """The convex outline (K, 2) of an object from above, ground frame, metres."""
    if body["shape"] == "cube":
        points = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3), axis=-1).reshape(-1, 3)
    else:
        turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        ring = np.stack([np.cos(turns) / 2, np.sin(turns) / 2, np.full(24, 0.5)], axis=-1)
        points = np.concatenate([ring, ring * [1, 1, -1]])
    return _hull(in_frame(to_world(points * body["size_m"], position_m, quaternion_wxyz), camera)[:, :2])


def _hull(points: Array) -> Array:
    """The convex hull of points (K, 2), by Andrew's monotone chain."""
    ordered = points[np.lexsort((points[:, 1], points[:, 0]))]

    def half(sequence: Iterable[Array]) -> list[Array]:
        chain: list[Array] = []
        for point in sequence:
            while len(chain) > 1 and _turn(chain[-1] - chain[-2], point - chain[-2]) <= 1e-12:
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))


def _turn(a: Array, b: Array) -> float:
    """Above zero if b lies to the left of a."""
    return float(a[0] * b[1] - a[1] * b[0])


def _scale_bar(scale: float) -> str:
    metres = 0.5 if scale * 0.5 < WIDTH / 3 else 0.1
    length, y = metres * scale, HEIGHT - 8
    return (
        f'<path class="axis" d="M10 {y - 4}v4h{length:.1f}v-4"/><text x="{16 + length:.1f}" y="{y}">{metres} m</text>'
        f'<text x="{WIDTH - 10}" y="{y}" text-anchor="end">camera below</text>'
    )


def _axes(seconds: float, top: float, place: Any) -> Iterable[str]:
    for speed in _ticks(top):
        y = place(0.0, speed)[1]
        yield f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{speed:g}</text>'
    for time_s in _ticks(seconds):
        x = place(time_s, 0.0)[0]
        yield f'<text x="{x:.1f}" y="{HEIGHT - 9}" text-anchor="middle">{time_s:g}</text>'
    yield f'<text x="{LEFT + 4}" y="{TOP + 8}">m/s</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - BOTTOM - 5}" text-anchor="end">s</text>'


def _ticks(high: float) -> list[float]:
    """At most six round numbers from 0 to `high`."""
    step = next(s for s in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if high / s <= 5 or s == 100)
    return [round(i * step, 3) for i in range(int(high / step) + 1)]


def _points(points: Array) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _svg(name: str, label: str, parts: list[str], data: str = "") -> str:
    head = f'<svg class="plot {name}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{label}"{data}>'
    return f"{head}{''.join(parts)}</svg>"
