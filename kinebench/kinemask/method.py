"""Backbones and branches as methods of the benchmark: what their folders in `baselines/` have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinebench.errors import KineBenchError
from kinebench.kinemask import steering
from kinebench.kinemask.families import Name
from kinebench.kinemask.pipeline import KineMaskPipeline
from kinebench.kinemask.samplers import open_sampler
from kinebench.kinemask.trained import Trained, read
from kinebench.methods import in_process
from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition, DrivenObject
from kinebench.methods.diffusion import weights
from kinebench.methods.ground_truth import GroundTruth, ground_truth
from kinebench.methods.method import Method, find
from kinebench.methods.placement import Size
from kinebench.methods.video import Video
from kinebench.scene.scene import Vector

OWN = "own"
"""What an option says that leaves the choice to the backbone."""


@dataclass(frozen=True, eq=False)
class Told:
    """A method that is told what its condition says: of the first frame alone."""

    pipeline: KineMaskPipeline
    options: Mapping[str, Any]

    def generate(self, condition: Condition, seed: int) -> Video:
        """The clip's frames; those that are made beyond them are dropped."""
        told: dict[str, Any] = {}
        facts: dict[str, Any] = {}
        if self.pipeline.trained is not None:
            velocities = [_velocity(driven) for driven in condition.driven]
            told = {"masks": [driven.mask for driven in condition.driven], "velocities": velocities}
            facts = _saturated(condition, velocities, self.pipeline.trained.v_max_mps)
        asked = {"frames": condition.frames, "steps": self.options["steps"]}
        made = self.pipeline(condition.first_frame, condition.prompt, **told, **asked, seeds=(seed,))
        return Video(made[0], facts=self.pipeline.facts(condition.first_frame, condition.prompt, **asked) | facts)


def backbone(family: Name, setup: Setup, tiny: Callable[[Any], Any]) -> Told:
    """A backbone alone. `tiny` makes a small one of a tokenizer, for checks."""
    options = setup.options
    with weights(setup, "model", tiny) as folder:
        sampler = open_sampler(
            family,
            folder,
            device=setup.device,
            dtype=options["dtype"],  # type: ignore[arg-type]  # method.toml has its choices
            offload=str(options.get("offload", "none")),
        )
    return Told(KineMaskPipeline(sampler), options)


def steered(method: Method, family: Name, setup: Setup) -> Told:
    """The method of that family's name, and a branch from a checkpoint; nothing else differs.

    Raises KineBenchError if the branch was trained at another size than the method is given clips at.
    """
    if setup.tiny:
        alone: Any = in_process.load(find(family), setup)
        return Told(_stirred(alone.pipeline, method.size(tiny=True)), setup.options)
    trained, native = read(setup.weights("branch")), method.native.size
    trained.demand(family)
    if native is not None and trained.size != native:
        raise KineBenchError(
            f"{trained.folder} was trained at data.size = {list(trained.size)}, and {method.name} is given clips at "
            f"{native[0]}x{native[1]}; train it with data.size = {list(native)}"
        )
    alone = in_process.load(find(family), setup)
    return Told(alone.pipeline.steered(trained), setup.options)


@dataclass(frozen=True, eq=False)
class ToldAll:
    """A branch that looks at the truth: it is told the velocity masks of all frames."""

    pipeline: KineMaskPipeline
    truth: GroundTruth
    steps: int | None

    def generate(self, condition: Condition, seed: int) -> Video:
        """Fitted into the size that the branch was trained at."""
        trained = self.pipeline.trained
        assert trained is not None
        if condition.frames != trained.frames:
            raise KineBenchError(
                f"this branch was trained on clips of {trained.frames} frames, and the clip has {condition.frames}"
            )
        given, place = condition.fitted(trained.size)
        masks = steering.of_clip(self.truth[condition.key], trained.size, trained.encoding)
        made = self.pipeline(given.first_frame, given.prompt, velocity_masks=masks, seeds=(seed,), steps=self.steps)
        facts = self.pipeline.facts(given.first_frame, given.prompt, steps=self.steps)
        return Video(made[0], placement=place, facts=facts)


def told_all(setup: Setup) -> ToldAll:
    """Of whatever family the checkpoint is."""
    truth, options = ground_truth(setup), setup.options
    pipeline = KineMaskPipeline.from_pretrained(
        setup.weights("branch"),
        backbone=setup.weights("model"),
        device=setup.device,
        dtype=None if options["dtype"] == OWN else options["dtype"],  # type: ignore[arg-type]
        offload=str(options["offload"]),
    )
    return ToldAll(pipeline, truth, int(options["steps"]) or None)


def _velocity(driven: DrivenObject) -> Vector:
    if driven.velocity_mps is None:
        raise KineBenchError(f"the velocity of object {driven.id} is not known in m/s; give the picture a camera")
    return driven.velocity_mps


def _saturated(condition: Condition, velocities: list[Vector], v_max_mps: float) -> dict[str, Any]:
    """Which objects are faster along an axis than a mask can say."""
    fast = [
        driven.id
        for driven, velocity in zip(condition.driven, velocities, strict=True)
        if np.abs(velocity).max() > v_max_mps
    ]
    return {"saturated": fast} if fast else {}


def _stirred(alone: KineMaskPipeline, size: Size | None) -> KineMaskPipeline:
    """With a branch that has learnt nothing, but speaks."""
    import torch

    sampler = alone.sampler
    assert size is not None
    frames = sampler.makes(size, None)
    trained = Trained(sampler.name, 0.5, 2.0, size, frames, "v_t", "not at all")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        branch = sampler.control.on(sampler.transformer, num_layers=1, mask_width=8, mask_channels=4, zero_init=False)
    return alone.with_branch(branch, trained)
