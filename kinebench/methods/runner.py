"""A method over a split: `kinebench run`. Interrupt it anywhere; the next run goes on from there."""

import contextlib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kinebench import __version__
from kinebench.errors import KineBenchError
from kinebench.methods import hub, in_process
from kinebench.methods.adapter import Setup
from kinebench.methods.condition import KEY, Condition
from kinebench.methods.delivery import Clip, Signature, deliver
from kinebench.methods.method import Method, Value
from kinebench.methods.outbox import Outbox
from kinebench.methods.placement import SAME, Size, fitted
from kinebench.methods.source import Source
from kinebench.methods.task import Failed, Made, Maker, Task
from kinebench.scoring.device import resolve
from kinebench.shards import video
from kinebench.shards.files import Progress

FORMAT_VERSION = 1
HOPELESS = 3
"""So many videos failed, and none made, end the run: the fault is not in the clips."""


@dataclass(frozen=True)
class Outcome:
    """What became of the videos asked for."""

    made: int
    kept: int  # were there
    failed: tuple[Failed, ...]


def run(
    method: Method,
    source: Source,
    seeds: Sequence[int],
    out: Path,
    *,
    given: Mapping[str, str],
    weights: Mapping[str, Path],
    device: str,
    note: Progress | None = None,
    tiny: bool = False,
) -> Outcome:
    """Make the video of every condition with every seed that is not in `out` yet.

    `given` are options as text, `weights` folders or files of the user's own, by the names in method.toml. `device` is
    auto, cpu or cuda; auto is the CPU for a method that asks for no GPU memory. Videos that failed are tried again by
    the next run. Raises KineBenchError if the method does not run at all, if `out` is of something else, or another
    process makes the same seed there.
    """
    settings = accepted(method, given, weights)
    device = _device(method, device)
    if method.privileged and source.dataset is None:
        raise KineBenchError(f"{method.name} looks at the ground truth: give --data the dataset, not its conditions")
    for key in source.keys:
        if not KEY.fullmatch(key):
            raise KineBenchError(f"{key!r} is no key that can name a file; keys have letters, digits, - and _")
    seeds = tuple(dict.fromkeys(seeds))
    signature = Signature(method.name, method.version, method.identity(settings))
    outbox = Outbox(out.absolute(), _record(method, signature, settings, source, device, weights))
    make = _makers(method, settings, source, weights, device, tiny, outbox)
    outbox.begin()
    with outbox.held(seeds):
        work = _Work(method, method.size(tiny), source, outbox, signature, note or (lambda stage, done, whole: None))
        for seed, tasks in work.wanted(seeds).items():
            if tasks:
                work.make(make(seed), tasks)
    return Outcome(work.made, work.kept, tuple(work.failed))


def accepted(method: Method, given: Mapping[str, str], weights: Mapping[str, Path]) -> dict[str, Value]:
    """The method's options with what the user has set. Raises KineBenchError if these, or the weights, do not fit it.

    Weights that the user names have to be there and whole; those that he does not name are not asked for.
    """
    settings = method.settings(given)
    if weights and method.runs == "folder":
        raise KineBenchError(f"--weights {min(weights)}: {method.name} is told where its weights are by --set")
    locate = hub.weights(method, weights)
    for name in weights:
        locate(name)
    return settings


def _record(
    method: Method,
    signature: Signature,
    settings: Mapping[str, Value],
    source: Source,
    device: str,
    weights: Mapping[str, Path],
) -> dict[str, Any]:
    """The content of run.json. Options that say where something lies are the user's own business."""
    return {
        "format_version": FORMAT_VERSION,
        "method": {**vars(signature), "kind": method.kind, "privileged": method.privileged},
        "options": {name: value for name, value in settings.items() if not method.options[name].place},
        "weights": {name: hub.fingerprint(path) for name, path in weights.items()},  # the user's own; others are pinned
        "source": dict(source.facts),
        "device": device,
        "versions": {"kinebench": __version__, "python": platform.python_version(), "numpy": np.__version__},
    }


def _device(method: Method, asked: str) -> str:
    """Where it runs; the torch of this process is asked if the method runs here, else it has its own."""
    if asked == "auto" and method.gpu_gb is None:
        return "cpu"
    if method.runs == "folder":
        return "cuda" if asked == "auto" else asked
    return asked if asked == "cpu" else resolve(asked)


def _makers(
    method: Method,
    settings: Mapping[str, Value],
    source: Source,
    weights: Mapping[str, Path],
    device: str,
    tiny: bool,
    outbox: Outbox,
) -> Callable[[int], Maker]:
    """What makes the videos of a seed: one loaded model for all seeds, or a worker process for each."""
    from kinebench.methods import protocol

    if method.runs == "folder":
        return lambda seed: protocol.maker(method, settings, device, tiny, outbox.job(seed))
    truth = source.dataset if method.privileged else None
    one = in_process.maker(method, Setup(device, tiny, settings, hub.weights(method, weights), truth))
    return lambda seed: one


@dataclass
class _Work:
    """The state of one run."""

    method: Method
    native: Size | None  # of what the method is given
    source: Source
    outbox: Outbox
    signature: Signature
    note: Progress
    made: int = 0
    kept: int = 0
    failed: list[Failed] = field(default_factory=list)
    _clips: dict[str, Clip] = field(default_factory=dict)
    _whole: int = 0
    _in_vain: int = 0  # failures that say nothing about the clip

    def wanted(self, seeds: Sequence[int]) -> dict[int, list[Task]]:
        """What is to be made, seed by seed; videos of other conditions are taken away."""
        tasks = [Task(key, seed) for seed in seeds for key in self.source.keys]
        wanted: dict[int, list[Task]] = {seed: [] for seed in seeds}
        for number, task in enumerate(tasks, 1):
            if self._is_done(task):
                self.kept += 1
                self.note("checking", number, len(tasks))
            else:
                self.outbox.withdraw(task)
                wanted[task.seed].append(task)
        self._whole = len(tasks) - self.kept
        return wanted

    def _is_done(self, task: Task) -> bool:
        there = self.outbox.found(task)
        return (
            there is not None
            and there.method == self.signature
            and (there.key, there.seed) == (task.key, task.seed)
            and there.condition_sha256 == self._clip(task.key).condition_sha256
        )

    def make(self, maker: Maker, tasks: Sequence[Task]) -> None:
        """Make these videos and write them as they come."""
        self._progress()
        with contextlib.closing(maker(tasks, self._condition)) as results:
            for result in results:
                if isinstance(result, Failed):
                    self._refuse(result, in_vain=result.kind != "invalid")
                else:
                    self._deliver(result)
                self._progress()

    def _condition(self, key: str) -> Condition:
        """What the method is given."""
        condition = self.source[key]
        self._clips[key] = self._facts(condition)
        limited = self._limited(condition)
        return limited.fitted(self.native)[0] if self.native else limited

    def _clip(self, key: str) -> Clip:
        if key not in self._clips:
            self._clips[key] = self._facts(self.source[key])
        return self._clips[key]

    def _limited(self, condition: Condition) -> Condition:
        most = self.method.max_driven
        return condition if most is None else condition.limited(most)

    def _facts(self, condition: Condition) -> Clip:
        told = {each.id for each in self._limited(condition).driven}
        canvas = condition.size
        return Clip(
            key=condition.key,
            condition_sha256=condition.sha256,
            canvas=canvas,
            frames=condition.frames,
            fps=condition.fps,
            place=fitted(canvas, self.native) if self.native and self.native != canvas else SAME,
            driven_ignored=tuple(each.id for each in condition.driven if each.id not in told),
        )

    def _deliver(self, made: Made) -> None:
        clip = self._clip(made.task.key)
        try:
            frames, delivery = deliver(made, clip, self.signature)
        except KineBenchError as error:
            self._refuse(Failed(made.task, "invalid", str(error)), in_vain=True)
            return
        shown = delivery.truth_frames
        rate = clip.fps * (len(shown) - 1) / max(1, shown[-1] - shown[0])  # it plays as long as the clip, more or less
        self.outbox.put(made.task, video.encode_lossless_rgb(frames, max(1, round(rate))), delivery)
        self.made += 1

    def _refuse(self, failed: Failed, in_vain: bool) -> None:
        self.outbox.refuse(failed)
        self.failed.append(failed)
        self._in_vain += in_vain
        if self._in_vain >= HOPELESS and not self.made + self.kept:
            raise KineBenchError(
                f"{self.method.name} made none of {len(self.failed)} videos; of {failed.task.key}, seed "
                f"{failed.task.seed}, it says: {failed.message}"
            )

    def _progress(self) -> None:
        self.note("videos", self.made + len(self.failed), self._whole)
