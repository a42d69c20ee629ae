"""Wan2.2-TI2V-5B with tiny random weights, through the adapter's own code and through the harness."""

import json
import shutil

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.methods.delivery import parse
from kinebench.methods.method import find
from kinebench.methods.runner import run
from kinebench.methods.source import Source

pytest.importorskip("diffusers")
SIZE = (96, 64)
STEPS = 2


@pytest.fixture(scope="module")
def adapter(loaded):
    return loaded("wan", steps=STEPS, dtype="float32")


@pytest.fixture(scope="module")
def video(adapter, condition):
    return adapter.generate(condition(SIZE), seed=0)


@pytest.fixture(scope="module")
def published(tmp_path_factory, adapter):
    """The tiny pipeline as the published folder is: it calls itself by the class that makes videos of words alone."""
    folder = tmp_path_factory.mktemp("published") / "wan"
    adapter.pipeline.sampler.pipeline.save_pretrained(folder)
    rewrite(folder, without=("image_encoder", "image_processor"), _class_name="WanPipeline")
    return folder


def rewrite(folder, without=(), **fields):
    path = folder / "model_index.json"
    index = json.loads(path.read_text()) | fields
    path.write_text(json.dumps({name: value for name, value in index.items() if name not in without}))


def test_a_video(video):
    assert video.frames.shape == (5, 64, 96, 3)
    assert video.frames.dtype == np.uint8
    assert video.frames.std() > 5
    assert {name: value for name, value in video.facts.items() if name not in ("torch", "diffusers")} == {
        "revision": None,
        "scheduler": "UniPCMultistepScheduler",
        "steps": STEPS,
        "dtype": "float32",
        "device": "cpu",
        "guidance": 5.0,
        "flow_shift": 5.0,
        "negative_prompt": "the authors'",
        "prompt_tokens": len("A red box slides to the left.") + 1,
        "prompt_truncated": False,
        "frames_made": 5,
    }


def test_a_seed_makes_its_video_again_from_a_folder_of_weights(published, loaded, condition, video):
    again = loaded("wan", folder=published, steps=STEPS, dtype="float32")
    assert (again.generate(condition(SIZE), seed=0).frames == video.frames).all()
    assert type(again.pipeline.sampler.pipeline).__name__ == "WanImageToVideoPipeline"
    assert again.pipeline.sampler.pipeline.scheduler.config.flow_shift == 5.0
    assert again.pipeline.sampler.pipeline.scheduler.config.use_flow_sigmas


def test_another_seed_frame_or_prompt_makes_another(adapter, condition, video):
    words = condition(SIZE, prompt="word " * 120)
    for given, seed in ((condition(SIZE), 1), (condition(SIZE, shade=60), 0), (words, 0)):
        other = adapter.generate(given, seed)
        assert (other.frames != video.frames).any()
    assert other.facts["prompt_tokens"] == 600  # spaces at the end are taken away first
    assert other.facts["prompt_truncated"]


def test_the_first_frame_does_not_depend_on_the_noise(adapter, condition, video):
    """The model keeps its latent as it is given, so that much of it is in the video even with random weights."""
    one, two = video.frames[0].astype(int), adapter.generate(condition(SIZE), 1).frames[0].astype(int)
    later = np.abs(video.frames[-1].astype(int) - adapter.generate(condition(SIZE), 1).frames[-1]).mean()
    assert np.abs(one - two).mean() < later


def test_the_autoencoder_stays_in_float32(published, loaded, condition):
    adapter = loaded("wan", folder=published, steps=STEPS)
    kinds = {
        name: str(getattr(adapter.pipeline.sampler.pipeline, name).dtype)
        for name in ("transformer", "text_encoder", "vae")
    }
    assert kinds == {"transformer": "torch.bfloat16", "text_encoder": "torch.bfloat16", "vae": "torch.float32"}
    assert adapter.generate(condition(SIZE), 0).frames.shape == (5, 64, 96, 3)


@pytest.mark.parametrize("size", [(96, 48), (720, 480), (112, 64)])
def test_sizes_that_the_pipeline_would_floor_are_refused(adapter, condition, size):
    with pytest.raises(KineBenchError, match=f"multiples of 32 pixels, and was given {size[0]}x{size[1]}; .* floor"):
        adapter.generate(condition(size), 0)


def test_the_native_size_is_one_that_the_pipeline_keeps():
    native = find("wan").native
    assert native.size == (1152, 768)
    assert native.width / native.height == 720 / 480
    assert all(edge % 32 == 0 for edge in (*native.size, *native.tiny))


@pytest.mark.parametrize(("frames", "made"), [(1, 1), (4, 5), (6, 9), (9, 9)])
def test_frames_that_come_in_fours_are_dropped_not_invented(adapter, condition, frames, made):
    video = adapter.generate(condition(SIZE, frames=frames), 0)
    assert len(video.frames) == frames
    assert video.facts["frames_made"] == made


def test_another_model_of_wan_is_refused(published, tmp_path, loaded):
    folder = shutil.copytree(published, tmp_path / "other")
    rewrite(folder, expand_timesteps=False)
    with pytest.raises(KineBenchError, match=r"another model of Wan; Wan2\.2-TI2V-5B is wanted"):
        loaded("wan", folder=folder)


def test_through_the_harness(tmp_path, condition):
    """The clip is enlarged to what the model takes, and the video is brought back to the clip."""
    given = condition((48, 32), frames=4)
    source = Source(tmp_path, "test", "c", (given.key,), {"dataset": "toys"}, None, {given.key: given}.__getitem__)
    made = run(
        find("wan"),
        source,
        [3],
        tmp_path / "out",
        given={"steps": "1"},
        weights={},
        device="cpu",
        tiny=True,
    )
    assert (made.made, made.failed) == (1, ())
    sidecar = parse((tmp_path / "out" / "seed-3" / f"{given.key}.json").read_bytes())
    assert (sidecar.alignment, sidecar.truth_frames, sidecar.unused_frames) == ("index", (0, 1, 2, 3), 0)
    assert (sidecar.native.width, sidecar.native.height, sidecar.placement.scale) == (96, 64, 0.5)
    assert sidecar.facts["frames_made"] == 5
