"""Contact points at every step -> events: one row per touch."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kinebench.physics.rollout import Event
from kinebench.scene.scene import Vector

PART_S = 0.1
"""Two objects have parted when they were out of contact this long; less is one touch that flickers."""


@dataclass(frozen=True)
class Contact:
    """One contact point between two objects during one simulation step."""

    time_s: float
    a: int  # object ids, a < b
    b: int
    point_m: Vector
    normal: Vector  # from b to a
    distance_m: float  # negative where they overlap
    impulse_ns: float
    closing_speed_mps: float  # along the normal, just before this step


def presses(contact: Contact) -> bool:
    """Whether the two objects push on each other here, or overlap."""
    return contact.impulse_ns > 0 or contact.distance_m < 0


def debounce(contacts: Iterable[Contact]) -> tuple[Event, ...]:
    """Merge the contacts of each pair, in order of time, into touches at least `PART_S` apart.

    Two objects that come near but never press on each other do not touch.
    """
    pairs: dict[tuple[int, int], list[list[Contact]]] = defaultdict(list)
    for contact in contacts:
        touches = pairs[contact.a, contact.b]
        if not touches or contact.time_s - touches[-1][-1].time_s > PART_S:
            touches.append([])
        touches[-1].append(contact)
    events = [_event(touch) for touches in pairs.values() for touch in touches if any(map(presses, touch))]
    return tuple(sorted(events, key=lambda event: (event.time_s, event.a, event.b)))


def _event(touch: list[Contact]) -> Event:
    start_s = next(contact.time_s for contact in touch if presses(contact))
    first = [contact for contact in touch if contact.time_s == start_s and presses(contact)]
    point, normal = (np.mean([getattr(c, name) for c in first], axis=0) for name in ("point_m", "normal"))
    normal /= np.linalg.norm(normal)
    return Event(
        time_s=start_s,
        end_s=touch[-1].time_s,
        a=touch[0].a,
        b=touch[0].b,
        impulse_ns=float(sum(contact.impulse_ns for contact in touch)),
        closing_speed_mps=max(0.0, *(contact.closing_speed_mps for contact in first)),
        point_m=tuple(point.tolist()),
        normal=tuple(normal.tolist()),
    )
