"""The same network as `transformers` has it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    Sam2HieraDetConfig,
    Sam2VideoConfig,
    Sam2VideoInferenceSession,
    Sam2VideoModel,
    Sam2VisionConfig,
)

from kinebench.metrics.precision import running
from kinebench.metrics.sam2.inference import REMEMBERED, enlarged, resized
from kinebench.metrics.sam2.keys import to_transformers
from kinebench.metrics.sam2.pictures import Pictures, prompt
from kinebench.metrics.sam2.size import Size


def build(size: Size, image_size: int, weights: Mapping[str, Any]) -> Any:
    """The network with the published weights under its own names, float32 on the CPU."""
    network = MaskPrompted(_configuration(size, image_size))
    network.load_state_dict(to_transformers(weights))
    return network.eval()


class MaskPrompted(Sam2VideoModel):  # type: ignore[misc]
    """`Sam2VideoModel` with three things put right that it does otherwise than the published predictor.

    All concern a mask given on frame 0. The pointer to the object comes from the decoder's single-mask token, not from
    the best of three; the memory is made from the logits at low resolution, enlarged; and they are not made binary.
    With random weights and logits of about 4, leaving them out shifts frame 1 by 1e-4, 0.09 and 0.03; with them it is
    5e-6 off.
    """

    def _single_frame_forward(self, **given: Any) -> Any:
        if given.get("input_masks") is not None:
            given["multimask_output"] = False
        return super()._single_frame_forward(**given)

    def _use_mask_as_output(self, *given: Any) -> Any:
        out = super()._use_mask_as_output(*given)
        out.high_res_masks = resized(out.pred_masks, self.image_size, self.image_size)
        return out

    def _encode_new_memory(self, **given: Any) -> Any:
        return super()._encode_new_memory(**given | {"is_mask_from_pts": False})


def _configuration(size: Size, image_size: int) -> Any:
    """What differs between the sizes, and what depends on the size of the picture; the rest is the default."""
    sides = [image_size // stride for stride in (4, 8, 16)]
    encoder = Sam2HieraDetConfig(
        image_size=[image_size, image_size],
        hidden_size=size.width,
        num_attention_heads=size.heads,
        blocks_per_stage=list(size.blocks),
        embed_dim_per_stage=size.widths,
        num_attention_heads_per_stage=size.heads_per_stage,
        window_size_per_stage=list(size.windows),
        window_positional_embedding_background_size=[size.position_side] * 2,
        global_attention_blocks=list(size.global_blocks),
    )
    vision = Sam2VisionConfig(
        backbone_config=encoder,
        backbone_channel_list=size.widths[::-1],
        backbone_feature_sizes=[[side, side] for side in sides],
    )
    return Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"image_size": image_size},
        mask_decoder_config={"dynamic_multimask_via_stability": False},
        image_size=image_size,
        memory_attention_rope_feat_sizes=[sides[-1], sides[-1]],
    )


@dataclass(frozen=True)
class Propagation:
    """One session a clip; image features once a frame, objects one by one as `transformers` does it."""

    network: Any
    device: str
    bfloat16: bool = False

    def logits(self, frames: NDArray[np.uint8], prompts: Sequence[NDArray[np.bool_]]) -> Iterator[NDArray[np.float32]]:
        """See `kinebench.metrics.sam2.tracking.Tracker`."""
        pictures = Pictures(frames, self.network.image_size)
        session = self._session(pictures, prompts)
        for index in range(len(pictures)):
            with running(self.device, self.bfloat16):
                low = self.network(session, frame_idx=index).pred_masks
                found = enlarged(low, frames.shape[1], frames.shape[2])
            for outputs in session.output_dict_per_obj.values():
                for kept in (outputs["cond_frame_outputs"], outputs["non_cond_frame_outputs"]):
                    kept.get(index, {}).pop("high_res_masks", None)
                outputs["non_cond_frame_outputs"].pop(index - REMEMBERED, None)
            yield found

    def pointed(self, picture: NDArray[np.uint8], point_px: tuple[float, float]) -> NDArray[np.float32]:
        """Logits (H, W) of the object at a point x, y of one picture (H, W, 3): the best of SAM2's three."""
        height, width = picture.shape[:2]
        side = self.network.image_size
        session = self._session(Pictures(picture[None], side), ())
        place = torch.tensor([point_px[0] / width * side, point_px[1] / height * side], dtype=torch.float32)
        given = {"point_coords": place[None, None, None], "point_labels": torch.ones(1, 1, 1, dtype=torch.int32)}
        session.add_point_inputs(session.obj_id_to_idx(0), 0, given)
        session.obj_with_new_inputs = [0]
        with running(self.device, self.bfloat16):
            found: NDArray[np.float32] = enlarged(self.network(session, frame_idx=0).pred_masks, height, width)[0]
        return found

    def _session(self, pictures: Pictures, prompts: Sequence[NDArray[np.bool_]]) -> Any:
        session = Sam2VideoInferenceSession(
            inference_device=self.device,
            inference_state_device=self.device,
            dtype=torch.float32,  # its own default, a word, raises TypeError
        )
        session.processed_frames = pictures
        for number, mask in enumerate(prompts):
            session.add_mask_inputs(session.obj_id_to_idx(number), 0, prompt(mask, pictures.side))
        session.obj_with_new_inputs = list(range(len(prompts)))
        return session
