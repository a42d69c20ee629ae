"""The trainer's own step at the shapes of a published backbone, with random weights, against encoding in the loop.

The public ancestor of KineMask's trainer runs the autoencoder, tiled as its script has it, and the text encoder in
every step, with gradient checkpointing. All else is the same step here, so that the ratio is what precomputing,
compiling and keeping activations are worth; decoding videos, which the ancestor also does, is in neither.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from kinebench.bench.backbone import batch, encoded, opened, settings
from kinebench.errors import KineBenchError
from kinebench.kinemask.batches import Clips
from kinebench.kinemask.device import accelerator
from kinebench.kinemask.latents import Cache
from kinebench.kinemask.material import Material
from kinebench.kinemask.published import COGVIDEOX, WAN, Model
from kinebench.kinemask.session import Session, session
from kinebench.kinemask.trainer import advance
from kinebench.shards.files import Progress

OUT_OF_MEMORY = "out of memory"
NOT_COMPILED = "does not compile"

_PRODUCT_SIDE, _CPU_SIDE = 8192, 1024
_PRODUCTS = 10
_PRODUCT_TURNS = 20


@dataclass(frozen=True)
class Way:
    """How a step is done."""

    in_the_loop: bool  # whether autoencoder and text encoder run in it
    checkpointing: bool
    compile: bool

    @property
    def warm_up(self) -> int:
        """Steps that are not measured. The first compiles, and the second may once more."""
        return 2 if self.compile else 1


WAYS = (
    Way(True, True, False),
    Way(False, True, False),
    Way(False, False, False),
    Way(False, True, True),
    Way(False, False, True),
)
"""The ancestor's first."""


@dataclass(frozen=True)
class Cell:
    """One way with so many clips at once."""

    way: Way
    batch: int
    seconds: tuple[float, ...] = ()  # of each step; none if it failed
    memory_bytes: int | None = None  # most that was allocated at once; None on a CPU
    failure: str | None = None
    reason: str | None = None  # as torch has it, why it does not compile

    @property
    def clips_per_s(self) -> float | None:
        """By the median step."""
        return self.batch / median(self.seconds) if self.seconds else None


@dataclass(frozen=True)
class Found:
    """What was measured of a model on a device so far."""

    device: str
    product_flops_per_s: float  # of a plain product of bfloat16 matrices
    step_flops: int  # a clip, the useful ones
    cells: tuple[Cell, ...] = ()

    def share(self, cell: Cell) -> float | None:
        """Useful FLOPs a second, in parts of the plain product's."""
        rate = cell.clips_per_s
        return None if rate is None else rate * self.step_flops / self.product_flops_per_s

    def speed_up(self, cell: Cell) -> float | None:
        """Clips a second over the ancestor's way with as many clips at once; None where one of the two failed."""
        theirs = [one for one in self.cells if one.way.in_the_loop and one.batch == cell.batch]
        rates = cell.clips_per_s, theirs[0].clips_per_s if theirs else None
        return rates[0] / rates[1] if rates[0] and rates[1] else None

    def plain(self) -> dict[str, Any]:
        """As JSON values, with what follows of each cell."""
        cells = [
            asdict(cell) | {"clips_per_s": cell.clips_per_s, "share": self.share(cell), "speed_up": self.speed_up(cell)}
            for cell in self.cells
        ]
        return asdict(self) | {"cells": cells}


def demand_device(model: Model) -> None:
    """Raises KineBenchError for a published model without a GPU."""
    if model in (COGVIDEOX, WAN) and not torch.cuda.is_available():
        raise KineBenchError(
            f"a step of {model.family} at its published size is measured on a GPU, and torch finds none here; "
            "--size tiny runs anywhere, for the code's sake alone"
        )


def measured(
    model: Model,
    step_flops: int,
    batches: Sequence[int],
    repeats: int,
    note: Progress,
    ways: Sequence[Way] = WAYS,
) -> Iterator[Found]:
    """Every way with every number of clips at once; what is known so far, after each.

    Raises KineBenchError for a published model without a GPU.
    """
    demand_device(model)
    device = accelerator().device
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    found = Found(name, product_flops_per_s(device), step_flops)
    done, whole = 0, sum((way.warm_up + repeats) * count for way in ways for count in batches)
    for way in ways:
        stand: list[Stand] = []
        for count in batches:

            def tick(steps: int, done: int = done, count: int = count) -> None:
                note("steps", done + steps * count, whole)

            cell = cell_of(way, count, lambda: _steps(stand, model, way, count, repeats, tick))  # noqa: B023 - at once
            if cell.failure is not None:
                stand.clear()  # whatever half of a step has left is gone with it
            _clear(way)
            done += (way.warm_up + repeats) * count
            note("steps", done, whole)
            found = replace(found, cells=(*found.cells, cell))
            yield found
        stand.clear()  # before the next is put up
        _clear(way)


def product_flops_per_s(device: torch.device) -> float:
    """FLOPs a second of the product of two square matrices of bfloat16: median of some turns."""
    side = _CPU_SIDE if device.type == "cpu" else _PRODUCT_SIDE
    left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds = []
    for _ in range(_PRODUCT_TURNS + 1):
        _finish(device)
        start = time.perf_counter()
        for _ in range(_PRODUCTS):
            torch.mm(left, right)
        _finish(device)
        seconds.append(time.perf_counter() - start)
    return _PRODUCTS * 2 * side**3 / median(seconds[1:])


class Stand:
    """A model and its branch, ready for steps of one way."""

    def __init__(self, model: Model, way: Way) -> None:
        self.model, self.way, self.work = model, way, accelerator()
        family, parts = opened(model, str(self.work.device))
        nothing = Clips({}, Cache(Path(), "", (model.width, model.height)), "c", "v_t")
        material = Material(family, Path(), (), nothing, nothing, "")
        with torch.device(self.work.device):
            self.session: Session = session(self._config(1), "stage1", self.work, material, None)
        self.encoders: tuple[Any, Any] | None = None
        if way.in_the_loop:
            self.encoders = parts.autoencoder(in_the_loop=True), parts.encoder()
        shape = (model.frames, model.height, model.width, 3)
        self.frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        self.words = torch.ones(1, model.words, dtype=torch.long, device=self.work.device)

    def seconds(self, count: int, repeats: int, tick: Callable[[int], None]) -> tuple[float, ...]:
        """Of each of `repeats` steps with so many clips at once, after warming up."""
        run = replace(self.session, config=self._config(count))
        ready = batch(self.model, self.session.material.family.pixel, count)
        if self.work.device.type == "cuda":
            ready = {name: value.pin_memory() for name, value in ready.items()}
        taken = []
        for step in range(self.way.warm_up + repeats):
            _finish(self.work.device)
            start = time.perf_counter()
            advance(run, step, iter([ready | self._made(count)]), lambda _: None)
            _finish(self.work.device)
            taken.append(time.perf_counter() - start)
            tick(step + 1)
        return tuple(taken[self.way.warm_up :])

    def _config(self, count: int) -> Any:
        row = {"checkpointing": self.way.checkpointing, "compile": self.way.compile, "workers": 0}
        return settings(self.model, total_batch=count, device_batch=count, **row)

    def _made(self, count: int) -> dict[str, torch.Tensor]:
        """What the ancestor makes of its clips and prompts in the loop, one after another."""
        if self.encoders is None:
            return {}
        each = [encoded(self.model, *self.encoders, self.frames, self.words) for _ in range(count)]
        return {name: torch.cat([one[name] for one in each]) for name in each[0]}


def _steps(
    stand: list[Stand], model: Model, way: Way, count: int, repeats: int, tick: Callable[[int], None]
) -> tuple[tuple[float, ...], int | None]:
    """Seconds and most bytes; puts up the stand if there is none."""
    if not stand:
        stand.append(Stand(model, way))
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    return stand[0].seconds(count, repeats, tick), torch.cuda.max_memory_allocated() if gpu else None


def cell_of(way: Way, count: int, steps: Callable[[], tuple[tuple[float, ...], int | None]]) -> Cell:
    """What the steps took; or why there is no figure, if the memory is full or torch cannot compile them."""
    try:
        seconds, memory_bytes = steps()
    except torch.OutOfMemoryError:
        return Cell(way, count, failure=OUT_OF_MEMORY)
    except RuntimeError as error:
        if not way.compile:  # the same step without has run before
            raise
        return Cell(way, count, failure=NOT_COMPILED, reason=str(error).strip().partition("\n")[0])
    return Cell(way, count, seconds, memory_bytes)


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _clear(way: Way) -> None:
    """Let each number of clips be compiled for itself, and find the whole memory."""
    if way.compile:
        torch.compiler.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
