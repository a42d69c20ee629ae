"""What a table's experiment was, and how far its numbers reach, in sentences that need no knowledge of the code."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kinebench.ablations import scale as scales
from kinebench.ablations import table as tables
from kinebench.ablations import wording
from kinebench.ablations.plan import Plan
from kinebench.ablations.results import Results
from kinebench.ablations.scale import BackboneSpec, Scale
from kinebench.ablations.table import Table, Training

_KEPT = {
    "full": "the velocities of all frames",
    "early": "those of a clip's beginning, mostly a short one",
    "uniform": "those of a clip's beginning of any length",
    "collision": "those up to about a collision",
    "first": "those of the first frame",
}

_WORK = {
    "rendering": ("data",),
    "backbones": ("backbone",),
    "latents": ("latents",),
    "branches": ("stage1", "stage2"),
    "videos": ("videos",),
    "scores": ("scores",),
}
"""Kinds of tasks, for people."""


def account(plan: Plan, table: Table) -> tuple[str, ...]:
    """What was asked of each row, what was trained on what, and what it was judged by."""
    scale = plan.scale
    test, video = scale.data[table.test], scale.data[table.test].recipe.record["video"]
    made = (
        f"Every row makes videos of {video['frames']} frames at {video['width']}x{video['height']} from a first frame, "
        "a few words and, where a branch is trained, the velocities of the objects that move in that frame."
    )
    judged = (
        f"Videos are held against {test.test:,} test clips of {test.recipe.dataset.title}, of colours and grounds that "
        f"no training saw. {_times(scale, table)}"
    )
    models = [scale.backbones[role] for role in dict.fromkeys(table.backbone(row) for row in table.rows)]
    return tuple(each for each in (made, _backbones(models), _branches(scale, table, len(models)), judged) if each)


def _times(scale: Scale, table: Table) -> str:
    """How often what was done."""
    count = len(scale.seeds)
    often = f"{count} times, each time with other random numbers" if count > 1 else "once"
    if not any(row.training for row in table.rows):
        return f"Each row's videos were made {often}."
    return f"Each branch was trained {often}, and made its videos as often."


def _backbones(models: Sequence[BackboneSpec]) -> str:
    verb = "s are" if len(models) > 1 else " is"
    origins = {_origin(model) for model in models}
    if len(origins) == 1:
        each = "each " if len(models) > 1 else ""
        return f"The video model{verb} {_listed(model.title for model in models)}, {each}{origins.pop()}."
    return f"The video model{verb} {'; '.join(f'{model.title}, {_origin(model)}' for model in models)}."


def _origin(model: BackboneSpec) -> str:
    if model.pretraining is None:
        return "as it is published"
    return f"trained here on clips and captions alone for {int(model.pretraining['steps']):,} steps"


def _branches(scale: Scale, table: Table, models: int) -> str:
    """On what branches were trained, and what their stages were told."""
    used = [table.trainings[row.training] for row in table.rows if row.training]
    if not used:
        return ""
    roles = list(dict.fromkeys(training.data for training in used))
    clips = _listed([f"{scale.data[role].train:,} clips of {scale.data[role].recipe.dataset.title}" for role in roles])
    between = "or on " if len(roles) > 1 else ""
    clips = clips.replace(" and ", f" {between}") if between else clips
    beside = "Beside it, which stays as it is," if models == 1 else "Beside each, which stays as it is,"
    mixed = len({len(training.stages) for training in used}) > 1
    others = " Rows and steps tell where one was trained otherwise." if mixed else ""
    return f"{beside} a control branch was trained on {clips}: {_stages(scale, used)}.{others}"


def _stages(scale: Scale, trainings: list[Training]) -> str:
    """What the longest trainings were told, stage by stage; how others differ, rows say."""
    most = max(len(training.stages) for training in trainings)
    longest = [training for training in trainings if len(training.stages) == most]
    parts = []
    for stage in range(most):
        steps = int(scale.config["stage1" if stage == 0 and longest[0].stage1 else "stage2"]["steps"])
        kept = {training.stages[stage] for training in longest}
        parts.append(f"{_KEPT[kept.pop()] if len(kept) == 1 else 'what each row says'} ({steps:,} steps)")
    if most == 1:
        return f"it was told {parts[0]}"
    return f"first it was told {parts[0]}, then {parts[1]}, so that the first frame's are enough in the end"


def limits(plan: Plan) -> str:
    """What the numbers are not."""
    title = f"Scale: {plan.scale.title}."
    if any(model.pretraining is not None for model in plan.scale.backbones.values()):
        return (
            f"{title} Numbers show whether a choice matters there; the paper's are of far larger models and of other "
            "clips, and only the order of rows can be held against them."
        )
    return f"{title} Clips are KineBench's own; those of the paper, and its trained weights, are not public."


def repeat(plan: Plan, table: Table) -> tuple[str, ...]:
    """The commands that do it again: by name if that says it all, and from its record."""
    known = tables.built_in().get(table.name), scales.built_in().get(plan.scale.name)
    named = (
        all(known)
        and tables.load(table.name).content == table.content
        and scales.load(plan.scale.name).content == plan.scale.content
    )
    by_name = (f"kinebench ablate {table.name} --scale {plan.scale.name}",) if named else ()
    return (*by_name, "kinebench ablate run.json --out again")


def _listed(parts: Iterable[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def facts(results: Results, told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Seeds, data, versions, machines and time, as run.json has them."""
    went = [task for task in told["tasks"] if task["went"]]
    machines = [task["went"]["machine"] for task in went] or [told["machine"]]
    named = dict.fromkeys(", ".join(_machine(each)) for each in machines)
    data = [
        f"{name} (recipe {each['recipe_sha256'][:12]}, content {each['sha256'][:12]})"
        for name, each in told["datasets"].items()
    ]
    found = (
        ("seeds", ", ".join(map(str, results.seeds))),
        ("clips", "; ".join(data)),
        ("versions", ", ".join(_versions(told))),
        ("metrics", ", ".join(f"{name} {version}" for name, version in told["metrics"].items())),
        ("machine", "; ".join(named)),
        ("time of all tasks", ", ".join(_spent(went))),
    )
    return tuple((name, text) for name, text in found if text)


def _machine(told: Mapping[str, str]) -> Iterator[str]:
    for name, value in told.items():
        yield f"{value} {name}" if name in ("cores", "memory") else value


def _versions(told: Mapping[str, Any]) -> Iterator[str]:
    """Of what made the tasks; where they were made with several, all of them."""
    made = [task["went"]["versions"] for task in told["tasks"] if task["went"]] or [told["versions"]]
    for name in dict.fromkeys(name for each in made for name in each):
        yield f"{name} {_listed(dict.fromkeys(each[name] for each in made if name in each))}"


def _spent(went: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """By what was done."""
    for what, kinds in _WORK.items():
        if spent := [task["went"]["seconds"] for task in went if task["kind"] in kinds]:
            yield f"{what} {wording.duration(sum(spent))}"
