"""Training of a control branch beside a frozen backbone, in two stages. KineMask, sections 3.3 and A.2.

Every number that is drawn comes from a generator of seed, step and place in the total batch, and the order of clips
from seed and epoch. So one process and many, and a run that was killed and goes on, do the same.
"""

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinebench.errors import KineBenchError
from kinebench.kinemask import checkpoint, validation
from kinebench.kinemask.batches import Portions, Walk, batches, painted
from kinebench.kinemask.branch.attach import attached
from kinebench.kinemask.card import card
from kinebench.kinemask.checkpoint import Checkpoint
from kinebench.kinemask.config import Config, StageName
from kinebench.kinemask.device import accelerator, portion_batches
from kinebench.kinemask.draw import INITIAL, TRAINING, Draw, rng
from kinebench.kinemask.log import Log
from kinebench.kinemask.material import Material, demand_kept, gathered
from kinebench.kinemask.run import claimed, demand_same, facts_of, start_of
from kinebench.shards.files import Progress


@dataclass(frozen=True)
class Moment:
    """How far training is."""

    clips: int  # done, of this stage
    whole: int
    loss: float | None  # of the last whole step
    steps_per_s: float | None


@dataclass(frozen=True)
class Outcome:
    """What training came to."""

    checkpoint: Checkpoint
    resumed: int  # the step it went on from; 0: it began
    loss: float | None  # of the last step; None if nothing was left to do


Note = Callable[[Moment], None]


@dataclass
class Session:
    """What a stage works with."""

    config: Config
    stage: StageName
    work: Any  # accelerate's
    material: Material
    control: Any
    steered: Any  # the same, wrapped if there are several processes
    optimizer: torch.optim.Optimizer
    average: Any  # the branch with averaged weights, or None

    def loss(self, batch: dict[str, Any], draw: Draw) -> Tensor:
        """The loss of each clip of a batch, (B,)."""
        transformer, device = self.material.family.transformer, self.work.device
        batch = {name: value.to(device, non_blocking=True) for name, value in batch.items() if name != "key"}
        masks = painted(batch.pop("ids"), batch.pop("table"))
        with attached(transformer, self._branch, masks, self.config.branch.weight):
            return self.material.family.loss(batch, draw)

    def _branch(self, *args: Any, **named: Any) -> tuple[Tensor, ...]:
        """In bfloat16 over float32 weights, if that is asked for; the backbone is in bfloat16 itself then."""
        lower = self.config.training.precision == "bfloat16"
        with torch.autocast(self.work.device.type, torch.bfloat16, enabled=lower):
            return self.steered(*args, **named)


def train(config: Config, stage: StageName, out: Path, note: Note, told: Progress) -> Outcome:
    """Train a stage in `out`/`stage`, from its last checkpoint there if it has one, to its end.

    Raises KineBenchError for whatever does not fit, before anything is trained; and for a full disk or device, with the
    checkpoints as they were.
    """
    work = accelerator()
    portion_batches(config.training.total_batch, config.training.device_batch, work.num_processes)
    place = out / stage
    with claimed(place) if work.is_main_process else contextlib.nullcontext(), _memory(config):
        work.wait_for_everyone()
        material = gathered(config, str(work.device))
        facts = facts_of(config, stage, material)
        before = checkpoint.found(place)[-1:]
        for point in before:
            demand_same(point, facts, config)
            if point.step >= config.stage(stage).steps:
                return Outcome(point, point.step, None)
        first = None if before else start_of(config, stage, out, facts)
        demand_kept(config, material, told)
        session = _session(config, stage, work, material, (*before, first)[0])
        if before:
            before[0].restore(session.optimizer, [name for name, _ in session.control.named_parameters()])
        done = before[0].step if before else 0
        with Log(place, done) if work.is_main_process else contextlib.nullcontext() as log:
            return _train(session, place, facts, done, log, note)


def _session(config: Config, stage: StageName, work: Any, material: Material, start: Checkpoint | None) -> Session:
    family, training = material.family, config.training
    control = start.branch(family.control, family.transformer) if start else _new(config, family)
    average = None
    if training.ema_decay:
        if start and start.facts["stage"] == stage:
            average = start.branch(family.control, family.transformer, checkpoint.AVERAGE)
        else:
            average = copy.deepcopy(control)
        average.to(work.device).requires_grad_(False)
    control.to(work.device).train()
    if training.checkpointing:
        control.enable_gradient_checkpointing()
        family.transformer.enable_gradient_checkpointing()
    if training.compile:
        for model in (control, family.transformer):
            for block in model.transformer_blocks if hasattr(model, "transformer_blocks") else model.blocks:
                block.compile()
    row = config.stage(stage)
    optimizer = torch.optim.AdamW(
        control.parameters(),
        lr=row.learning_rate,
        betas=training.betas,
        weight_decay=training.weight_decay,
        fused=work.device.type == "cuda",
    )
    return Session(config, stage, work, material, control, work.prepare_model(control), optimizer, average)


def _new(config: Config, family: Any) -> Any:
    """A branch whose own parts are drawn by the seed; the rest is the backbone's."""
    options: dict[str, Any] = {
        "num_layers": config.branch.layers,
        "unshuffle": family.pixel,
        "mask_width": config.branch.mask_width,
        "mask_channels": config.branch.mask_channels,
        "norm": config.branch.norm,
        "zero_init": config.branch.zero_init,
    }
    if config.backbone.family != "wan":
        options["image_latents"] = config.branch.image_latents
    blocks = family.transformer.config.num_layers
    if config.branch.layers > blocks:
        raise KineBenchError(
            f"{config.source}: branch.layers is {config.branch.layers}; the backbone has {blocks} blocks"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_number(rng(config.training.seed, INITIAL)))
        return family.control.on(family.transformer, **options).float()


def _train(session: Session, place: Path, facts: dict[str, Any], done: int, log: Log | None, note: Note) -> Outcome:
    config, work = session.config, session.work
    steps, total = config.stage(session.stage).steps, config.training.total_batch
    ahead = _batches(session, range(done, steps))
    if done == 0:
        _validate(session, 0, log)
    loss, saved, began = None, None, time.monotonic()
    for step in range(done, steps):
        start = time.monotonic()

        def tell(share: float, step: int = step, last: float | None = loss) -> None:
            speed = (step - done) / (time.monotonic() - began) if step > done else None
            note(Moment(round((step + share) * total), steps * total, last, speed))

        loss, norm = _step(session, step, ahead, tell)
        seconds = time.monotonic() - start
        if log:
            log.write(step + 1, "train", _measured(session, loss, norm, seconds))
        if not math.isfinite(loss):
            raise KineBenchError(
                f"the loss is {loss} at step {step + 1}; lower {session.stage}.learning_rate, or set "
                f'training.precision = "float32". The checkpoints in {place} are whole'
            )
        if (step + 1) % config.saving.validate_every == 0 or step + 1 == steps:
            _validate(session, step + 1, log)
        if (step + 1) % config.saving.every == 0 or step + 1 == steps:
            if work.is_main_process:
                saved = _save(session, place, facts | {"step": step + 1})
            work.wait_for_everyone()
    note(Moment(steps * total, steps * total, loss, None))
    return Outcome(saved or checkpoint.found(place)[-1], done, loss)


def _batches(session: Session, steps: range) -> Iterator[dict[str, Any]]:
    config, work = session.config, session.work
    training = config.training
    walk = Walk(
        session.material.trained, config.stage(session.stage).truncation, config.data.caption_dropout, training.seed
    )
    portions = Portions(steps, training.total_batch, training.device_batch, work.process_index, work.num_processes)
    return batches(walk, portions, training.workers)


def _step(
    session: Session, step: int, ahead: Iterator[dict[str, Any]], tell: Callable[[float], None]
) -> tuple[float, float]:
    """One step of the optimizer: the mean loss over the total batch, and the norm of its gradient before clipping."""
    training, stage, work = session.config.training, session.config.stage(session.stage), session.work
    portions = portion_batches(training.total_batch, training.device_batch, work.num_processes)
    torch.manual_seed(_number(rng(training.seed, TRAINING, step, training.total_batch + work.process_index)))
    for group in session.optimizer.param_groups:
        group["lr"] = stage.learning_rate * warmth(step, stage.steps, stage.warmup_steps, stage.restarts)
    whole = torch.zeros((), device=work.device)
    for number in range(portions):
        batch = next(ahead)
        places = [divmod(int(place), training.total_batch) for place in batch.pop("number")]
        draw = Draw([rng(training.seed, TRAINING, *place) for place in places])
        apart = contextlib.nullcontext() if number + 1 == portions else work.no_sync(session.steered)
        with apart:
            loss = session.loss(batch, draw).mean() / portions
            loss.backward()
        whole += loss.detach()
        tell((number + 1) / portions)
    norm = torch.nn.utils.clip_grad_norm_(session.control.parameters(), training.max_grad_norm)
    session.optimizer.step()
    session.optimizer.zero_grad(set_to_none=True)
    if session.average is not None:
        _follow(session.average, session.control, training.ema_decay)
    return float(work.reduce(whole, "mean")), float(norm)


def warmth(step: int, steps: int, warmup: int, cycles: int) -> float:
    """The learning rate of a step, 0 for the first, in parts of the highest: a rise, then cosines from 1 to 0."""
    if step < warmup:
        return (step + 1) / warmup
    gone = (step - warmup) / (steps - warmup) * cycles % 1.0
    return 0.5 * (1 + math.cos(math.pi * gone))


@torch.no_grad()  # type: ignore[untyped-decorator]
def _follow(average: Any, control: Any, decay: float) -> None:
    for mine, theirs in zip(average.parameters(), control.parameters(), strict=True):
        mine.lerp_(theirs, 1 - decay)


def _validate(session: Session, step: int, log: Log | None) -> None:
    if not session.material.held_out.keys:
        return
    with torch.no_grad():
        losses = validation.losses(session.material.held_out, session.loss, session.config.training.seed, session.work)
    if log:
        log.write(step, "validation", losses)


def _measured(session: Session, loss: float, norm: float, seconds: float) -> dict[str, float]:
    rate = session.optimizer.param_groups[0]["lr"]
    speed = {"seconds": round(seconds, 4), "clips_per_s": round(session.config.training.total_batch / seconds, 4)}
    if session.work.device.type == "cuda":
        speed["memory_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 3)
    return {"loss": loss, "grad_norm": norm, "learning_rate": rate, **speed}


def _save(session: Session, place: Path, facts: dict[str, Any]) -> Checkpoint:
    keep = session.config.saving.keep
    return checkpoint.write(place, facts, card(facts), session.control, session.optimizer, session.average, keep)


@contextlib.contextmanager
def _memory(config: Config) -> Iterator[None]:
    """Say which setting to change when the device's memory is full."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        training = config.training
        if training.device_batch > 1:
            advice = (
                f"set training.device_batch below {training.device_batch}; the total batch stays {training.total_batch}"
            )
        elif not training.checkpointing:
            advice = "set training.checkpointing = true: it takes less memory and more time"
        elif training.precision == "float32":
            advice = 'set training.precision = "bfloat16"'
        elif training.ema_decay:
            advice = "set training.ema_decay = 0: the average takes as much memory as the branch"
        else:
            advice = f"set branch.layers below {config.branch.layers}, or data.size smaller, or take a larger GPU"
        raise KineBenchError(
            f"{config.source}: the GPU's memory is full; {advice}. Checkpoints are whole, and the same command goes on"
        ) from error


def _number(draw: np.random.Generator) -> int:
    return int(draw.integers(2**63))
