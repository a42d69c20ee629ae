"""What is to be in a dataset folder, written down beside its finished samples, so that packing needs no recipe.

Every plan is a file of its own that is never changed, so that any number of workers may write theirs at once. The
largest count of a split holds; a smaller one is part of it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.shards.files import disk_room, write_atomic
from kinebench.shards.sample import COMPANIONS, MEMBERS, key_of
from kinebench.shards.spool import FOLDER


@dataclass(frozen=True)
class Plan:
    """Samples 0..count-1 of a split: the same on any machine."""

    dataset: str
    recipe: dict[str, Any]  # plain content
    recipe_sha256: str
    seed: int
    split: str
    count: int
    companions: tuple[str, ...]
    source: str = ""  # file of the recipe on this machine; not written down

    @property
    def keys(self) -> tuple[str, ...]:
        """In order of index."""
        return tuple(key_of(self.recipe, self.split, index, self.seed) for index in range(self.count))

    @property
    def members(self) -> tuple[str, ...]:
        """The members every sample must have."""
        return MEMBERS + tuple(member for name in self.companions for member in COMPANIONS[name])


def announce(out_dir: Path, plan: Plan) -> None:
    """Write a plan down in a folder that is bound to its recipe.

    Raises KineBenchError, and leaves nothing behind, if it contradicts another plan for the folder.
    """
    check_planned(out_dir, plan)
    path = plan_path(out_dir, plan)
    if path.exists():
        return
    with disk_room("writing the plan", path.parent, 16_384):
        write_atomic(path, _dump(plan))
    try:
        _agree(out_dir, _plans(out_dir))
    except KineBenchError:  # another worker wrote a plan at the same moment
        path.unlink(missing_ok=True)
        raise


def check_planned(out_dir: Path, plan: Plan) -> None:
    """Raise KineBenchError if a plan contradicts another for the folder, or one of those is damaged."""
    _agree(out_dir, [*_plans(out_dir), plan])


def planned(out_dir: Path) -> dict[str, Plan]:
    """The largest plan of each split; KineBenchError if one is damaged or they contradict each other."""
    plans = _plans(out_dir)
    _agree(out_dir, plans)
    return {plan.split: plan for plan in sorted(plans, key=lambda plan: (plan.split, plan.count))}


def plan_path(out_dir: Path, plan: Plan) -> Path:
    """Where a plan is written down."""
    return out_dir / FOLDER / _name(plan)


def _name(plan: Plan) -> str:
    """Different plans have different names: no writer overwrites another's."""
    return f"plan-{plan.split}-{plan.count:06d}-{hashlib.sha256(_dump(plan)).hexdigest()[:8]}.json"


def _dump(plan: Plan) -> bytes:
    plain = asdict(plan)
    del plain["source"]
    return json.dumps(plain, indent=1, ensure_ascii=False).encode() + b"\n"


def _plans(out_dir: Path) -> list[Plan]:
    return [_read(path) for path in sorted((out_dir / FOLDER).glob("plan-*.json"))]


def _read(path: Path) -> Plan:
    try:
        plain = json.loads(path.read_bytes())
        plan = Plan(**plain | {"companions": tuple(plain["companions"])})
        if _name(plan) != path.name:
            raise ValueError("its content is not what its name says")
        return plan
    except (ValueError, KeyError, TypeError) as error:
        raise KineBenchError(
            f"{path} is damaged ({error}); delete it and run the same kinebench generate command again"
        ) from error


def _agree(out_dir: Path, plans: Iterable[Plan]) -> None:
    """Raise KineBenchError at the first two plans that cannot both hold."""
    first: Plan | None = None
    splits: dict[str, Plan] = {}
    for plan in plans:
        first, twin = first or plan, splits.setdefault(plan.split, plan)
        for what in ("dataset", "recipe_sha256", "seed"):
            if getattr(plan, what) != getattr(first, what):
                raise KineBenchError(
                    f"{out_dir}: planned with {what} {getattr(first, what)}, now {getattr(plan, what)}; "
                    "choose another output folder"
                )
        if plan.companions != twin.companions:
            raise KineBenchError(
                f"{out_dir}: its {plan.split} samples are planned with {_spoken(twin)}, now with {_spoken(plan)}; "
                "all samples of a split have the same: change --with, or choose another output folder"
            )


def _spoken(plan: Plan) -> str:
    return f"{' and '.join(plan.companions) or 'no'} companions"
