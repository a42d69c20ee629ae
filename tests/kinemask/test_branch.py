"""The control branch on both backbones: what it leaves alone, what it learns, what it costs."""

import pytest
import torch
from diffusers import CogVideoXTransformer3DModel, WanTransformer3DModel

from kinebench.kinemask.branch.attach import attached
from kinebench.kinemask.branch.cogvideox import CogVideoXControl
from kinebench.kinemask.branch.encoder import MaskEncoder
from kinebench.kinemask.branch.wan import WanControl
from kinebench.kinemask.published import COGVIDEOX, WAN


def run(family, control=None, masks=None, weight=0.5, **inputs):
    with torch.no_grad():
        if control is None:
            return family.backbone(**(family.inputs() | inputs)).sample
        with attached(family.backbone, control, family.masks() if masks is None else masks, weight):
            return family.backbone(**(family.inputs() | inputs)).sample


def stirred(control):
    """As after some training: the projections say something."""
    draw = torch.Generator().manual_seed(4)
    for layer in control.projections:
        for parameter in layer.parameters():
            parameter.data = torch.randn(parameter.shape, generator=draw) * 0.1
    return control


def test_zero_init_leaves_the_backbone_bit_identical(family):
    assert torch.equal(run(family, family.control()), run(family))


def test_without_zero_init_it_does_not(family):
    assert not torch.allclose(run(family, family.control(zero_init=False)), run(family), atol=1e-3)


def test_weight_zero_and_detaching_leave_no_trace(family):
    control = stirred(family.control())
    before = run(family)
    assert torch.equal(run(family, control, weight=0.0), before)
    assert not torch.allclose(run(family, control), before, atol=1e-4)
    assert torch.equal(run(family), before)
    assert not family.backbone._forward_pre_hooks and not any(block._forward_hooks for block in family.blocks())


def test_it_equals_a_forward_written_out(family):
    """The residuals are added to the image tokens after the first blocks, to nothing else."""
    control = stirred(family.control())
    inputs, seen = family.inputs(), {}

    def add(place):
        def hook(_, __, output):
            image = output[0] if isinstance(output, tuple) else output
            seen[place] = image.clone()

        return hook

    residuals = control(family.masks(), **inputs)
    with attached(family.backbone, control, family.masks()), torch.no_grad():
        handles = [block.register_forward_hook(add(i)) for i, block in enumerate(family.blocks())]
        family.backbone(**inputs)
        for handle in handles:
            handle.remove()
    handle = family.blocks()[0].register_forward_hook(add("alone"))
    run(family)
    handle.remove()
    torch.testing.assert_close(seen[0], seen["alone"] + 0.5 * residuals[0])


def test_a_new_branch_walks_in_the_backbones_steps(family):
    """Without a mask's part in the patches, its tokens are those of the backbone after each block."""
    control = family.control(zero_init=False)
    patch = control.patch_embed.proj if family.name == "cogvideox" else control.patch_embedding
    patch.weight.data[:, control.latent_channels :] = 0
    tokens = []
    handles = [
        block.register_forward_hook(
            lambda _, __, output: tokens.append(output[0] if isinstance(output, tuple) else output)
        )
        for block in family.blocks()
    ]
    run(family)
    for handle in handles:
        handle.remove()
    with torch.no_grad():
        residuals = control(family.masks(), **family.inputs())
    for mine, theirs in zip(residuals, tokens, strict=False):
        torch.testing.assert_close(mine, theirs)


def step(family, control, checkpointing):
    control.zero_grad()
    if checkpointing:
        control.enable_gradient_checkpointing()
        family.backbone.enable_gradient_checkpointing()
    else:
        control.disable_gradient_checkpointing()
        family.backbone.disable_gradient_checkpointing()
    with attached(family.backbone, control, family.masks()):
        loss = family.backbone(**family.inputs()).sample.pow(2).mean()
    loss.backward()
    return loss.detach(), {name: p.grad.clone() for name, p in control.named_parameters() if p.grad is not None}


def test_frozen_weights_get_no_gradient_and_the_branchs_all_do(family):
    control = stirred(family.control())
    _, grads = step(family, control, checkpointing=False)
    assert all(parameter.grad is None for parameter in family.backbone.parameters())
    silent = {name for name, _ in control.named_parameters()} - set(grads)
    assert not silent
    assert all(torch.isfinite(grad).all() for grad in grads.values())
    assert grads["encoder.narrow.weight"].abs().max() > 0


def test_gradient_checkpointing_changes_nothing(family):
    control = stirred(family.control())
    loss, grads = step(family, control, checkpointing=False)
    other_loss, others = step(family, control, checkpointing=True)
    assert torch.equal(loss, other_loss) and grads.keys() == others.keys()
    for name in grads:
        assert torch.equal(grads[name], others[name]), name


def test_zero_projections_learn_first_then_everything(family):
    control = family.control()
    _, grads = step(family, control, checkpointing=False)
    assert grads["projections.0.weight"].abs().max() > 0
    assert grads["encoder.narrow.weight"].abs().max() == 0


def test_guidance_repeats_the_masks(family):
    control = stirred(family.control())
    twice = family.inputs(batch=1)
    twice = {name: value if name == "image_rotary_emb" else torch.cat([value, value]) for name, value in twice.items()}
    both = run(family, control, masks=family.masks(batch=1), **twice)
    torch.testing.assert_close(both[0], both[1])


def test_saved_and_loaded_it_says_the_same(family, tmp_path):
    control = stirred(family.control())
    control.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
    again = family.kind.from_pretrained(tmp_path)
    again.adopt(family.backbone)
    assert torch.equal(run(family, again), run(family, control))


def test_a_branch_of_another_backbone_is_refused(family, tmp_path):
    control = family.control()
    other = type(family.backbone)(**{**dict(family.backbone.config), "num_layers": 5})
    with pytest.raises(ValueError, match="num_layers 3 instead of 5"):
        control.adopt(other)


@pytest.mark.parametrize("norm", ["group", "none"])
def test_a_latent_frame_knows_its_own_mask_frames_only(norm):
    torch.manual_seed(0)
    encoder = MaskEncoder(8, 16, 8, norm)
    masks = torch.rand(1, 17, 3, 16, 24)
    features = encoder(masks)
    assert features.shape == (1, 5, 8, 2, 3)
    for frame in range(17):
        changed = masks.clone()
        changed[:, frame] += 1
        touched = (encoder(changed) != features).flatten(2).any(dim=2)[0].nonzero().flatten().tolist()
        assert touched == [0 if frame == 0 else (frame - 1) // 4 + 1]


def test_the_first_frame_alone_speaks_in_the_first_latent_frame_alone():
    torch.manual_seed(0)
    encoder = MaskEncoder(8, 16, 8, "group")
    blank = torch.zeros(1, 9, 3, 16, 24)
    mask = blank.clone()
    mask[:, 0, :, 4:9, 6:15] = torch.tensor([0.4, -0.7, 0.0]).view(3, 1, 1)
    assert torch.equal(encoder(mask)[:, 1:], encoder(blank)[:, 1:])
    assert not torch.equal(encoder(mask)[:, 0], encoder(blank)[:, 0])


def millions(module):
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_the_branch_of_cogvideox_5b_has_the_known_size():
    with torch.device("meta"):
        backbone = CogVideoXTransformer3DModel(**COGVIDEOX.transformer)
        control = CogVideoXControl.on(backbone)
        residuals = control(
            torch.empty(1, 49, 3, 480, 720),
            hidden_states=torch.empty(1, 13, 32, 60, 90),
            encoder_hidden_states=torch.empty(1, 226, 4096),
            timestep=torch.empty(1),
            image_rotary_emb=(torch.empty(17550, 64), torch.empty(17550, 64)),
        )
    assert [tuple(residual.shape) for residual in residuals] == [(1, 17550, 3072)] * 8
    assert millions(backbone) == pytest.approx(5570, abs=1)
    assert millions(control.transformer_blocks) == pytest.approx(1058, abs=1)
    assert millions(control.projections) == pytest.approx(75.5, abs=0.1)
    assert millions(control) == pytest.approx(1149, abs=1)


def test_the_branch_of_wan_5b_has_the_known_size():
    with torch.device("meta"):
        backbone = WanTransformer3DModel(**WAN.transformer)
        control = WanControl.on(backbone)
        residuals = control(
            torch.empty(1, 49, 3, 480, 704),
            hidden_states=torch.empty(1, 48, 13, 30, 44),
            timestep=torch.empty(1, 4290),
            encoder_hidden_states=torch.empty(1, 512, 4096),
        )
    assert [tuple(residual.shape) for residual in residuals] == [(1, 4290, 3072)] * 8
    assert millions(backbone) == pytest.approx(5000, abs=1)
    assert millions(control.blocks) == pytest.approx(1309, abs=1)
