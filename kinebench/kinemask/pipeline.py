"""KineMask at work: a picture, what moves in it and how fast, words; and the videos of that."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinebench.errors import KineBenchError
from kinebench.kinemask import steering
from kinebench.kinemask.conditioning import Mask
from kinebench.kinemask.families import Name, Precision
from kinebench.kinemask.samplers import open_sampler
from kinebench.kinemask.samplers.sampler import Call, Sampler
from kinebench.kinemask.steering import Arrows, Masks
from kinebench.kinemask.trained import Trained, read
from kinebench.methods import hub
from kinebench.methods.diffusion import MOST_STEPS, quiet
from kinebench.methods.method import find
from kinebench.methods.placement import Size
from kinebench.scene.scene import Vector
from kinebench.scoring.device import resolve


class KineMaskPipeline:
    """A backbone, and the branch that steers it.

    >>> pipeline = KineMaskPipeline.from_pretrained("runs/kinemask/stage2/step-001000")
    >>> videos = pipeline(picture, "A red mug slides over a table.", masks=[mug], velocities=[(0.8, 0.2, 0.0)])
    """

    def __init__(self, sampler: Sampler, branch: Any = None, trained: Trained | None = None) -> None:
        """Of what is loaded already; `from_pretrained` and `without_branch` load it."""
        self.sampler = sampler
        self.branch = branch
        self.trained = trained

    @classmethod
    def from_pretrained(
        cls,
        branch: str | Path,
        *,
        backbone: str | Path | None = None,
        device: str = "auto",
        dtype: Precision | None = None,
        offload: str = "model",
        tiling: bool | None = None,
    ) -> "KineMaskPipeline":
        """The branch in a checkpoint of `kinebench train`, of averaged weights if it has them, on its backbone.

        `backbone` is a folder of diffusers; None: where it lay in training, or else in the Hub's cache. `device` is
        auto, cpu or cuda. `dtype` is bfloat16 by default, of the small family float32. To save memory of the GPU,
        `offload` keeps in the computer's what is idle: "none", "model" or "sequential", all but a layer; and `tiling`
        lets the autoencoder work in tiles, which changes pictures a little; None: as the backbone's authors do.

        Raises KineBenchError if something is not there, is damaged, or the branch is of another backbone.
        """
        trained = read(Path(branch).expanduser())
        place = trained.backbone if trained.backbone is not None and trained.backbone.is_dir() else None
        backbone = backbone if backbone is not None else place
        alone = cls.without_branch(
            trained.family, backbone=backbone, device=device, dtype=dtype, offload=offload, tiling=tiling
        )
        return alone.steered(trained)

    @classmethod
    def without_branch(
        cls,
        family: Name,
        *,
        backbone: str | Path | None = None,
        device: str = "auto",
        dtype: Precision | None = None,
        offload: str = "model",
        tiling: bool | None = None,
    ) -> "KineMaskPipeline":
        """The backbone alone, sampled in the same way; it is told of no motion. The rest is as `from_pretrained`."""
        sampler = open_sampler(
            family,
            _backbone(family, backbone),
            device=resolve(device),
            dtype=dtype or ("float32" if family == "small" else "bfloat16"),
            offload=offload,
            tiling=tiling,
        )
        return cls(sampler)

    def steered(self, trained: Trained) -> "KineMaskPipeline":
        """The same backbone with this branch. Raises KineBenchError if the branch is of another one, or damaged."""
        trained.demand(self.sampler.name)
        with quiet():
            branch = trained.branch(self.sampler.control, self.sampler.transformer, self.sampler.folder)
        return self.with_branch(branch, trained)

    def with_branch(self, branch: Any, trained: Trained) -> "KineMaskPipeline":
        """The same backbone with a branch that is loaded, which is brought to where that works.

        Each weight gets the precision that its twin in the backbone has: Wan keeps some in float32 whatever it computes
        in. What is no weight, such as tables of positions, stays exact.
        """
        own = {name: parameter.dtype for name, parameter in self.sampler.transformer.named_parameters()}
        for name, parameter in branch.named_parameters():
            parameter.data = parameter.data.to(own.get(name, self.sampler.dtype))
        branch.to(self.sampler.place).eval().requires_grad_(False)
        return KineMaskPipeline(self.sampler, branch, trained)

    def __call__(
        self,
        image: ArrayLike,
        prompt: str,
        *,
        masks: Masks | None = None,
        velocities: Sequence[Vector | None] | None = None,
        arrows: Arrows | None = None,
        camera: Mapping[str, float] | None = None,
        velocity_masks: NDArray[np.floating[Any]] | None = None,
        seeds: Sequence[int] = (0,),
        frames: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str | None = None,
        batch: int = 1,
    ) -> NDArray[np.uint8]:
        """Videos of a picture, uint8 (N, F, H, W, 3), one for each seed; `batch` of them are made at once.

        `image` is (H, W, 3) uint8, RGB, or Pillow's, as large as the clips that the branch was trained on. What moves
        is said in one of three ways:

        - `masks` (H, W) and as many `velocities` in m/s: x to the right, y away from the camera along the ground, z up;
        - `arrows` x0, y0, x1, y1 in pixels, from an object to where it shall go, as `kinebench animate` understands
          them, and as many `masks`, or none: then the objects are looked for. `camera` is what `--camera` takes;
        - `velocity_masks` (k, H, W, 3) in m/s, of the first k frames: `clip.velocity` is that of all frames.

        Speeds above the branch's `trained.v_max_mps` are told as that, as in training. `frames` keeps the first so
        many. `steps`, `guidance` and `negative_prompt` are those of the backbone's authors by default; a guidance of 1
        is none. What a prompt has too much is cut off: `facts` says so. The same call makes the same videos, but for
        rounding where `batch` differs.

        Raises KineBenchError for what does not fit.
        """
        picture = _picture(image)
        size = (picture.shape[1], picture.shape[0])
        call = self._call(picture, prompt, seeds, frames, steps, guidance, negative_prompt)
        if not isinstance(batch, int) or batch < 1:
            raise KineBenchError(f"batch is {batch!r}; it is how many videos are made at once, 1 or more")
        told = self._told(picture, size, masks, velocities, arrows, camera, velocity_masks)
        videos = []
        with self._attached(told, call.frames):
            for first in range(0, len(call.seeds), batch):
                part = Call(**{**vars(call), "seeds": call.seeds[first : first + batch]})
                videos.append(self.sampler.sampled(part)[:, :frames])
        return np.concatenate(videos)

    def facts(
        self,
        image: ArrayLike,
        prompt: str,
        *,
        frames: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str | None = None,
    ) -> dict[str, Any]:
        """What such a call makes its videos with, and how much of the prompt is read: plain JSON."""
        call = self._call(_picture(image), prompt, (0,), frames, steps, guidance, negative_prompt)
        own = {} if self.trained is None else self.trained.facts
        return {**self.sampler.facts(call), "frames_made": call.frames, **own}

    def _call(
        self,
        picture: NDArray[np.uint8],
        prompt: str,
        seeds: Sequence[int],
        frames: int | None,
        steps: int | None,
        guidance: float | None,
        negative_prompt: str | None,
    ) -> Call:
        sampler = self.sampler
        if sampler.guidance is None and (guidance is not None or negative_prompt):
            raise KineBenchError(
                f"the {sampler.name} backbone has no guidance, and so no negative prompt: it was not trained for it"
            )
        steps = sampler.steps if steps is None else steps
        guidance = sampler.guidance or 1.0 if guidance is None else guidance
        if not 1 <= steps <= MOST_STEPS:
            raise KineBenchError(f"steps is {steps}; it is 1 to {MOST_STEPS}")
        if not 1 <= guidance < float("inf"):
            raise KineBenchError(f"guidance is {guidance}; it is 1, which is none, or more")
        if not seeds or not all(isinstance(seed, int | np.integer) and seed >= 0 for seed in seeds):
            raise KineBenchError(f"seeds are {seeds!r}; give one for each video, whole numbers from 0")
        return Call(
            image=picture,
            prompt=prompt,
            negative_prompt=sampler.negative_prompt if negative_prompt is None else negative_prompt,
            seeds=tuple(int(seed) for seed in seeds),
            frames=self._makes((picture.shape[1], picture.shape[0]), frames),
            steps=steps,
            guidance=float(guidance),
        )

    def _makes(self, size: Size, frames: int | None) -> int:
        """How many frames are made. Raises KineBenchError for a size or number that is not to be had."""
        if frames is not None and frames < 1:
            raise KineBenchError(f"frames is {frames}; it is 1 or more")
        if self.trained is None:
            return self.sampler.makes(size, frames)
        own, most = self.trained.size, self.trained.frames
        if size != own:
            raise KineBenchError(
                f"this branch was trained on clips of {own[0]}x{own[1]} (data.size), and the picture is "
                f"{size[0]}x{size[1]}; bring it to that size, or train a branch at this one"
            )
        if frames is not None and frames > most:
            raise KineBenchError(f"this branch was trained on clips of {most} frames, and {frames} are wanted")
        self.sampler.makes(size, most)
        return most

    def _told(
        self,
        picture: NDArray[np.uint8],
        size: Size,
        masks: Masks | None,
        velocities: Sequence[Vector | None] | None,
        arrows: Arrows | None,
        camera: Mapping[str, float] | None,
        velocity_masks: NDArray[np.floating[Any]] | None,
    ) -> Mask | None:
        """The velocity masks of the first frames, (k, H, W, 3) in [-1, 1]; None if there is nobody to tell."""
        ways = {"velocities": velocities, "arrows": arrows, "velocity_masks": velocity_masks}
        said = [name for name, way in ways.items() if way is not None]
        if self.trained is None:
            if said or masks is not None:
                raise KineBenchError(
                    f"this is the {self.sampler.name} backbone alone: without a branch it hears of no motion"
                )
            return None
        if len(said) != 1:
            given = f"; {' and '.join(said)} are given" if said else ""
            raise KineBenchError(
                f"say what moves in one way: masks and velocities, arrows, or velocity_masks{given}; for the backbone "
                "alone see without_branch"
            )
        if masks is not None and velocity_masks is not None:
            raise KineBenchError("velocity_masks say where objects are; masks go with velocities or arrows")
        if camera is not None and arrows is None:
            raise KineBenchError("a camera is for arrows; velocities are in m/s as they are")
        most = self.trained.v_max_mps
        if velocity_masks is not None:
            return steering.frames(velocity_masks, self.trained.frames, size, most)
        if arrows is not None:
            masks, velocities = steering.pointed(picture, arrows, masks, camera)
        assert velocities is not None
        return steering.first_frame(masks, velocities, size, most)

    def _attached(self, told: Mask | None, frames: int) -> contextlib.AbstractContextManager[None]:
        """In the block, the branch hears the masks of the first frames, and zeros for all others."""
        if told is None or self.trained is None:
            return contextlib.nullcontext()
        import torch

        from kinebench.kinemask.branch.attach import attached

        masks = torch.zeros(1, frames, *np.moveaxis(told, -1, 1).shape[1:])
        masks[0, : len(told)] = torch.from_numpy(told).movedim(-1, 1)
        place, dtype = self.sampler.place, self.sampler.dtype
        return attached(self.sampler.transformer, self.branch, masks.to(place, dtype), self.trained.weight)


def _picture(image: ArrayLike) -> NDArray[np.uint8]:
    given = np.asarray(image)
    if given.ndim != 3 or given.shape[2] != 3 or given.dtype != np.uint8:
        raise KineBenchError(f"the picture is {given.dtype} {given.shape}; it is uint8 (H, W, 3), red, green, blue")
    return given


def _backbone(family: Name, given: str | Path | None) -> Path:
    """The folder of a backbone, if it is whole. Raises KineBenchError, or Unavailable with the way to get it."""
    named = {} if given is None else {"model": Path(given)}
    try:
        return hub.weights(find(family), named)("model")
    except KineBenchError as error:
        said = str(error).replace("--weights model=FOLDER", "backbone=FOLDER").replace("--weights model=", "")
        raise type(error)(said) from error
