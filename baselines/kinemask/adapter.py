"""KineMask: what `cogvideox` does, with a branch attached that is told how the objects move in the first frame."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.kinemask.conditioning import first_mask
from kinebench.methods import in_process
from kinebench.methods.adapter import Adapter, Setup
from kinebench.methods.condition import Condition
from kinebench.methods.method import find
from kinebench.methods.video import Video

BACKBONE = "cogvideox"


class KineMask:
    """The method `cogvideox` and a branch for its transformer."""

    def __init__(self, backbone: Any, branch: Any, facts: dict[str, Any]) -> None:
        self.backbone = backbone
        self.branch = branch
        self.facts = facts  # weight of the branch, the speed at which masks saturate, and what it was trained to

    def generate(self, condition: Condition, seed: int) -> Video:
        """Masks of one frame: the mask of the others is zero, as at the end of stage 2."""
        import torch

        from kinebench.kinemask.branch.attach import attached

        transformer = self.backbone.pipeline.transformer
        first = torch.from_numpy(first_mask(condition, self.facts["v_max_mps"])).movedim(-1, 0)
        masks = torch.zeros(1, transformer.config.sample_frames, *first.shape)
        masks[0, 0] = first
        place = next(self.branch.parameters())
        with attached(transformer, self.branch, masks.to(place.device, place.dtype), self.facts["branch_weight"]):
            video: Video = self.backbone.generate(condition, seed)
        return replace(video, facts={**video.facts, **self.facts})


def load(setup: Setup) -> Adapter:
    """CogVideoX as its own folder opens it, and the branch of a checkpoint."""
    backbone: Any = in_process.load(find(BACKBONE), setup)
    branch, facts = (_tiny if setup.tiny else _trained(setup.weights("branch")))(backbone.pipeline.transformer)
    import torch

    from kinebench.methods.diffusion import quiet

    with quiet():
        branch.to(backbone.pipeline._execution_device, getattr(torch, str(setup.options["dtype"]))).eval()
    return KineMask(backbone, branch, facts)


def _trained(folder: Path) -> Callable[[Any], tuple[Any, dict[str, Any]]]:
    """The branch in a checkpoint of `kinebench train`; the averaged one if it has that."""
    from kinebench.kinemask.branch.cogvideox import CogVideoXControl
    from kinebench.kinemask.checkpoint import AVERAGE, CONTROL, Checkpoint

    point = Checkpoint(folder)
    told = point.facts
    try:
        family, stage, step = told["backbone"]["family"], told["stage"], told["step"]
        weight, v_max_mps = float(told["config"]["branch"]["weight"]), float(told["dataset"]["v_max_mps"])
    except (KeyError, TypeError, ValueError) as error:
        raise KineBenchError(
            f"{folder} is no checkpoint of `kinebench train`: its trainer.json lacks {error}"
        ) from None
    if family != BACKBONE:
        raise KineBenchError(f"{folder} is a branch for {family}; a branch for {BACKBONE} is wanted")
    averaged = (folder / AVERAGE).is_dir()
    facts = {"branch_weight": weight, "v_max_mps": v_max_mps, "trained": f"{stage}, step {step}", "averaged": averaged}
    return lambda transformer: (
        point.branch(CogVideoXControl, transformer, AVERAGE if averaged else CONTROL),
        facts,
    )


def _tiny(transformer: Any) -> tuple[Any, dict[str, Any]]:
    """One that has learnt nothing, but speaks."""
    import torch

    from kinebench.kinemask.branch.cogvideox import CogVideoXControl

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        branch = CogVideoXControl.on(transformer, num_layers=1, mask_width=8, mask_channels=4, zero_init=False)
    return branch, {"branch_weight": 0.5, "v_max_mps": 2.0, "trained": "not at all", "averaged": False}
