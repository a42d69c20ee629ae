"""What a stage works with: the model that is trained, what it is trained on, and its optimizer."""

import contextlib
import copy
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinebench.kinemask import checkpoint
from kinebench.kinemask.batches import painted
from kinebench.kinemask.branch.attach import attached
from kinebench.kinemask.checkpoint import Checkpoint
from kinebench.kinemask.config import Config, StageName
from kinebench.kinemask.draw import INITIAL, Draw, rng, torch_seed
from kinebench.kinemask.families.parts import Parts
from kinebench.kinemask.material import Material
from kinebench.kinemask.optimizer import Optimizer
from kinebench.kinemask.sharding import blocks, share_out

_VARIANTS = 64
"""So often blocks of one kind may be compiled: of branch and backbone, with gradients and without, the first and those
after it. Beyond what torch is content with, some would run uncompiled."""


@dataclass
class Session:
    """A stage at work. The trained model is a branch beside a frozen backbone, or a small backbone itself."""

    config: Config
    stage: StageName
    work: Any  # accelerate's
    material: Material
    model: Any
    steered: Any  # the branch, wrapped if there are several processes with a whole one each; None: there is none
    optimizer: Optimizer
    average: Any  # the model with averaged weights, or None

    @property
    def part(self) -> str:
        """What the model is called in a checkpoint."""
        return checkpoint.CONTROL if self.steered is not None else checkpoint.TRANSFORMER

    def loss(self, batch: dict[str, Any], draw: Draw) -> Tensor:
        """The loss of each clip of a batch, (B,)."""
        family, batch = self.material.family, self._placed(batch)
        with self._steering(batch, self.steered):
            return family.loss(batch, draw)

    def shown(self, batch: dict[str, Any], first: NDArray[np.uint8], steps: int, draw: Draw) -> NDArray[np.uint8]:
        """What `Family.shown` makes with the trained model: with its averaged weights, where they are kept."""
        family, batch = self.material.family, self._placed(batch)
        if self.steered is None and self.average is not None:
            family = copy.copy(family)
            family.transformer = self.average  # type: ignore[misc]
        with self._steering(batch, self.steered if self.average is None else self.average):
            return family.shown(batch, first, steps, draw)

    def _placed(self, batch: dict[str, Any]) -> dict[str, Any]:
        device = self.work.device
        return {name: value.to(device, non_blocking=True) for name, value in batch.items() if name != "key"}

    def _steering(self, batch: dict[str, Any], branch: Any) -> AbstractContextManager[Any]:
        """In the block the backbone hears a branch, told the masks of a batch; or is trained itself, and hears none."""
        if self.steered is None:
            return self._lower()

        def lowered(*args: Any, **named: Any) -> tuple[Tensor, ...]:
            with self._lower():
                return branch(*args, **named)

        masks = painted(batch.pop("ids"), batch.pop("table"))
        return attached(self.material.family.transformer, lowered, masks, self.config.branch.weight)

    def _lower(self) -> AbstractContextManager[Any]:
        """In bfloat16 over float32 weights, if that is asked for; a frozen backbone is in bfloat16 itself then."""
        lower = self.config.training.precision == "bfloat16"
        return torch.autocast(self.work.device.type, torch.bfloat16, enabled=lower)

    @property
    def _shared_out(self) -> bool:
        return self.config.training.sharding and self.work.num_processes > 1

    def apart(self, last: bool) -> AbstractContextManager[Any]:
        """In the block gradients stay where they are, unless it is the `last` batch of a step."""
        if self._shared_out:
            self.model.set_requires_gradient_sync(last)
        elif not last and self.steered is not None:
            return self.work.no_sync(self.steered)  # type: ignore[no-any-return]
        return contextlib.nullcontext()

    def share_gradients(self) -> None:
        """Mean gradients of all processes; a branch that is wrapped or shared out has them already."""
        if self.steered is None and self.work.num_processes > 1 and not self._shared_out:
            for parameter in self.model.parameters():
                parameter.grad = self.work.reduce(parameter.grad, "mean")


def session(config: Config, stage: StageName, work: Any, material: Material, start: Checkpoint | None) -> Session:
    """A stage that goes on from a checkpoint, of its own or of the stage before, or starts with something new.

    Raises KineBenchError if the checkpoint is damaged, or the branch is larger than the backbone.
    """
    family, training = material.family, config.training
    mine = start is not None and start.facts["stage"] == stage
    if stage == "backbone":
        model = family.transformer.requires_grad_(True)
    else:
        model = start.branch(family.control, family.transformer) if start else new_branch(config, family)
    average = None
    if training.ema_decay:
        average = _averaged(start, stage, model, family) if start and mine and start.step else copy.deepcopy(model)
        average.requires_grad_(False)
    model.train()
    running = [model] if model is family.transformer else [model, family.transformer]
    if training.checkpointing:
        for each in running:
            each.enable_gradient_checkpointing()
    if training.compile:
        _compile([block for each in running for block in blocks(each)])
    sharded = training.sharding and work.num_processes > 1
    every = running if average is None else [*running, average]
    if sharded:
        share_out(every, work.device, work.num_processes)
    else:
        for each in every:
            each.to(work.device)
    optimizer = Optimizer(model, training.optimizer, training.betas, training.weight_decay)
    if start and mine and start.step:
        start.restore(optimizer)
    steered = None if stage == "backbone" else model if sharded else work.prepare_model(model)
    return Session(config, stage, work, material, model, steered, optimizer, average)


def _compile(every: list[Any]) -> None:
    """What blocks do, without the hooks around them: those are others in every step."""
    torch._dynamo.config.recompile_limit = _VARIANTS
    for block in every:
        block.forward = torch.compile(block.forward)


def _averaged(start: Checkpoint, stage: StageName, model: Any, family: Any) -> Any:
    if stage == "backbone":
        return Parts(start.folder, "cpu", "float32").frozen(checkpoint.AVERAGE, type(model))
    return start.branch(family.control, family.transformer, checkpoint.AVERAGE)


def new_branch(config: Config, family: Any) -> Any:
    """A branch whose own parts are drawn by the seed; the rest is the backbone's."""
    options: dict[str, Any] = {
        "num_layers": config.branch.layers,
        "unshuffle": family.pixel,
        "mask_width": config.branch.mask_width,
        "mask_channels": config.branch.mask_channels,
        "norm": config.branch.norm,
        "zero_init": config.branch.zero_init,
    }
    if family.architecture == "cogvideox":
        options["image_latents"] = config.branch.image_latents
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(rng(config.training.seed, INITIAL)))
        return family.control.on(family.transformer, **options).float()
