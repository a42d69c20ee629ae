"""What follows from a participant's id: the group, the order of trials, the sides. `page/order.js` computes the same.

A draw is a hash of text in 32 bits: FNV-1a, then the finaliser of MurmurHash3, so that every bit is as good as any.
"""

from collections.abc import Iterable


def draw(text: str) -> int:
    """A number in 0..2^32-1 that follows from ASCII text alone."""
    found = 0x811C9DC5
    for byte in text.encode("ascii"):
        found = ((found ^ byte) * 0x01000193) & 0xFFFFFFFF
    found = ((found ^ found >> 16) * 0x85EBCA6B) & 0xFFFFFFFF
    found = ((found ^ found >> 13) * 0xC2B2AE35) & 0xFFFFFFFF
    return found ^ found >> 16


def group(study: str, participant: str, groups: int) -> int:
    """The participant's group, 0..groups-1."""
    return draw(f"{study} group {participant}") % groups


def ordered(study: str, participant: str, trials: Iterable[str]) -> list[str]:
    """The trials of a group in the order in which this participant sees them."""
    return sorted(trials, key=lambda trial: (draw(f"{study} order {participant} {trial}"), trial))


def swapped(study: str, participant: str, trial: str) -> bool:
    """Whether this participant sees the trial's second film on the left."""
    return draw(f"{study} side {participant} {trial}") & 1 == 1
