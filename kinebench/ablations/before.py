"""What would end tasks hours from now, and can be told before anything runs."""

import tomllib
from collections.abc import Collection, Mapping

from kinebench.ablations.plan import Plan
from kinebench.ablations.task import Kind
from kinebench.errors import KineBenchError, demand
from kinebench.kinemask import config
from kinebench.methods.readiness import MODULES
from kinebench.metrics import fvd, histogram
from kinebench.metrics.catalogue import Setup, choose

_WANTED: Mapping[Kind, str] = {
    "data": "render",
    "backbone": "diffusion",
    "latents": "diffusion",
    "stage1": "diffusion",
    "stage2": "diffusion",
    "videos": "diffusion",
    "scores": "score",
}
_FRAMES = {"fvd": fvd.MIN_FRAMES, "fvmd": histogram.FRAMES, "fvmd_lk": histogram.FRAMES}
"""That a clip must have, by meter."""


def demand_configurations(plan: Plan) -> None:
    """Raises KineBenchError if a training of a plan cannot be configured as its scale says, or has too few clips."""
    clips = {task.id: task.units for task in plan.tasks if task.kind == "data"}
    for task in plan.tasks:
        if task.command[0] == "train":
            for content in task.files.values():
                found = config.parse(tomllib.loads(content), f"{plan.scale.source}: {task.title}")
                fewest = min((clips[need] for need in task.needs if need in clips), default=None)
                if fewest is not None and found.data.held_out >= fewest:
                    raise KineBenchError(
                        f"{plan.scale.source}: config.data.held_out keeps {found.data.held_out} clips from training, "
                        f"and there are {fewest}: {task.title}"
                    )


def demand_measurable(plan: Plan) -> None:
    """Raises KineBenchError if a metric of the scale has nothing to measure in the test clips of a table."""
    scale = plan.scale
    meters, wanted = choose(scale.metrics, Setup())
    for table in plan.tables:
        recipe = scale.data[table.test].recipe
        for meter in meters:
            names = [metric for metric in meter.metrics if metric.name in wanted]
            said = f"{scale.source}: metrics: {', '.join(metric.name for metric in names)}"
            if recipe.video.frames < (least := _FRAMES.get(meter.name, 0)):
                raise KineBenchError(
                    f"{said}: clips of {least} frames are the least, and those of {recipe.dataset.title} have "
                    f"{recipe.video.frames}; leave it out"
                )
            groups = [metric.name for metric in names if metric.scope == "group"]
            if groups and recipe.counterfactual is None:
                raise KineBenchError(
                    f"{scale.source}: metrics: {', '.join(groups)}: this is of counterfactual groups, and "
                    f"{recipe.dataset.title} has none; leave it out"
                )


def demand_packages(kinds: Collection[Kind]) -> None:
    """Raises MissingExtra for the first package that tasks of these kinds import and that is not there."""
    for extra in sorted({_WANTED[kind] for kind in kinds}):
        for module in MODULES[extra]:
            demand(module, extra)
