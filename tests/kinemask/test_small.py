"""The small backbone of either architecture: its codec, its words, and that it learns."""

import json

import numpy as np
import pytest
import torch

from kinebench.errors import KineBenchError
from kinebench.kinemask import checkpoint
from kinebench.kinemask.branch.attach import attached
from kinebench.kinemask.draw import Draw, rng
from kinebench.kinemask.families import open_family
from kinebench.kinemask.families.small import save, untrained
from kinebench.kinemask.small import words
from kinebench.kinemask.small.codec import Codec, fitted

FRAMES, HEIGHT, WIDTH = 9, 16, 24
PROMPTS = ("The red cube moves to the left.", "An object moving on a surface")


def moving_squares(count):
    """Clips in which one square slides over a noisy ground."""
    rng = np.random.default_rng(0)
    clips = []
    for _ in range(count):
        clip = np.repeat(rng.integers(60, 120, (1, HEIGHT, WIDTH, 3)), FRAMES, axis=0).astype(np.uint8)
        top, left, colour = rng.integers(0, HEIGHT - 5), rng.integers(0, WIDTH - 13), rng.integers(0, 256, 3)
        for frame in range(FRAMES):
            clip[frame, top : top + 5, left + frame : left + frame + 5] = colour
        clips.append(clip)
    return clips


@pytest.fixture(scope="module")
def clips():
    return moving_squares(12)


@pytest.fixture(scope="module")
def codec(clips):
    return fitted(clips, patch_px=4, channels=48, whitening=1.0, deviation=0.3)


@pytest.fixture(scope="module")
def folders(codec, tmp_path_factory):
    """Two backbones with one codec, by architecture."""
    made = {name: tmp_path_factory.mktemp(name) for name in ("cogvideox", "wan")}
    for name, folder in made.items():
        torch.manual_seed(0)
        transformer = untrained(codec, FRAMES, HEIGHT, WIDTH, kind=name, layers=2, heads=1)
        save(folder, transformer, codec, FRAMES, HEIGHT, WIDTH)
    return made


@pytest.fixture(params=["cogvideox", "wan"])
def small(request, folders):
    return open_family("small", folders[request.param], "cpu", "float32")


def draw(batch, seed=1):
    return Draw([rng(seed, 0, place) for place in range(batch)])


def test_a_codec_of_every_component_loses_only_rounding(clips):
    whole = fitted(clips, patch_px=2, channels=12, whitening=0.5, deviation=0.3)
    still = np.repeat(clips[0][:1], FRAMES, axis=0)
    assert np.array_equal(whole.decode(whole.encode(still), still[0]), still)
    assert whole.encode(still).shape == (3, 12, HEIGHT // 2, WIDTH // 2)
    latents = whole.encode(clips[0])
    back = latents[0].transpose(1, 2, 0) / whole.first_scale @ whole.first + whole.mean
    pixels = back.reshape(HEIGHT // 2, WIDTH // 2, 2, 2, 3).transpose(0, 2, 1, 3, 4).reshape(HEIGHT, WIDTH, 3)
    assert np.abs(pixels - clips[0][0]).max() < 0.01


def test_more_components_lose_less_and_frame_0_nothing(clips):
    errors = []
    for channels in (4, 16, 48):
        codec = fitted(clips, 4, channels, whitening=0.0, deviation=0.3)
        made = [codec.decode(codec.encode(clip), clip[0]) for clip in clips]
        assert all(np.array_equal(one[0], clip[0]) for one, clip in zip(made, clips, strict=True))
        errors.append(np.mean([(one.astype(float) - clip) ** 2 for one, clip in zip(made, clips, strict=True)]))
    assert errors[0] > 1.3 * errors[1] > 2 * errors[2]


def test_scales_are_as_asked_for(clips, codec):
    latents = np.stack([codec.encode(clip) for clip in clips])
    assert latents[:, 1:].std() == pytest.approx(0.3, rel=0.05)
    assert latents[:, 0].std(axis=(0, 2, 3)) == pytest.approx(np.ones(48), rel=0.05)


@pytest.mark.parametrize("frame", range(FRAMES))
def test_a_frame_is_told_by_its_own_latent_frame_alone(clips, codec, frame):
    changed = clips[0].copy()
    changed[frame] = 255 - changed[frame]
    differs = (codec.encode(changed) != codec.encode(clips[0])).any(axis=(1, 2, 3))
    assert list(differs) == ([True] * 3 if frame == 0 else [False, frame <= 4, frame > 4])


@pytest.mark.parametrize("shape", [(8, 16, 24, 3), (1, 16, 24, 3), (9, 18, 24, 3), (9, 16, 22, 3)])
def test_a_clip_that_does_not_fit_is_named(codec, shape):
    with pytest.raises(KineBenchError, match=f"{shape[0]} frames of {shape[2]}x{shape[1]}"):
        codec.encode(np.zeros(shape, np.uint8))


def test_a_codec_is_fitted_alike_saved_and_loaded(clips, codec, tmp_path):
    codec.save(tmp_path / "codec.safetensors")
    again = Codec.load(tmp_path / "codec.safetensors")
    assert np.array_equal(again.encode(clips[1]), codec.encode(clips[1]))
    assert np.array_equal(fitted(iter(clips), 4, 48, 1.0, 0.3).encode(clips[1]), codec.encode(clips[1]))
    (tmp_path / "other.safetensors").write_bytes(b"no tensors")
    for name in ("other.safetensors", "missing.safetensors"):
        with pytest.raises(KineBenchError, match=name):
            Codec.load(tmp_path / name)
    with pytest.raises(KineBenchError, match="there is none"):
        fitted([], 4, 48, 1.0, 0.3)


def test_phrases_are_the_same_everywhere_and_their_order_counts():
    red, turned, empty = words.embedded(["a red cube, then left", "left and a cube that is red", ""])
    assert red.shape == (words.PHRASES, words.WIDTH)
    assert red[0, :2] == pytest.approx([-0.9056523, 0.8270595], abs=1e-6)
    assert red[:2].any(axis=1).all() and not red[2:].any() and not empty.any()
    assert not np.allclose(red, turned)
    assert words.heard("The RED cube stays 2D on the ground") == [("red", "cube")]
    assert len(words.heard("left, right, " * 40)) == words.PHRASES


def test_a_prompt_does_not_depend_on_its_neighbours(folders):
    small = open_family("small", folders["wan"], "cpu", "float32")
    both, alone = small.text(PROMPTS), small.text(PROMPTS[1:])
    assert torch.equal(both[1:], alone)


def test_architectures_are_told_apart_and_share_latents(folders, tmp_path):
    found = {name: open_family("small", folder, "cpu", "float32") for name, folder in folders.items()}
    assert {name: small.architecture for name, small in found.items()} == {"cogvideox": "cogvideox", "wan": "wan"}
    one, two = found.values()
    assert one.identity == two.identity and one.clip == two.clip == (FRAMES, WIDTH, HEIGHT)
    config = folders["wan"] / "transformer" / "config.json"
    (tmp_path / "transformer").mkdir()
    (tmp_path / "model_index.json").write_text('{"_class_name": "KineBenchSmall"}')
    odd = json.loads(config.read_text()) | {"_class_name": "AllegroTransformer3DModel"}
    (tmp_path / "transformer" / "config.json").write_text(json.dumps(odd))
    with pytest.raises(KineBenchError, match=r"transformer is a AllegroTransformer3DModel; no small backbone is one"):
        open_family("small", tmp_path, "cpu", "float32").check(FRAMES, WIDTH, HEIGHT)


def test_architectures_are_about_as_large(codec):
    """At the shape that a configuration has by default."""
    with torch.device("meta"):
        made = [untrained(codec, 13, 64, 96, kind=name) for name in ("cogvideox", "wan")]
    one, two = (sum(each.numel() for each in transformer.parameters()) for transformer in made)
    assert 0.7 < two / one < 1


def test_a_branch_of_the_other_architecture_is_refused(folders, tmp_path):
    families = [open_family("small", folder, "cpu", "float32") for folder in folders.values()]
    for mine, other in (families, families[::-1]):
        control = mine.control.on(mine.transformer, num_layers=1, unshuffle=4, mask_width=8, mask_channels=4)
        place = tmp_path / mine.architecture
        place.mkdir()
        point = checkpoint.write(place, {"step": 1}, "", {checkpoint.CONTROL: control}, {})
        assert point.branch(mine.control, mine.transformer).config.num_layers == 1
        names = [each.control.__name__ for each in (mine, other)]
        said = "control: it is a {} of another backbone: this one takes a {}".format(*names)
        with pytest.raises(KineBenchError, match=said):
            point.branch(other.control, other.transformer)


def test_wans_first_frame_is_clean_tokens_of_time_0(folders, clips):
    small = open_family("small", folders["wan"], "cpu", "float32")
    latents = torch.stack([small.latents(clip)["latents"] for clip in clips[:2]])
    heard = []
    small.transformer.register_forward_pre_hook(lambda _, __, named: heard.append(named), with_kwargs=True)
    small.loss({"latents": latents, "text": small.text(PROMPTS)}, draw(2))
    told, times = heard[0]["hidden_states"], heard[0]["timestep"].unflatten(1, (3, -1))
    channels = latents.shape[2]
    assert torch.equal(told[:, :channels, 0], latents[:, 0])
    assert torch.equal(told[:, channels:], latents[:, :1].transpose(1, 2).expand(-1, -1, 3, -1, -1))
    assert not times[:, 0].any() and (times[:, 1:] > 0).all()
    assert (times[:, 1:] == times[:, 1:2, :1]).all() and times[0, 1, 0] != times[1, 1, 0]
    assert (told[:, :channels, 1:] != latents[:, 1:].transpose(1, 2)).any()


def test_loss_falls_and_a_clips_draw_is_its_own(small, clips):
    latents = torch.stack([small.latents(clip)["latents"] for clip in clips])
    batch = {"latents": latents, "text": small.text(PROMPTS[:1]).expand(len(clips), -1, -1)}
    first = small.loss(batch, draw(len(clips))).detach()
    assert first.shape == (len(clips),)
    few = {name: value[:3] for name, value in batch.items()}
    assert torch.allclose(small.loss(few, draw(3)), first[:3], atol=1e-4)
    small.transformer.requires_grad_(True)
    optimizer = torch.optim.AdamW(small.transformer.parameters(), lr=3e-3)
    for step in range(20):
        small.loss(batch, draw(len(clips), step + 2)).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert small.loss(batch, draw(len(clips))).mean() < 0.7 * first.mean()


def test_nothing_that_moves_has_a_loss_of_one(small, clips, monkeypatch):
    latents = torch.stack([small.latents(clip)["latents"] for clip in clips])
    monkeypatch.setattr(small, "clean", lambda noisy, *_: torch.zeros_like(noisy))
    batch = {"latents": latents, "text": small.text(PROMPTS[:1])}
    assert small.loss(batch, draw(len(clips))).mean() == pytest.approx(1, rel=0.05)


def test_sampling_is_the_draws_and_a_fresh_control_changes_nothing(small, clips):
    first = torch.stack([small.latents(clip)["latents"][0] for clip in clips[:2]])
    text = small.text(PROMPTS)
    made = small.sampled(first, text, 3, draw(2))
    assert made.shape == (2, 3, 48, HEIGHT // 4, WIDTH // 4)
    assert torch.equal(made, small.sampled(first, text, 3, draw(2)))
    assert not torch.equal(made, small.sampled(first, text, 3, draw(2, seed=2)))
    control = small.control.on(small.transformer, num_layers=1, unshuffle=4, mask_width=8, mask_channels=4)
    masks = torch.rand((2, FRAMES, 3, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(3))
    with attached(small.transformer, control, masks):
        assert torch.equal(made, small.sampled(first, text, 3, draw(2)))
    shown = small.shown({"latents": first[:, None], "text": text}, np.stack(clips[:2])[:, 0], 1, draw(2))
    assert np.array_equal(shown[:, 0], np.stack(clips[:2])[:, 0])


def test_a_clip_of_another_size_is_named(small):
    with pytest.raises(KineBenchError, match="9 frames of 24x16"):
        small.latents(np.zeros((13, HEIGHT, WIDTH, 3), np.uint8))


def test_saved_and_opened(small, codec, clips, tmp_path):
    save(tmp_path, small.transformer, codec, FRAMES, HEIGHT, WIDTH)
    again = open_family("small", tmp_path, "cpu", "float32")
    assert again.identity == small.identity
    assert torch.equal(again.latents(clips[0])["latents"], small.latents(clips[0])["latents"])
    mine, theirs = small.transformer.state_dict(), again.transformer.state_dict()
    assert mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
    fitted(clips, patch_px=4, channels=48, whitening=0.5, deviation=0.3).save(tmp_path / "codec/model.safetensors")
    assert open_family("small", tmp_path, "cpu", "float32").identity != small.identity
    with pytest.raises(KineBenchError, match="no folder of diffusers"):
        open_family("small", tmp_path / "elsewhere", "cpu", "float32")
