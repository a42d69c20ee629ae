"""The cache of latents and text: what goes in comes out, under a name that says all that decided it."""

from dataclasses import replace

import pytest
import torch

from kinebench.errors import KineBenchError
from kinebench.kinemask.latents import Cache
from kinebench.kinemask.material import gathered, lacking, wanted
from kinebench.kinemask.precompute import precompute

SHA = "ab" * 32


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", "a model", (96, 64))


def quiet(*_):
    pass


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_clip_comes_back_as_it_was(cache, dtype):
    kept = {"mean": torch.randn(3, 4, 8, 12).to(dtype).transpose(2, 3), "logvar": torch.zeros(2, dtype=dtype)}
    cache.put_clip(SHA, kept)
    again = cache.get_clip(SHA)
    assert again.keys() == kept.keys()
    for name, value in kept.items():
        assert again[name].dtype == dtype and torch.equal(again[name], value)


@pytest.mark.parametrize("said", [0, 3, 7])
def test_a_prompt_comes_back_whole_without_its_zeros_on_the_disk(cache, said):
    embedding = torch.zeros(7, 16, dtype=torch.bfloat16)
    embedding[:said] = torch.randn(said, 16)
    cache.put_prompt("A cube slides.", embedding)
    assert torch.equal(cache.get_prompt("A cube slides."), embedding)
    assert cache.prompt("A cube slides.").stat().st_size < 300 + said * 32


def test_zeros_within_a_prompt_stay(cache):
    embedding = torch.ones(4, 8)
    embedding[1] = 0
    cache.put_prompt("", embedding)
    assert torch.equal(cache.get_prompt(""), embedding)


def test_names_say_clip_model_and_size(cache):
    names = [
        cache.clip(SHA),
        cache.clip("cd" * 32),
        replace(cache, model="another").clip(SHA),
        replace(cache, size=(96, 96)).clip(SHA),
        cache.prompt("a"),
        cache.prompt("b"),
        replace(cache, model="another").prompt("a"),
    ]
    assert len({path.name for path in names}) == len(names)
    assert replace(cache, size=(96, 96)).prompt("a") == cache.prompt("a")


def test_what_is_gone_or_damaged_names_the_command(cache):
    with pytest.raises(KineBenchError, match=r"is gone; run the same kinebench train precompute"):
        cache.get_clip(SHA)
    cache.put_clip(SHA, {"mean": torch.zeros(100)})
    path = cache.clip(SHA)
    for damaged in (path.read_bytes()[:-30], b"", b"\xff" * 40):
        path.write_bytes(damaged)
        with pytest.raises(KineBenchError, match=r"is damaged .*; delete it and run the same"):
            cache.get_clip(SHA)


@pytest.mark.parametrize("family", ["cogvideox", "wan"])
def test_precompute_makes_what_is_not_there(configured, tmp_path, family):
    config = configured(family, data={"cache": str(tmp_path / "cache"), "caption_dropout": 0.1})
    first = precompute(config, quiet)
    assert (first.clips_made, first.clips, first.prompts_made, first.prompts) == (6, 6, 7, 7)  # with the empty one
    files = {path: path.read_bytes() for path in (tmp_path / "cache").rglob("*.safetensors")}
    assert len(files) == 13
    gone = sorted(files)[::5]
    for path in gone:
        path.unlink()
    second = precompute(config, quiet)
    assert second.clips_made + second.prompts_made == len(gone)
    assert {path: path.read_bytes() for path in (tmp_path / "cache").rglob("*.safetensors")} == files


def test_precompute_fits_clips_into_another_size(configured, tmp_path):
    config = configured(data={"cache": str(tmp_path), "size": [64, 64]})
    material = gathered(config, "cpu")
    assert sum(lacking(*each) for each in wanted(material, mirror=True)) == 2 * 4 + 2
    precompute(config, quiet)
    kept = material.trained.cache.get_clip(material.trained.sha256(material.trained.keys[0]))
    assert kept["mean"].shape == (3, 4, 8, 8)
