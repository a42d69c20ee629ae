"""A plan as commands that somebody may run by hand: elsewhere, by another scheduler, in any order that fits."""

import shlex
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from kinebench.ablations.plan import Plan
from kinebench.ablations.task import Kind, Task
from kinebench.errors import KineBenchError
from kinebench.shards.files import disk_room, write_atomic

GROUPS: Mapping[str, tuple[Kind, ...]] = {
    "data": ("data",),
    "backbones": ("backbone",),
    "latents": ("latents",),
    "stages": ("stage1", "stage2"),
    "videos": ("videos",),
    "scores": ("scores",),
}


def script(plan: Plan, out: Path, done: Collection[str] = ()) -> str:
    """A shell script that does all of a plan in the folder `out`, where `lay_out` has put what it reads.

    Tasks whose ids are in `done` are comments.
    """
    parts = [f"cd {shlex.quote(str(out))}"]
    for name, kinds in GROUPS.items():
        tasks = [task for task in plan.tasks if task.kind in kinds]
        if tasks:
            rows = [
                f"{'# done: ' if task.id in done else ''}{shlex.join(('kinebench', *task.command))}" for task in tasks
            ]
            parts.append("\n".join([f"# {name}", *rows]))
    return "\n\n".join(parts) + "\n"


def lay_out(tasks: Iterable[Task], out: Path) -> None:
    """Write the files that commands read, recipes and configurations, and make the folders that they want to be there.

    Raises KineBenchError if the disk is full, or `out` cannot be written.
    """
    try:
        for task in tasks:
            for name, content in task.files.items():
                path, data = out / name, content.encode()
                with disk_room("writing what tasks read", path.parent, len(data)):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    if not path.exists() or path.read_bytes() != data:
                        write_atomic(path, data)
            (out / task.made).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KineBenchError(f"{out} cannot be written: {error.strerror}; name another --out") from error
