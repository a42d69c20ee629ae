"""The `sam2` package's network, driven frame by frame for all objects at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sam2.build_sam import build_sam2_video_predictor

from kinebench.metrics.precision import running
from kinebench.metrics.sam2.inference import REMEMBERED, enlarged, resized
from kinebench.metrics.sam2.pictures import Pictures, prompt
from kinebench.metrics.sam2.size import Size

Outputs = dict[str, dict[int, dict[str, Any]]]


def build(size: Size, image_size: int, weights: Mapping[str, Any]) -> Any:
    """The network with the published weights, without the optional post-processing, float32 on the CPU."""
    side = image_size // 16
    overrides = [f"++model.image_size={image_size}"] + [
        f"++model.memory_attention.layer.{part}.feat_sizes=[{side},{side}]"
        for part in ("self_attention", "cross_attention")
    ]
    network = build_sam2_video_predictor(
        f"configs/sam2.1/{size.config}.yaml", None, "cpu", hydra_overrides_extra=overrides, apply_postprocessing=False
    )
    network.load_state_dict(weights)
    return network


@dataclass(frozen=True)
class Propagation:
    """Prints what `SAM2VideoPredictor` prints for a folder of frames, without the folder.

    The predictor reads files and takes the objects one by one; here frames are arrays, and the objects of a frame are
    one batch. What is remembered is the same, in bfloat16, and so is how the memory of frame 0 is made.
    """

    network: Any
    device: str
    bfloat16: bool = False

    def logits(self, frames: NDArray[np.uint8], prompts: Sequence[NDArray[np.bool_]]) -> Iterator[NDArray[np.float32]]:
        """See `kinebench.metrics.sam2.tracking.Tracker`."""
        pictures = Pictures(frames, self.network.image_size)
        given = torch.cat([prompt(mask, pictures.side) for mask in prompts]).to(self.device)
        outputs: Outputs = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
        for index in range(len(pictures)):
            with running(self.device, self.bfloat16):
                if index == 0:
                    low = self._begin(pictures[0], given, outputs, len(pictures))
                else:
                    low = self._step(index, pictures[index], len(prompts), outputs, len(pictures))
                found = enlarged(low, frames.shape[1], frames.shape[2])
            outputs["non_cond_frame_outputs"].pop(index - REMEMBERED, None)
            yield found

    def _begin(self, picture: Any, given: Any, outputs: Outputs, frames: int) -> Any:
        """Frame 0: the prompt is the answer, and is remembered as the predictor does it, through its low resolution."""
        features, positions, sizes = self._features(picture, len(given))
        out = self._track(0, features, positions, sizes, given, outputs, frames)
        memory, places = self.network._encode_new_memory(
            features, sizes, resized(out["pred_masks"], *given.shape[2:]), out["object_score_logits"], True
        )
        outputs["cond_frame_outputs"][0] = _kept(out, memory, places)
        return out["pred_masks"]

    def _step(self, index: int, picture: Any, objects: int, outputs: Outputs, frames: int) -> Any:
        out = self._track(index, *self._features(picture, objects), None, outputs, frames)
        outputs["non_cond_frame_outputs"][index] = _kept(out, out["maskmem_features"], out["maskmem_pos_enc"])
        return out["pred_masks"]

    def _features(self, picture: Any, objects: int) -> tuple[Any, Any, Any]:
        """The picture's features, computed once and shown to every object: (HW, N, C) at three scales."""
        encoded = self.network.forward_image(picture[None].to(self.device))
        _, features, positions, sizes = self.network._prepare_backbone_features(encoded)
        features, positions = ([level.expand(-1, objects, -1) for level in levels] for levels in (features, positions))
        return features, positions, sizes

    def _track(
        self, index: int, features: Any, positions: Any, sizes: Any, given: Any, outputs: Outputs, frames: int
    ) -> Any:
        return self.network.track_step(
            frame_idx=index,
            is_init_cond_frame=given is not None,
            current_vision_feats=features,
            current_vision_pos_embeds=positions,
            feat_sizes=sizes,
            point_inputs=None,
            mask_inputs=given,
            output_dict=outputs,
            num_frames=frames,
            run_mem_encoder=given is None,
        )


def _kept(out: Mapping[str, Any], memory: Any, places: Any) -> dict[str, Any]:
    return {"maskmem_features": memory.to(torch.bfloat16), "maskmem_pos_enc": places, "obj_ptr": out["obj_ptr"]}
