"""What a table of scores does not show: how the predictions were made, and what their coding costs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kinebench.scoring.sidecar import KINDS

if TYPE_CHECKING:
    from kinebench.scoring.scorecard import Card

SPREAD = {"index": "one for one", "fps": "by its rate", "span": "evenly spread"}


def notes(card: "Card") -> Iterator[str]:
    """One line each."""
    yield from _method(card)
    yield from _frames(card["sampling"])
    if card["making"]:
        yield from _making(card["making"])
    if failed := card["predictions"]["failed"]:
        yield "not made: " + ", ".join(f"{count} {KINDS[kind]}" for kind, count in failed.items())
    yield from _codecs(card["codecs"])


def _method(card: "Card") -> Iterator[str]:
    if method := card["method"]:
        prompt = f", prompt {card['run']['source'].get('prompt')}" if card["run"] else ""
        privileged = "; it looks at the ground truth" if method["privileged"] else ""
        yield f"made by {method['name']} {method['version']}{prompt}{privileged}"


def _frames(sampling: Mapping[str, Any]) -> Iterator[str]:
    shown, whole = len(sampling["truth_frames"]), sampling["clip_frames"]
    if shown < whole:
        how = ", ".join(SPREAD[name] for name in sampling["alignment"])
        yield f"{shown} of the {whole} frames of each clip are compared, {how}; so are those of the truth itself"


def _making(making: Mapping[str, Any]) -> Iterator[str]:
    videos = making["videos"]
    resized = {name: count for name, count in making["resized"].items() if name != "no"}
    if resized:
        sizes = dict.fromkeys(f"{each['width']}x{each['height']}" for each in making["native"])
        yield f"resized from {', '.join(sizes)} ({', '.join(resized)}) in {sum(resized.values())} of {videos} videos"
    for name, what in (
        ("with_driven_ignored", "a driven object was left out, for the method takes fewer,"),
        ("with_unused_frames", "frames beyond the clip or between its frames were not used"),
    ):
        if making[name]:
            yield f"{what} in {making[name]} of {videos} videos"
    yield from (f"{name} in {count} of {videos} videos" for name, count in making["facts"].items())


def _codecs(codecs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    videos, lossy = sum(each["videos"] for each in codecs), [each for each in codecs if not each["fine"]]
    yield from (f"{each['videos']} of {videos} videos are {_codec(each)}" for each in lossy)
    if lossy:
        yield "no method is to blame: lossless files (FFV1, libx264rgb -qp 0) cost nothing, yuv444p at crf 10 little"


def _codec(coded: Mapping[str, Any]) -> str:
    rate, cost = coded["rate"], coded["cost"]
    name = f"{coded['codec']} {coded['pixel_format']}" + (f", {rate['by']} {rate['value']:g}" if rate else "")
    if cost is None:
        return f"{name}: what that costs cannot be measured here"
    measured = f"costs MSE {cost['mse']:.1f}, PSNR {cost['psnr']:.1f} dB on the truth of the first clip"
    if rate or coded["lossless"]:
        return f"{name}: that {measured}"
    return f"{name}: the pixel format alone {measured}; how hard they were compressed the files do not say"
