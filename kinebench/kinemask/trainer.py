"""Training of a control branch beside a frozen backbone, in two stages, or of a small backbone itself.

The stages are those of KineMask, sections 3.3 and A.2.

Every number that is drawn comes from a generator of seed, step and place in the total batch, and the order of clips
from seed and epoch. So one process and many, and a run that was killed and goes on, do the same.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from kinebench.errors import KineBenchError
from kinebench.kinemask import checkpoint, pretraining, strips, validation
from kinebench.kinemask.advice import advised
from kinebench.kinemask.batches import Portions, Walk, batches
from kinebench.kinemask.card import card
from kinebench.kinemask.checkpoint import Checkpoint
from kinebench.kinemask.config import Config, StageName, section
from kinebench.kinemask.device import accelerator, agreed, demand_alike, portion_batches
from kinebench.kinemask.draw import TRAINING, Draw, rng, torch_seed
from kinebench.kinemask.families.small import complete
from kinebench.kinemask.log import Log
from kinebench.kinemask.material import course, demand_kept, gathered
from kinebench.kinemask.precompute import kept
from kinebench.kinemask.run import claimed, demand_same, facts_of, home, start_of
from kinebench.kinemask.session import Session, session
from kinebench.kinemask.sharding import collected, plain, whole
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


def place_of(config: Config, stage: StageName, out: Path | None) -> Path:
    """The folder of a stage: inside `out`, or, of a backbone, beside its own. Raises KineBenchError."""
    if stage == "backbone":
        return pretraining.place(config)
    assert out is not None
    return out / stage


def train(
    config: Config, stage: StageName, out: Path | None, note: Note, told: Progress, first: Path | None = None
) -> Outcome:
    """Train a stage in its folder, from its last checkpoint there if it has one, to its end.

    Stage 2 begins where stage 1 ended in `out`, or in the folder `first`, so that several may begin from one.

    Raises KineBenchError for whatever does not fit, before anything is trained; and for a full disk or device, with the
    checkpoints as they were.
    """
    work = accelerator()
    portion_batches(config.training.total_batch, config.training.device_batch, work.num_processes)
    place = place_of(config, stage, out)
    with contextlib.ExitStack() as held, advised(config, work.num_processes):
        with agreed():
            if work.is_main_process:
                held.enter_context(claimed(place, stage))
        before = checkpoint.found(place)[-1:]
        start = _start(config, stage, place, before, work, told)
        with agreed():
            material = gathered(config, str(work.device), start)
            facts = facts_of(config, stage, material)
            for point in before:
                demand_same(point, facts, config)
            begun = None if before or out is None else start_of(config, stage, out, facts, first)
        demand_alike(_common(config, stage, facts, [*before, *([begun] if begun else [])]))
        if before and before[0].step >= config.stage(stage).steps:
            return _ended(config, stage, work, Outcome(before[0], before[0].step, None))
        with agreed():
            if stage == "backbone":
                mine = slice(work.process_index, None, work.num_processes)
                courses = [course(config, stage), *validation.ALONE.values()]
                kept(material, courses, config.data.mirror, told, mine)
            else:
                demand_kept(config, material, stage, told)
        run = session(config, stage, work, material, (*before, begun)[0])
        done = before[0].step if before else 0
        with Log(place, done) if work.is_main_process else contextlib.nullcontext() as log:
            return _ended(config, stage, work, _train(run, place, facts, done, log, note))


def _start(
    config: Config, stage: StageName, place: Path, before: list[Checkpoint], work: Any, told: Progress
) -> Path | None:
    """The small backbone that is trained, as it is now; None if the backbone is frozen."""
    if stage != "backbone":
        return None
    if before:
        return before[0].folder
    with agreed():
        if work.is_main_process:
            pretraining.begun(config, place, told)
    return pretraining.begun(config, place, told)


def _common(config: Config, stage: StageName, facts: dict[str, Any], points: list[Checkpoint]) -> dict[str, Any]:
    """What must be the same wherever a process runs."""
    table = config.record
    return {
        "the configuration": {**table, "backbone": table["backbone"]["family"], "data": facts["decides"]},
        f"what is in {home(stage)}": [(point.folder.name, point.step) for point in points],
        "backbone.weights": facts["backbone"]["sha256"],
        "data.folder": facts["dataset"]["sha256"],
    }


def _ended(config: Config, stage: StageName, work: Any, outcome: Outcome) -> Outcome:
    with agreed():
        if stage == "backbone" and work.is_main_process:
            pretraining.finished(config, outcome.checkpoint)
    return outcome


def _train(session: Session, place: Path, facts: dict[str, Any], done: int, log: Log | None, note: Note) -> Outcome:
    config = session.config
    steps, total = config.stage(session.stage).steps, config.training.total_batch
    ahead = _batches(session, range(done, steps))
    if done == 0:
        _validate(session, 0, log)
        _show(session, 0, log)
    loss, saved, began = None, None, time.monotonic()
    for step in range(done, steps):
        start = time.monotonic()

        def tell(share: float, step: int = step, last: float | None = loss) -> None:
            speed = (step - done) / (time.monotonic() - began) if step > done else None
            note(Moment(round((step + share) * total), steps * total, last, speed))

        loss, norm = advance(session, step, ahead, tell)
        seconds = time.monotonic() - start
        if log:
            log.write(step + 1, "train", _measured(session, step, loss, norm, seconds))
        if not math.isfinite(loss):
            raise KineBenchError(
                f"the loss is {loss} at step {step + 1}; lower {section(session.stage)}.learning_rate, or set "
                f'training.precision = "float32". The checkpoints in {place} are whole'
            )
        if (step + 1) % config.saving.validate_every == 0 or step + 1 == steps:
            _validate(session, step + 1, log)
        if (step + 1) % config.saving.every == 0 or step + 1 == steps:
            saved = _save(session, place, facts | {"step": step + 1})
            _show(session, step + 1, log)
    note(Moment(steps * total, steps * total, loss, None))
    return Outcome(saved or checkpoint.found(place)[-1], done, loss)


def _batches(session: Session, steps: range) -> Iterator[dict[str, Any]]:
    config, work = session.config, session.work
    training = config.training
    walk = Walk(session.material.trained, course(config, session.stage), training.seed)
    portions = Portions(steps, training.total_batch, training.device_batch, work.process_index, work.num_processes)
    return batches(walk, portions, training.workers)


def advance(
    session: Session, step: int, ahead: Iterator[dict[str, Any]], tell: Callable[[float], None]
) -> tuple[float, float]:
    """One step of the optimizer: the mean loss over the total batch, and the norm of its gradient before clipping."""
    training, work = session.config.training, session.work
    portions = portion_batches(training.total_batch, training.device_batch, work.num_processes)
    torch.manual_seed(torch_seed(rng(training.seed, TRAINING, step, training.total_batch + work.process_index)))
    total = torch.zeros((), device=work.device)
    for number in range(portions):
        batch = next(ahead)
        places = [divmod(int(place), training.total_batch) for place in batch.pop("number")]
        draw = Draw([rng(training.seed, TRAINING, *place) for place in places])
        with session.apart(last=number + 1 == portions):
            loss = session.loss(batch, draw).mean() / portions
            loss.backward()
        total += loss.detach()
        tell((number + 1) / portions)
    session.share_gradients()
    norm = torch.nn.utils.clip_grad_norm_(session.model.parameters(), training.max_grad_norm)
    session.optimizer.step(_rate(session, step))
    if session.average is not None:
        _follow(session.average, session.model, training.ema_decay)
    return float(work.reduce(total, "mean")), float(whole(norm))


def _rate(session: Session, step: int) -> float:
    """The learning rate of a step."""
    stage = session.config.stage(session.stage)
    return stage.learning_rate * warmth(step, stage.steps, stage.warmup_steps, stage.restarts)


def warmth(step: int, steps: int, warmup: int, cycles: int) -> float:
    """The learning rate of a step, 0 for the first, in parts of the highest: a rise, then cosines from 1 to 0."""
    if step < warmup:
        return (step + 1) / warmup
    gone = (step - warmup) / (steps - warmup) * cycles % 1.0
    return 0.5 * (1 + math.cos(math.pi * gone))


@torch.no_grad()  # type: ignore[untyped-decorator]
def _follow(average: Any, model: Any, decay: float) -> None:
    for mine, theirs in zip(average.parameters(), model.parameters(), strict=True):
        mine.lerp_(theirs, 1 - decay)


def _validate(session: Session, step: int, log: Log | None) -> None:
    clips, training = session.material.held_out, session.config.training
    if not clips.keys:
        return
    courses = validation.ALONE if session.steered is None else validation.STEERED
    with torch.no_grad():
        losses = validation.losses(clips, courses, session.loss, training.seed, training.device_batch, session.work)
    if log:
        log.write(step, "validation", losses)


def _show(session: Session, step: int, log: Log | None) -> None:
    """Sample strips. Every process makes them, for a model may be shared out among all; the first draws them."""
    clips, config = session.material.held_out, session.config
    count, steered = config.saving.strips, session.steered is not None
    try:
        found = strips.strips(clips, session.shown, config.backbone.family, steered, count, config.training.seed)
    except torch.OutOfMemoryError as error:
        raise KineBenchError(
            f"{config.source}: the GPU's memory is full while sample strips are made; set saving.strips = 0. "
            "Checkpoints are whole, and the same command goes on"
        ) from error
    with agreed():
        if log and found:
            log.strips(step, strips.picture(found, f"{session.stage}, step {step}"))


def _measured(session: Session, step: int, loss: float, norm: float, seconds: float) -> dict[str, float]:
    speed = {"seconds": round(seconds, 4), "clips_per_s": round(session.config.training.total_batch / seconds, 4)}
    if session.work.device.type == "cuda":
        speed["memory_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 3)
    return {"loss": loss, "grad_norm": norm, "learning_rate": _rate(session, step), **speed}


def _save(session: Session, place: Path, facts: dict[str, Any]) -> Checkpoint:
    models = {session.part: session.model}
    if session.average is not None:
        models[checkpoint.AVERAGE] = session.average
    family: Any = session.material.family
    beside = (lambda folder: complete(folder, family.codec, family.clip)) if session.steered is None else None
    main, keep = session.work.is_main_process, session.config.saving.keep
    models = {name: plain(model, main) for name, model in models.items()}
    state = collected(session.optimizer.state(), main)
    with agreed():
        if main:
            checkpoint.write(place, facts, card(facts), models, state, keep, beside)
    return Checkpoint(place / checkpoint.name_of(facts["step"]))
