"""What has to be done for tables at a scale: tasks in an order in which they can be done, each of them once.

Tables share whatever is the same: a dataset, a backbone, the first stage of two trainings. Tasks find each other by ids
that hold a hash of what decides the outcome, so a folder can be shared by all tables, and by changed ones.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from kinebench.ablations.scale import BackboneSpec, Data, Scale
from kinebench.ablations.table import Backbone, DataRole, Row, Table, Training
from kinebench.ablations.task import Kind, Task
from kinebench.errors import KineBenchError
from kinebench.kinemask.config import Saving, StageName
from kinebench.methods import method as methods
from kinebench.metrics.catalogue import Setup, choose

ALONE = {"cogvideox": "cogvideox", "wan": "wan", "small": "small"}
STEERED = {"cogvideox": "kinemask", "wan": "kinemask_wan", "small": "kinemask_small"}
TOLD_ALL = "kinemask_full"
"""Methods by family: without a branch, with one, and with one that is told the masks of all frames."""

LATENTS = "latents"
"""Where what precompute makes is kept."""
SECTIONS = ("branch", "training", "saving")
SCORES_MB = 0.1


@dataclass(frozen=True)
class Cell:
    """A row with one seed: what makes its videos and its scores."""

    table: str
    row: str
    seed: int
    videos: str  # ids of tasks
    scores: str


@dataclass(frozen=True)
class Plan:
    """Everything that some tables need."""

    tables: tuple[Table, ...]
    scale: Scale
    tasks: tuple[Task, ...]  # each after what it needs
    cells: tuple[Cell, ...]

    def task(self, name: str) -> Task:
        """A task by its id."""
        return next(task for task in self.tasks if task.id == name)


def plan(tables: Sequence[Table], scale: Scale) -> Plan:
    """All tasks of these tables. Raises KineBenchError if a table asks for what the scale does not have."""
    work = _Work(scale)
    cells = [work.cell(table, row, seed) for table in tables for row in table.rows for seed in scale.seeds]
    return Plan(tuple(tables), scale, tuple(work.tasks.values()), tuple(cells))


@dataclass
class _Work:
    """Tasks by id, as they are asked for."""

    scale: Scale
    tasks: dict[str, Task] = field(default_factory=dict)

    def cell(self, table: Table, row: Row, seed: int) -> Cell:
        videos = self.videos(table, row, seed)
        return Cell(table.name, row.id, seed, videos.id, self.scores(table, row, seed, videos).id)

    def data(self, role: DataRole, split: str) -> Task:
        data = self._data(role)
        recipe = data.recipe
        clips = data.train if split == "train" else data.test
        name = f"{recipe.dataset.name}-{split}"
        spec = {"recipe": recipe.sha256, "split": split, "clips": clips}
        ident = _ident("data", name, spec)
        made, file = f"data/{name}-{_tail(ident)}", f"recipes/{recipe.dataset.name}-{recipe.sha256[:8]}.toml"
        return self._add(
            Task(
                id=ident,
                kind="data",
                title=f"{clips} clips of {recipe.dataset.title}, {split}",
                command=("generate", file, "--split", split, "--count", str(clips), "--out", made),
                made=made,
                needs=(),
                units=clips,
                seconds=clips * data.clip_s,
                megabytes=clips * data.clip_mb,
                whole=True,
                like=recipe.dataset.name,
                files={file: _toml(recipe.record)},
            )
        )

    def backbone(self, role: Backbone) -> Task | None:
        """None: it is published."""
        model = self._backbone(role)
        if model.pretraining is None:
            return None
        needs = [self.data(each, "train") for each in get_args(DataRole) if each in self.scale.data]
        config = self._config(role) | {"pretraining": dict(model.pretraining)}
        ident = _ident("backbone", role, {"config": config, "needs": [task.id for task in needs]})
        made, file = f"backbones/{role}-{_tail(ident)}", f"backbones/{role}-{_tail(ident)}.toml"
        config["backbone"] = {"family": model.family, "weights": made}
        config["data"] = {**config["data"], "folder": [task.made for task in needs], "cache": LATENTS}
        steps = int(model.pretraining["steps"])
        return self._add(
            Task(
                id=ident,
                kind="backbone",
                title=f"{model.title}, trained on captions alone",
                command=("train", "backbone", file),
                made=made,
                needs=tuple(task.id for task in needs),
                units=steps,
                seconds=steps * model.pretraining_step_s,
                megabytes=(self._checkpoints(steps) + 1) * model.backbone_mb,
                memory_gb=model.memory_gb,
                like=role,
                files={file: _toml(config)},
            )
        )

    def latents(self, training: Training) -> Task:
        model, data = self._backbone(training.backbone), self.data(training.data, "train")
        backbone = self.backbone(training.backbone)
        needs = [task for task in (backbone, data) if task]
        config = self._config(training.backbone, training)
        del config["data"]["encoding"]  # of masks, which are made as they are needed
        own = {"precision": config["training"]["precision"]} if "precision" in config["training"] else {}
        spec = {
            "data": config["data"],
            "backbone": config["backbone"] | _published(model) | own,
            "needs": [task.id for task in needs],
        }
        name = f"{training.backbone}-{training.data}-{training.caption}"
        ident = _ident("latents", name, spec)
        file = f"{LATENTS}/{name}-{_tail(ident)}.toml"
        clips = data.units * (2 if config["data"].get("mirror") else 1)
        prompts = clips if training.caption == "c" else 1
        like = f"{training.backbone}-{training.data}"
        # Another training of these clips has their latents made, and this one adds its captions.
        found = (each for each in self.tasks.values() if each.kind == "latents" and each.like == like)
        first = next((each.id for each in found if each.id != ident), None)
        return self._add(
            Task(
                id=ident,
                kind="latents",
                title=f"latents of {data.title.removesuffix(', train')} for {model.title}",
                command=("train", "precompute", file),
                made=LATENTS,
                needs=tuple(task.id for task in needs),
                units=clips,
                seconds=0.0 if first else clips * model.latents_s,
                megabytes=prompts * model.prompt_mb + (0.0 if first else clips * model.latents_mb),
                after=(first,) if first else (),
                like=f"{like}-captions" if first else like,
                files={file: _toml(self._placed(config, backbone, [data]))},
            )
        )

    def stages(self, training: Training, seed: int, count: int | None = None) -> Task:
        """The last of its first `count` stages."""
        model, data = self._backbone(training.backbone), self.data(training.data, "train")
        backbone, latents = self.backbone(training.backbone), self.latents(training)
        last: Task | None = None
        before: dict[str, Any] = {}  # its earlier stages, in which the trainer sees whether the first is done
        for number, kept in list(enumerate(training.stages))[:count]:
            stage: StageName = "stage1" if number == 0 and training.stage1 is not None else "stage2"
            config = self._config(training.backbone, training)
            own = self._stage(training, stage, kept, training.lengths[number])
            config |= {stage: own, "training": {**config["training"], "seed": seed}}
            needs = [task for task in (latents, last) if task]
            name = f"{_said(training, number)}-seed{seed}"
            ident = _ident(stage, name, {"config": config, "needs": [task.id for task in needs]})
            made = f"branches/{name}-{_tail(ident)}"
            begun = ("--start", f"{last.made}/stage1") if last else ()
            last = self._add(
                Task(
                    id=ident,
                    kind=stage,
                    title=f"{_told(training, number)}, {own['steps']} steps, seed {seed}",
                    command=("train", stage, f"{made}/config.toml", "--out", made, *begun),
                    made=made,
                    needs=tuple(task.id for task in needs),
                    units=own["steps"],
                    seconds=own["steps"] * model.step_s,
                    megabytes=self._checkpoints(own["steps"]) * model.branch_mb,
                    memory_gb=model.memory_gb,
                    like=training.backbone,
                    files={f"{made}/config.toml": _toml(self._placed(before | config, backbone, [data]))},
                )
            )
            before[stage] = own
        assert last is not None  # a training has a stage
        return last

    def videos(self, table: Table, row: Row, seed: int) -> Task:
        role = table.backbone(row)
        model, data, backbone = self._backbone(role), self.data(table.test, "test"), self.backbone(role)
        branch = self.stages(table.trainings[row.training], seed, row.stage) if row.training else None
        method = ALONE[model.family] if not branch else STEERED[model.family] if row.told == "first" else TOLD_ALL
        needs = [task for task in (data, backbone, branch) if task]
        spec = {"method": _versioned(method), "prompt": row.prompt, "seed": seed, "needs": [task.id for task in needs]}
        spec |= _published(model)
        who = _name(branch) if branch else f"{role}-seed{seed}"
        name = f"{who}-{row.prompt}" + ("-told_all" if row.told == "all" else "")
        ident = _ident("videos", name, spec)
        made = f"videos/{name}-{_tail(ident)}"
        weights: tuple[str, ...] = ("--weights", f"model={backbone.made}") if backbone else ()
        if branch:
            weights += ("--weights", f"branch={branch.made}/{branch.kind}/step-{branch.units:06d}")
        options = ("--prompt", row.prompt, "--seed", str(seed))
        return self._add(
            Task(
                id=ident,
                kind="videos",
                title=f"{row.label}, seed {seed}",
                command=("run", method, "--data", data.made, "--out", made, *options, *weights),
                made=made,
                needs=tuple(task.id for task in needs),
                units=data.units,
                seconds=data.units * model.video_s,
                megabytes=data.units * model.video_mb,
                memory_gb=model.memory_gb,
                like=f"{role}-{method}",
            )
        )

    def scores(self, table: Table, row: Row, seed: int, videos: Task) -> Task:
        data, metrics = self.data(table.test, "test"), self.scale.metrics
        spec = {"versions": metric_versions(metrics), "needs": [videos.id]}
        name = _name(videos)
        ident = _ident("scores", name, spec)
        made = f"scores/{name}-{_tail(ident)}.json"
        return self._add(
            Task(
                id=ident,
                kind="scores",
                title=f"{row.label}, seed {seed}",
                command=(
                    *("score", videos.made, "--data", data.made, "--metrics", ",".join(metrics), "--out", made),
                    *("--workers", "1"),
                ),
                made=made,
                needs=(data.id, videos.id),
                units=data.units,
                seconds=data.units * self.scale.score_s,
                megabytes=SCORES_MB,
                like=table.test,
            )
        )

    def _add(self, task: Task) -> Task:
        return self.tasks.setdefault(task.id, task)

    def _data(self, role: DataRole) -> Data:
        if role not in self.scale.data:
            raise KineBenchError(f"{self.scale.source}: data: there is no {role}, which a table asks for")
        return self.scale.data[role]

    def _backbone(self, role: Backbone) -> BackboneSpec:
        if role not in self.scale.backbones:
            raise KineBenchError(f"{self.scale.source}: backbones: there is no {role}, which a table asks for")
        return self.scale.backbones[role]

    def _config(self, role: Backbone, training: Training | None = None) -> dict[str, Any]:
        """What decides a training, and not where anything lies."""
        model = self._backbone(role)
        told = {"caption": training.caption, "encoding": training.encoding} if training else {}
        size = {"size": list(model.size)} if model.size else {}
        common = {name: dict(self.scale.config.get(name, {})) for name in SECTIONS}
        return {
            "backbone": {"family": model.family},
            "data": {**self.scale.config.get("data", {}), **size, **told},
            **common,
        }

    def _placed(self, config: dict[str, Any], backbone: Task | None, data: Sequence[Task]) -> dict[str, Any]:
        """The same with the folders in which things lie."""
        weights = {"weights": backbone.made} if backbone else {}
        folder = {"folder": data[0].made, "cache": LATENTS}
        return {**config, "backbone": {**config["backbone"], **weights}, "data": {**config["data"], **folder}}

    def _stage(self, training: Training, stage: StageName, kept: str, length: int) -> dict[str, Any]:
        """A second stage alone is trained as a first one is, since it starts where a first one does."""
        alone = stage == "stage2" and training.stage1 is None
        row = dict(self.scale.config["stage1" if alone else stage])
        steps = int(self.scale.config[stage]["steps"]) * length
        start = {} if stage == "stage1" else {"start": "backbone" if alone else "stage1"}
        return {**row, "truncation": kept, "steps": steps, **start}

    def _checkpoints(self, steps: int) -> int:
        """How many of a training stay on the disk."""
        saving = {**asdict(Saving()), **self.scale.config.get("saving", {})}
        return min(int(saving["keep"]), -(-steps // int(saving["every"])))


def _said(training: Training, number: int) -> str:
    """A training up to one of its stages, for the name of a folder."""
    parts = [training.backbone, training.data, training.caption, training.encoding, *training.stages[: number + 1]]
    long = training.lengths[number]
    return "-".join([*parts, *([f"x{long}"] if long > 1 else [])])


def _told(training: Training, number: int) -> str:
    """The same for people."""
    names = {"simple_motion": "Simple Motion", "interactions": "Interactions"}
    encoding = ", v_0" if training.encoding == "v_0" else ""
    before = "".join(f"{each} then " for each in training.stages[:number])
    wan = ", Wan" if training.backbone == "wan" else ""
    return f"{names[training.data]}, {training.caption}{encoding}{wan}: {before}{training.stages[number]} masks"


def metric_versions(names: Sequence[str]) -> dict[str, int]:
    """Of these metrics and of what their meters measure beside them: scorecards that differ in any do not compare.

    Raises KineBenchError for a name that is none.
    """
    meters, _ = choose(names, Setup())
    return {metric.name: metric.version for meter in meters for metric in meter.metrics}


def _versioned(method: str) -> str:
    """A method's name, with its version if that is not the first, 1.0.0."""
    version = methods.find(method).version
    return method if version == "1.0.0" else f"{method} {version}"


def _published(model: BackboneSpec) -> dict[str, str | None]:
    """Which of the published weights a backbone is; nothing if it is made here."""
    if model.pretraining is not None:
        return {}
    return {"revision": methods.find(ALONE[model.family]).weights["model"].revision}


def _ident(kind: Kind, name: str, spec: Mapping[str, Any]) -> str:
    text = json.dumps([kind, spec], sort_keys=True)
    return f"{kind}-{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _name(task: Task) -> str:
    """What stands between kind and hash of its id."""
    return task.id.removeprefix(f"{task.kind}-").rpartition("-")[0]


def _tail(ident: str) -> str:
    return ident.rpartition("-")[2]


def _toml(table: Mapping[str, Any]) -> str:
    import tomli_w

    return tomli_w.dumps(dict(table))
