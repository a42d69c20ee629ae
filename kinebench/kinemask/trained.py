"""A trained branch: what its checkpoint says of it, and the branch itself."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from kinebench.annotate.velocity import Encoding
from kinebench.errors import KineBenchError
from kinebench.kinemask.families import Name
from kinebench.methods.placement import Size


@dataclass(frozen=True)
class Trained:
    """What is to be known of a branch to run it."""

    family: Name
    weight: float  # how much of what the branch says is added
    v_max_mps: float  # the speed at which masks are full; faster objects are told as so fast
    size: Size  # of its clips, width and height
    frames: int
    encoding: Encoding
    said: str  # which training it is from
    averaged: bool = False  # whether its weights are averages
    folder: Path = field(default=Path(), compare=False)  # of the checkpoint
    backbone: Path | None = field(default=None, compare=False)  # where that lay
    backbone_sha256: str = field(default="", compare=False)

    @property
    def facts(self) -> dict[str, Any]:
        """What is kept beside a video."""
        return {
            "branch_weight": self.weight,
            "v_max_mps": self.v_max_mps,
            "trained": self.said,
            "averaged": self.averaged,
        }

    def demand(self, family: Name) -> None:
        """Raises KineBenchError if it is a branch for another family."""
        if self.family != family:
            raise KineBenchError(f"{self.folder} is a branch for {self.family}; a branch for {family} is wanted")

    def branch(self, kind: Any, transformer: Any, backbone: Path) -> Any:
        """The branch for a transformer that lies in the folder `backbone`; on the CPU, in float32.

        Raises KineBenchError if it was trained on another one, or its weights are missing or damaged.
        """
        from kinebench.kinemask.checkpoint import AVERAGE, CONTROL, Checkpoint
        from kinebench.kinemask.families.parts import identity

        found = Checkpoint(self.folder).branch(kind, transformer, AVERAGE if self.averaged else CONTROL)
        if identity(backbone, "transformer", "scheduler") != self.backbone_sha256:
            raise KineBenchError(
                f"{self.folder} is a branch of another backbone than the one in {backbone}: the files there are not "
                "those it was trained with"
            )
        return found


def read(folder: Path) -> Trained:
    """What a checkpoint of `kinebench train` says. Raises KineBenchError if it is none, or one of something else."""
    from kinebench.kinemask.checkpoint import AVERAGE, FACTS, Checkpoint

    if not (folder / FACTS).is_file():
        inside = sorted(path.parent for path in folder.glob(f"*/{FACTS}"))
        hint = f"; did you mean {inside[-1]}?" if inside else ""
        raise KineBenchError(f"{folder} is no checkpoint of `kinebench train`: it has no {FACTS}{hint}")
    told = Checkpoint(folder).facts
    try:
        config, backbone, data = told["config"], told["backbone"], told["dataset"]
        if told["stage"] == "backbone":
            raise KineBenchError(f"{folder} is a backbone, not a branch for one; run: kinebench train stage1")
        if backbone["family"] not in get_args(Name):
            raise ValueError(f"the family {backbone['family']!r}, which this KineBench does not know")
        width, height = data["size"]
        place = config["backbone"]["weights"]
        return Trained(
            family=backbone["family"],
            weight=float(config["branch"]["weight"]),
            v_max_mps=float(data["v_max_mps"]),
            size=(int(width), int(height)),
            frames=int(data["frames"]),
            encoding=config["data"]["encoding"],
            said=f"{told['stage']}, step {told['step']}",
            averaged=(folder / AVERAGE).is_dir(),
            folder=folder,
            backbone=None if place is None else Path(place).expanduser(),
            backbone_sha256=backbone["sha256"],
        )
    except KeyError as error:
        raise KineBenchError(f"{folder} is no checkpoint of `kinebench train`: its {FACTS} lacks {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise KineBenchError(f"{folder / FACTS} is none that `kinebench train` wrote: {error}") from None
