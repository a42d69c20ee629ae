"""Both families: what training feeds them is what their own pipelines feed them, and the loss is the papers'."""

import diffusers
import numpy as np
import pytest
import torch

from kinebench.errors import KineBenchError
from kinebench.kinemask.branch.attach import attached
from kinebench.kinemask.draw import Draw
from kinebench.kinemask.families import open_family

PROMPTS = ["A red cube slides.", ""]
PIPELINES = {"cogvideox": "CogVideoXImageToVideoPipeline", "wan": "WanImageToVideoPipeline"}
FRAMES, HEIGHT, WIDTH = 9, 64, 96


@pytest.fixture(scope="module", params=["cogvideox", "wan"])
def opened(request, published):
    return open_family(request.param, published[request.param], "cpu", "float32")


@pytest.fixture(scope="module")
def clip():
    return np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def pipeline(opened):
    made = getattr(diffusers, PIPELINES[opened.name]).from_pretrained(opened.parts.folder)
    made.set_progress_bar_config(disable=True)
    return made


def batch_of(family, clips, exact=True):
    rows = [family.latents(clip) for clip in clips]
    batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    for name in batch:
        if exact and "logvar" in name:  # nothing is left to chance
            batch[name] = torch.full_like(batch[name], -40.0)
    return batch | {"text": family.text(PROMPTS[:1] * len(clips))}


def rngs(*seeds):
    return [np.random.default_rng(seed) for seed in seeds]


def heard(model, run):
    """What a transformer is called with, by name."""
    calls = []
    handle = model.register_forward_pre_hook(lambda _, __, named: calls.append(named), with_kwargs=True)
    run()
    handle.remove()
    return calls[0]


def test_text_is_the_pipelines_own(opened, pipeline):
    words = opened.text(PROMPTS)
    options = {"max_sequence_length": words.shape[1]}
    theirs, _ = pipeline.encode_prompt(PROMPTS, do_classifier_free_guidance=False, **options)
    torch.testing.assert_close(words, theirs)


def test_the_transformer_hears_what_the_pipeline_tells_it(opened, pipeline, clip):
    """Picture, places and times of a pipeline's step are those of training; noise and clip alone differ."""
    from PIL import Image

    batch = batch_of(opened, [clip])
    mine = heard(opened.transformer, lambda: opened.loss(batch, Draw(rngs(1))))
    length = {"max_sequence_length": batch["text"].shape[1]}
    theirs = heard(
        pipeline.transformer,
        lambda: pipeline(
            image=Image.fromarray(clip[0]),
            prompt=PROMPTS[0],
            height=HEIGHT,
            width=WIDTH,
            num_frames=FRAMES,
            num_inference_steps=1,
            guidance_scale=1.0,
            output_type="latent",
            generator=torch.Generator().manual_seed(0),
            **length,
        ),
    )
    assert mine["hidden_states"].shape == theirs["hidden_states"].shape
    assert mine["timestep"].shape == theirs["timestep"].shape
    torch.testing.assert_close(mine["encoder_hidden_states"], theirs["encoder_hidden_states"])
    if opened.name == "wan":
        torch.testing.assert_close(mine["hidden_states"][:, :, 0], theirs["hidden_states"][:, :, 0])
        assert torch.equal(mine["timestep"] == 0, theirs["timestep"] == 0)
        return
    channels = pipeline.vae.config.latent_channels
    for ours, own in zip(mine["image_rotary_emb"], theirs["image_rotary_emb"], strict=True):
        torch.testing.assert_close(ours, own)
    picture, own = (each["hidden_states"][:, :, channels:] for each in (mine, theirs))
    assert not picture[:, 1:].any() and not own[:, 1:].any()
    kept = opened.latents(clip)
    chance = torch.randn(1, channels, 1, *own.shape[3:], generator=torch.Generator().manual_seed(0)).transpose(1, 2)
    drawn = (kept["image_mean"] + torch.exp(0.5 * kept["image_logvar"]) * chance) / pipeline.vae.config.scaling_factor
    torch.testing.assert_close(own[:, :1], drawn)
    torch.testing.assert_close(picture[0, 0], kept["image_mean"][0] / pipeline.vae.config.scaling_factor)


def test_the_loss_is_that_of_the_scheduler(opened, pipeline, clip):
    """Noise is worked out from what the transformer was given; it must be standard normal, and explain the loss."""
    batch = batch_of(opened, [clip, clip[::-1].copy()])
    inputs, outputs = {}, []
    handles = [
        opened.transformer.register_forward_pre_hook(lambda _, __, named: inputs.update(named), with_kwargs=True),
        opened.transformer.register_forward_hook(lambda _, __, output: outputs.append(output[0])),
    ]
    loss = opened.loss(batch, Draw(rngs(3, 4)))
    for handle in handles:
        handle.remove()
    assert loss.shape == (2,) and loss.dtype == torch.float32
    if opened.name == "wan":
        clean, times = batch["latents"], inputs["timestep"]
        assert not times[:, : times.shape[1] // clean.shape[2]].any()
        share = (times[:, -1] / 1000).view(-1, 1, 1, 1, 1)
        noisy = inputs["hidden_states"]
        assert torch.equal(noisy[:, :, 0], clean[:, :, 0])
        noise = ((noisy - (1 - share) * clean) / share)[:, :, 1:]
        expected = (outputs[0][:, :, 1:] - (noise - clean[:, :, 1:])).square().flatten(1).mean(1)
    else:
        schedule = pipeline.scheduler
        clean = batch["mean"] * pipeline.vae.config.scaling_factor
        noisy, times = inputs["hidden_states"][:, :, : clean.shape[2]], inputs["timestep"]
        power = schedule.alphas_cumprod.float()[times].view(-1, 1, 1, 1, 1)
        noise = (noisy - power.sqrt() * clean) / (1 - power).sqrt()
        torch.testing.assert_close(schedule.add_noise(clean, noise, times), noisy)
        expected = (outputs[0] - schedule.get_velocity(clean, noise, times)).square().flatten(1).mean(1)
    torch.testing.assert_close(loss, expected, rtol=1e-3, atol=1e-4)
    assert abs(float(noise.mean())) < 0.1 and float(noise.std()) == pytest.approx(1, abs=0.1)


class Last(Draw):
    """The latest time there is."""

    def uniform(self):
        return torch.full_like(super().uniform(), 1 - 1e-6)


def test_the_last_time_is_pure_noise(opened, clip):
    """CogVideoX has no signal left there; nothing is divided by it."""
    batch = batch_of(opened, [clip])
    told = heard(opened.transformer, lambda: opened.loss(batch, Last(rngs(5))))
    if opened.name == "wan":
        assert float(told["timestep"].max()) == pytest.approx(1000, abs=0.01)
    else:
        assert told["timestep"].tolist() == [999] and float(opened._alphas[-1]) == 0
        assert float(told["hidden_states"][:, :, : batch["mean"].shape[2]].std()) == pytest.approx(1, abs=0.05)
    assert torch.isfinite(opened.loss(batch, Last(rngs(5)))).all()


def test_a_clip_has_its_own_numbers_in_any_company(opened, clip):
    other = clip[:, ::-1].copy()
    together = opened.loss(batch_of(opened, [clip, other], exact=False), Draw(rngs(6, 7)))
    alone = [opened.loss(batch_of(opened, [each], exact=False), Draw(rngs(s))) for each, s in ((clip, 6), (other, 7))]
    torch.testing.assert_close(together, torch.cat(alone))
    assert not torch.allclose(together, opened.loss(batch_of(opened, [clip, other], exact=False), Draw(rngs(7, 6))))


def test_the_first_latent_frame_is_the_picture_alone(opened, clip):
    other = clip.copy()
    other[1:] = 0
    kept, changed = opened.latents(clip), opened.latents(other)
    name = "latents" if opened.name == "wan" else "image_mean"
    first = (lambda row: row[name][:, 0]) if opened.name == "wan" else (lambda row: row[name])
    torch.testing.assert_close(first(kept), first(changed))
    assert all(value.dtype == torch.float32 and value.device.type == "cpu" for value in kept.values())


def test_the_branch_hears_and_learns(opened, clip):
    control = opened.control.on(opened.transformer, num_layers=1, mask_width=8, mask_channels=4)
    batch, masks = batch_of(opened, [clip]), torch.ones(1, FRAMES, 3, HEIGHT, WIDTH)
    with torch.no_grad():
        without = opened.loss(batch, Draw(rngs(8)))
    with attached(opened.transformer, control, masks):
        loss = opened.loss(batch, Draw(rngs(8)))
    assert torch.equal(loss, without)
    loss.mean().backward()
    assert control.projections[0].weight.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in opened.transformer.parameters())


def test_noisy_pictures_are_kept_and_drawn_from(published, clip):
    family = open_family("cogvideox", published["cogvideox"], "cpu", "float32", image_noise=True)
    plain = open_family("cogvideox", published["cogvideox"], "cpu", "float32")
    kept = family.latents(clip)
    assert len(kept["image_mean"]) == 4 and torch.equal(kept["image_mean"], family.latents(clip)["image_mean"])
    assert len({float(row.sum()) for row in kept["image_mean"]}) == 4
    assert family.identity != plain.identity
    assert torch.isfinite(family.loss(batch_of(family, [clip]), Draw(rngs(9)))).all()


def test_bfloat16_is_another_identity(opened, published):
    lower = open_family(opened.name, published[opened.name], "cpu", "bfloat16")
    assert lower.identity != opened.identity and lower.text(PROMPTS).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("frames", "width", "height", "said"),
    [
        (9, 100, 64, r"multiples of \d+ pixels"),
        (10, 96, 64, r"4 n \+ 1 frames"),
    ],
)
def test_clips_that_a_backbone_cannot_make_are_refused(opened, frames, width, height, said):
    with pytest.raises(KineBenchError, match=said):
        opened.check(frames, width, height)


def test_a_backbone_with_learned_places_makes_one_size_alone(published, tmp_path):
    import json
    import shutil

    folder = tmp_path / "learned"
    shutil.copytree(published["cogvideox"], folder)
    path = folder / "transformer" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"use_learned_positional_embeddings": True}))
    family = open_family("cogvideox", folder, "cpu", "float32")
    family.check(49, 720, 480)
    with pytest.raises(
        KineBenchError, match=r"49 frames of 720x480 alone.*set data.size = \[720, 480\] and take other"
    ):
        family.check(9, 96, 64)


def test_the_folder_of_another_model_is_refused(published, tmp_path):
    with pytest.raises(
        KineBenchError, match=r"holds a WanImageToVideoPipeline; a CogVideoXImageToVideoPipeline is wanted"
    ):
        open_family("cogvideox", published["wan"], "cpu", "float32")
    with pytest.raises(KineBenchError, match=r"its model_index.json is missing"):
        open_family("wan", tmp_path, "cpu", "float32")


REAL = {
    "cogvideox": {
        "num_attention_heads": 48,
        "in_channels": 32,
        "time_embed_dim": 512,
        "num_layers": 9,
        "use_rotary_positional_embeddings": True,
        "use_learned_positional_embeddings": True,
    },
    "wan": {
        "num_attention_heads": 24,
        "in_channels": 48,
        "out_channels": 48,
        "ffn_dim": 14336,
        "num_layers": 9,
        "text_dim": 4096,
    },
}


def real_size(name, folder):
    """A family of the published width and latents, a few blocks deep, on the meta device; its latents' shapes."""
    with torch.device("meta"):
        if name == "cogvideox":
            model, vae = diffusers.CogVideoXTransformer3DModel(**REAL[name]), diffusers.AutoencoderKLCogVideoX()
            scheduler = diffusers.CogVideoXDDIMScheduler(prediction_type="v_prediction", rescale_betas_zero_snr=True)
            kept = dict.fromkeys(("mean", "logvar"), (13, 16, 60, 90))
            kept |= dict.fromkeys(("image_mean", "image_logvar"), (1, 16, 60, 90))
        else:
            model = diffusers.WanTransformer3DModel(**REAL[name])
            vae = diffusers.AutoencoderKLWan(is_residual=True, patch_size=2, scale_factor_spatial=16)
            with torch.device("cpu"):
                scheduler = diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", flow_shift=5.0)
            kept = {"latents": (48, 13, 30, 44)}
    for part, each in (("transformer", model), ("vae", vae), ("scheduler", scheduler)):
        each.save_config(folder / part)
    (folder / "model_index.json").write_text(f'{{"_class_name": "{PIPELINES[name]}"}}')
    family = open_family(name, folder, "meta", "bfloat16")
    family.transformer = model.to(torch.bfloat16).requires_grad_(False)
    return family, kept


@pytest.mark.parametrize(("name", "size", "tokens"), [("cogvideox", (720, 480), 17550), ("wan", (704, 480), 4290)])
def test_it_fits_together_at_the_real_size(name, size, tokens, tmp_path):
    family, kept = real_size(name, tmp_path)
    family.check(49, *size)
    with torch.device("meta"):
        control = family.control.on(family.transformer).to(torch.bfloat16)
    batch = {part: torch.empty(1, *shape, device="meta") for part, shape in kept.items()}
    batch["text"] = torch.empty(1, 226 if name == "cogvideox" else 512, 4096, device="meta")
    masks = torch.empty(1, 49, 3, size[1], size[0], device="meta")
    seen = []

    def branch(*args, **named):
        seen.append(control(*args, **named))
        return seen[0]

    with attached(family.transformer, branch, masks):
        loss = family.loss(batch, Draw(rngs(1)))
    assert loss.shape == (1,) and loss.dtype == torch.float32
    assert [tuple(residual.shape) for residual in seen[0]] == [(1, tokens, 3072)] * 8
