"""Clips that families make while they are trained: the same that diffusers' own pipelines make without guidance."""

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from kinebench.kinemask.branch.attach import attached
from kinebench.kinemask.draw import Draw
from kinebench.kinemask.families import open_family
from kinebench.kinemask.families.parts import pictures, pixels
from kinebench.methods.diffusion import as_pictures

FRAMES, HEIGHT, WIDTH = 9, 64, 96
PROMPT = "A red cube slides."
STEPS = 4


@pytest.fixture(scope="module", params=["cogvideox", "wan", "small"])
def family(request, published):
    return open_family(request.param, published[request.param], "cpu", "float32")


@pytest.fixture(scope="module")
def clips():
    return np.random.default_rng(0).integers(0, 256, (2, FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


def batch_of(family, clips):
    rows = [family.latents(clip) for clip in clips]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]} | {
        "text": family.text([PROMPT] * len(clips))
    }


def draws(*seeds):
    return Draw([np.random.default_rng(seed) for seed in seeds])


class Given:
    """A draw whose numbers are known beforehand."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def normal(self, *shape):
        number = self.numbers.pop(0)
        assert number.shape[1:] == shape
        return number


class WansOwn(diffusers.FlowMatchEulerDiscreteScheduler):
    """With the times of Wan's own program: evenly spaced from 1, then shifted."""

    def set_timesteps(self, num_inference_steps=None, device=None):
        super().set_timesteps(sigmas=np.linspace(1, 0, num_inference_steps, endpoint=False), device=device)


def by_diffusers(name, folder, first, noise):
    """Frames (F, H, W, 3) of the pipeline, with the noise that it draws for the picture itself of seed 0."""
    kind = {"cogvideox": "CogVideoXImageToVideoPipeline", "wan": "WanImageToVideoPipeline"}[name]
    pipeline = getattr(diffusers, kind).from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    if name == "wan":
        pipeline.scheduler = WansOwn(shift=pipeline.scheduler.config.flow_shift)
        words = 512
    else:
        pipeline.scheduler = diffusers.CogVideoXDDIMScheduler.from_config(
            pipeline.scheduler.config, timestep_spacing="trailing"
        )
        words = pipeline.transformer.config.max_text_seq_length
    made = pipeline(
        image=Image.fromarray(first),
        prompt=PROMPT,
        height=HEIGHT,
        width=WIDTH,
        num_frames=FRAMES,
        num_inference_steps=STEPS,
        guidance_scale=1.0,
        latents=noise,
        generator=torch.Generator().manual_seed(0),
        max_sequence_length=words,
        output_type="np",
    )
    return made.frames[0]


@pytest.mark.parametrize("family", ["cogvideox", "wan"], indirect=True)
def test_it_is_what_the_pipeline_makes(family, clips, monkeypatch):
    kind, decoded = type(family._vae), []
    own = kind.decode
    monkeypatch.setattr(kind, "decode", lambda self, z, **named: decoded.append(z) or own(self, z, **named))
    batch, first = batch_of(family, clips[:1]), clips[:1, 0]
    name = "mean" if family.name == "cogvideox" else "latents"
    noise = torch.randn(batch[name].shape, generator=torch.Generator().manual_seed(5))
    theirs = by_diffusers(family.name, family.parts.folder, first[0], noise.clone())
    still = torch.randn(1, noise.shape[2], 1, *noise.shape[3:], generator=torch.Generator().manual_seed(0))
    (mine,) = family.shown(batch, first, STEPS, Given(noise, still.transpose(1, 2)))
    torch.testing.assert_close(decoded[1], decoded[0], rtol=1e-4, atol=1e-4)
    wanted = as_pictures(theirs, FRAMES, (WIDTH, HEIGHT))
    assert mine.dtype == np.uint8 and wanted[1:].std() > 1
    differ = np.abs(mine.astype(int) - wanted)
    assert differ.max() <= 1 and (differ > 0).mean() < 1e-3


def test_only_frame_0_and_the_draw_decide(family, clips):
    batch = batch_of(family, clips)
    made = family.shown(batch, clips[:, 0], 2, draws(1, 2))
    assert made.shape == clips.shape and made.dtype == np.uint8
    other = clips.copy()
    other[:, 1:] = 0
    again = family.shown(batch_of(family, other), clips[:, 0], 2, draws(1, 2))
    assert np.abs(again.astype(int) - made).max() <= 1
    alone = family.shown({name: value[1:] for name, value in batch.items()}, clips[1:, 0], 2, draws(2))
    assert np.abs(alone[0].astype(int) - made[1]).max() <= 1
    assert not np.array_equal(family.shown(batch, clips[:, 0], 2, draws(3, 4)), made)


def test_a_branch_is_heard_and_nothing_is_left_changed(family, clips):
    batch, masks = batch_of(family, clips[:1]), torch.ones(1, FRAMES, 3, HEIGHT, WIDTH)
    control = family.control.on(family.transformer, num_layers=1, unshuffle=family.pixel, zero_init=False)
    before = torch.random.get_rng_state()
    without = family.shown(batch, clips[:1, 0], 2, draws(1))
    with attached(family.transformer, control.train(), masks):
        steered = family.shown(batch, clips[:1, 0], 2, draws(1))
    assert not np.array_equal(steered, without)
    assert torch.equal(before, torch.random.get_rng_state()) and control.training
    assert all(parameter.grad is None for parameter in control.parameters())


def test_the_small_ones_strip_begins_with_the_picture_itself(published, clips):
    family = open_family("small", published["small"], "cpu", "float32")
    made = family.shown(batch_of(family, clips), clips[:, 0], 2, draws(1, 2))
    assert np.array_equal(made[:, 0], clips[:, 0])


def test_encoding_stays_exact_after_decoding_in_tiles(published, clips):
    family = open_family("cogvideox", published["cogvideox"], "cpu", "float32")
    family.shown(batch_of(family, clips[:1]), clips[:1, 0], 1, draws(1))
    assert family._vae.use_tiling is False


def test_a_noisy_picture_was_kept_and_the_clean_one_is_shown(published, clips):
    plain, noisy = (
        open_family("cogvideox", published["cogvideox"], "cpu", "float32", image_noise=noise) for noise in (False, True)
    )
    made = [each.shown(batch_of(each, clips[:1]), clips[:1, 0], 2, draws(1)) for each in (plain, noisy)]
    assert np.array_equal(*made)


def test_pictures_undo_pixels_and_what_is_no_number_is_grey(clips):
    back = pictures(pixels(clips[0], torch.float32, "cpu"))
    assert np.array_equal(back, clips[0])
    odd = torch.tensor([float("nan"), 7.0, -7.0]).view(1, 3, 1, 1, 1)
    assert pictures(odd).ravel().tolist() == [128, 255, 0]


def test_a_backbone_of_bfloat16_makes_about_the_same(family, clips):
    lower = open_family(family.name, family.parts.folder, "cpu", "bfloat16")
    batch = batch_of(family, clips[:1])
    exact, rough = (each.shown(batch, clips[:1, 0], 2, draws(1)).astype(int) for each in (family, lower))
    assert lower.transformer.dtype == torch.bfloat16
    assert 0 < np.abs(exact - rough).mean() < 3
