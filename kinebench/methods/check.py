"""Whether a method keeps the contract: what its author runs before anything big. Needs no dataset, GPU or weights."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods import in_process, runner
from kinebench.methods.delivery import Delivery, parse
from kinebench.methods.method import Method, find, read
from kinebench.methods.placement import Size
from kinebench.methods.rehearsal import CANVAS, SMALL, conditions, rehearsal
from kinebench.methods.runner import Outcome
from kinebench.methods.task import Failed
from kinebench.shards import video
from kinebench.shards.files import Progress

State = Literal["passed", "failed", "warning", "not checked"]

SEEDS = (0, 1)
PLAIN, ODD = ("one_driven", "two_driven"), ("nothing_driven", "nothing_there")
AGAIN = "two_driven"
FAR_LEVELS = 25.0
"""A first frame whose pixels are further than this from those given, on average, is not the one given."""


@dataclass(frozen=True)
class Finding:
    """One line of the check."""

    name: str
    state: State
    said: str


def check(name_or_folder: str, given: Mapping[str, str], note: Progress | None = None) -> Iterator[Finding]:
    """Try a method in tiny mode, on conditions made here; `given` are options as text. Leaves nothing behind."""
    try:
        method = find(name_or_folder)
    except KineBenchError as error:
        yield Finding("method.toml", "failed", str(error))
        return
    yield Finding("method.toml", "passed", f"{method.title}, {method.version}")
    yield _readme(method)
    try:
        settings = method.settings(given)
    except KineBenchError as error:
        yield Finding("options", "failed", str(error))
        return
    if method.privileged:
        yield from _privileged(method)
        return
    # The check runs elsewhere: what is relative is taken from where the user is.
    fixed = {name: str(settings[name]) if method.options[name].place else text for name, text in given.items()}
    with tempfile.TemporaryDirectory(prefix="kinebench-check-") as place, contextlib.chdir(place):
        yield from _Trial(method, fixed, Path(place), note).findings()


def _readme(method: Method) -> Finding:
    shared = method.kind == "anchor" and (method.folder.parent / "README.md").is_file()
    if shared or (method.folder / "README.md").is_file():
        return Finding("README", "passed", "is there")
    said = "write a README.md for others: how to install it, which weights under which licence, what goes wrong"
    return Finding("README", "warning", said)


def _privileged(method: Method) -> Iterator[Finding]:
    try:
        in_process.imported(method)
    except KineBenchError as error:
        yield Finding("code", "failed", str(error))
        return
    yield Finding("code", "passed", f"{in_process.ADAPTER} is read and has load(setup)")
    said = f"it looks at the ground truth, and there is none here; kinebench run {method.name} --data DIR --out PRED"
    yield Finding("videos", "not checked", said)


@dataclass(frozen=True)
class _Trial:
    """Runs of a method in a folder of its own."""

    method: Method
    given: Mapping[str, str]
    place: Path
    note: Progress | None

    @property
    def canvas(self) -> Size:
        """Size of the conditions."""
        return SMALL if self.method.native.tiny else CANVAS

    def findings(self) -> Iterator[Finding]:
        try:
            outcome = self._run("first", PLAIN, SEEDS)
        except KineBenchError as error:
            yield Finding("runs", "failed", _with_hint(str(error)))
            return
        if outcome.failed:
            few = {each.task.key for each in outcome.failed} == {"two_driven"}
            hint = "; if it cannot take two driven objects, say so: max_driven in [control]" if few else ""
            yield from (Finding("video", "failed", _with_hint(_failure(each)) + hint) for each in outcome.failed)
            return
        deliveries = {(key, seed): self._delivery("first", key, seed) for key in PLAIN for seed in SEEDS}
        yield Finding(
            "runs", "passed", f"{outcome.made} videos of {len(PLAIN)} conditions, in another folder than its own"
        )
        yield self._native(list(deliveries.values()))
        yield _canvas(deliveries[AGAIN, 0], self.canvas)
        yield self._first_frame()
        yield _told(deliveries[AGAIN, 0])
        yield self._resume()
        yield from self._second()
        seconds = [each.seconds for each in deliveries.values()]
        yield Finding("time", "passed", f"{min(seconds):.1f} to {max(seconds):.1f} s a video in tiny mode")
        if self.method.runs == "folder":
            yield Finding(
                "model", "not checked", "in tiny mode run.py stands in for its model, whose own code did not run"
            )
        elif self.method.weights:
            yield Finding("model", "not checked", "in tiny mode no published weights are loaded")

    def _second(self) -> Iterator[Finding]:
        """Loaded anew, in another order: the same videos? And what of odd conditions?"""
        try:
            outcome = self._run("second", (AGAIN, *ODD), SEEDS[:1])
        except KineBenchError as error:
            yield Finding("runs again", "failed", _with_hint(str(error)))
            return
        failed = {each.task.key: each for each in outcome.failed}
        yield Finding("same seed", "failed", _failure(failed[AGAIN])) if AGAIN in failed else self._repeats()
        for key in ODD:
            yield _odd(key, failed.get(key))

    def _run(self, name: str, keys: tuple[str, ...], seeds: Sequence[int]) -> Outcome:
        return runner.run(
            read(self.method.folder),  # anew, as another process would
            rehearsal(keys, self.canvas),
            seeds,
            self.place / name,
            given=self.given,
            weights={},
            device="cpu",
            note=self.note,
            tiny=True,
        )

    def _resume(self) -> Finding:
        try:
            again = self._run("first", PLAIN, SEEDS)
        except KineBenchError as error:
            said = f"{error}; a method must not write code or JSON into its own folder"
            return Finding("resume", "failed", said)
        if again.made or again.failed:
            return Finding("resume", "failed", f"a second run made {again.made + len(again.failed)} videos again")
        return Finding("resume", "passed", f"a second run found all {again.kept} and loaded nothing")

    def _repeats(self) -> Finding:
        one, two = (self._frames(run, AGAIN, 0) for run in ("first", "second"))
        other = self._frames("first", AGAIN, 1)
        if one.shape != two.shape or (one != two).any():
            said = (
                "another video when loaded again; draw every random number from a generator of the seed, for each video"
            )
            return Finding("same seed", "failed", said)
        varies = one.shape != other.shape or (one != other).any()
        said = "the same video, loaded again and in another order"
        return Finding("same seed", "passed", f"{said}; seed 1 gives {'another' if varies else 'the same'}")

    def _native(self, deliveries: Sequence[Delivery]) -> Finding:
        """Whether the videos are what [native] says."""
        wanted = self.method.size(tiny=True)
        made = {(each.native.width, each.native.height) for each in deliveries}
        sizes = ", ".join(f"{width}x{height}" for width, height in sorted(made))
        if wanted and made != {wanted}:
            said = f"{sizes} instead of {wanted[0]}x{wanted[1]}, as [native] says"
            return Finding("size", "warning", f"{said}; placement must then say where they lie")
        counts = sorted({each.native.frames for each in deliveries})
        said = f"{sizes}, {', '.join(map(str, counts))} frames, uint8"
        return Finding("size", "passed", said)

    def _first_frame(self) -> Finding:
        """Whether a video begins with the frame that was given."""
        if self.method.weights:
            return Finding("first frame", "not checked", "a tiny model has random weights")
        far = max(
            float(np.abs(self._frames("first", key, 0)[0].astype(float) - given.first_frame).mean())
            for key, given in conditions(self.canvas).items()
            if key in PLAIN
        )
        if far > FAR_LEVELS:
            said = f"{far:.0f} of 255 levels from the one given, which frame 0 should be"
            return Finding("first frame", "warning", f"{said}; is it BGR, mirrored or moved?")
        return Finding("first frame", "passed", f"{far:.1f} of 255 levels from the one given")

    def _delivery(self, run: str, key: str, seed: int) -> Delivery:
        return parse((self.place / run / f"seed-{seed}" / f"{key}.json").read_bytes())

    def _frames(self, run: str, key: str, seed: int) -> NDArray[np.uint8]:
        return video.decode_rgb((self.place / run / f"seed-{seed}" / f"{key}.mkv").read_bytes())


def _canvas(delivery: Delivery, canvas: Size) -> Finding:
    how = {None: "pixel for pixel", "box": "shrunk by area", "bicubic": "enlarged, bicubic"}[delivery.resized]
    shown = {
        "index": "one for one",
        "fps": "by its rate",
        "span": "spread over the clip",
    }[delivery.alignment]
    said = f"covers {canvas[0]}x{canvas[1]}, {how}; {len(delivery.truth_frames)} frames are compared, {shown}"
    unused = f"; {delivery.unused_frames} are not used" if delivery.unused_frames else ""
    return Finding("canvas", "passed", said + unused)


def _told(delivery: Delivery) -> Finding:
    ignored = (
        f"; of two driven objects it is told of {2 - len(delivery.driven_ignored)}" if delivery.driven_ignored else ""
    )
    return Finding("facts", "passed", (", ".join(delivery.facts) or "none") + ignored)


def _odd(key: str, failed: Failed | None) -> Finding:
    name = key.replace("_", " ")
    if failed is None:
        return Finding(name, "passed", "a video")
    if failed.kind == "invalid":
        return Finding(name, "passed", f"refused: {failed.message}")
    said = f"{failed.message}; refuse it by KineBenchError (in a run.py by kinebench_worker.Invalid), or make a video"
    return Finding(name, "failed", said)


def _failure(failed: Failed) -> str:
    return f"{failed.task.key}, seed {failed.task.seed}: {failed.kind}: {failed.message}"


def _with_hint(message: str) -> str:
    if "No such file or directory" in message and "FileNotFoundError" in message:
        return f"{message}; this runs in another folder: name files by Path(__file__).parent"
    return message
