"""CogVideoX with tiny random weights, through the adapter's own code: published layout, sizes, seeds, prompts."""

import io
import json
import shutil

import numpy as np
import pytest

from kinebench.errors import KineBenchError, Unavailable
from kinebench.methods import hub, in_process
from kinebench.methods.adapter import Setup
from kinebench.methods.method import find

pytest.importorskip("diffusers")
SIZE = (48, 32)
STEPS = 2


@pytest.fixture(scope="module")
def adapter(loaded):
    return loaded("cogvideox", steps=STEPS, dtype="float32")


@pytest.fixture(scope="module")
def video(adapter, condition):
    return adapter.generate(condition(SIZE), seed=0)


@pytest.fixture(scope="module")
def published(tmp_path_factory, adapter):
    """The tiny pipeline as a folder of weights."""
    folder = tmp_path_factory.mktemp("published") / "cogvideox"
    adapter.pipeline.sampler.pipeline.save_pretrained(folder)
    return folder


def test_the_clips_frames_of_all_that_the_model_makes(video):
    assert video.frames.shape == (5, 32, 48, 3)
    assert video.frames.dtype == np.uint8
    assert video.frames.std() > 5
    assert {name: value for name, value in video.facts.items() if name not in ("torch", "diffusers")} == {
        "revision": None,
        "scheduler": "CogVideoXDPMScheduler",
        "steps": STEPS,
        "dtype": "float32",
        "device": "cpu",
        "guidance": 6.0,
        "dynamic_guidance": True,
        "prompt_tokens": len("A red box slides to the left.") + 1,
        "prompt_truncated": False,
        "frames_made": 49,
    }


def test_a_seed_makes_its_video_again_from_a_folder_of_weights(published, loaded, condition, video):
    """Loading what lies in a folder is the code that loads the published weights."""
    again = loaded("cogvideox", folder=published, steps=STEPS, dtype="float32")
    assert (again.generate(condition(SIZE), seed=0).frames == video.frames).all()
    assert again.pipeline.sampler.pipeline.scheduler.config.timestep_spacing == "trailing"
    assert again.pipeline.sampler.pipeline.vae.use_tiling
    assert not any(
        part.training for part in (again.pipeline.sampler.pipeline.transformer, again.pipeline.sampler.pipeline.vae)
    )


def test_another_seed_frame_or_prompt_makes_another(adapter, condition, video):
    words = condition(SIZE, prompt="word " * 60)
    for given, seed in ((condition(SIZE), 1), (condition(SIZE, shade=60), 0), (words, 0)):
        other = adapter.generate(given, seed)
        assert (other.frames != video.frames).any()
    assert other.facts["prompt_tokens"] == 301
    assert other.facts["prompt_truncated"]


def test_what_is_cut_off_of_a_prompt_changes_nothing(adapter, condition):
    limit = adapter.pipeline.sampler.pipeline.transformer.config.max_text_seq_length
    assert limit == find("cogvideox").prompt_tokens == 226
    one, two = (adapter.generate(condition(SIZE, prompt="a" * 226 + end), 0) for end in ("b", "c"))
    assert (one.frames == two.frames).all()


def test_the_tokenizer_that_is_published_is_read(published, tmp_path, loaded, condition):
    """It comes as a model of sentencepiece alone, which transformers translates."""
    sentencepiece = pytest.importorskip("sentencepiece")
    folder = shutil.copytree(published, tmp_path / "sentencepiece")
    model = io.BytesIO()
    lines = iter(["a red box slides to the left", "the floor is made of wood"] * 5)
    fixed = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "hard_vocab_limit": False, "minloglevel": 2}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=lines, model_writer=model, vocab_size=50, **fixed)
    shutil.rmtree(folder / "tokenizer")
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "spiece.model").write_bytes(model.getvalue())
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T5Tokenizer"}))
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"tokenizer": ["transformers", "T5Tokenizer"]}))
    words = "a red box slides to the floor"
    video = loaded("cogvideox", folder=folder, steps=1).generate(condition(SIZE, prompt=words), 0)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).encode(words)
    assert video.facts["prompt_tokens"] == len(pieces) + 1


def test_steps_that_cannot_be(loaded):
    with pytest.raises(KineBenchError, match="--set steps=0: it is 1 to 1000"):
        loaded("cogvideox", steps=0)


def test_in_bfloat16(loaded, condition, published):
    adapter = loaded("cogvideox", folder=published, steps=STEPS)
    assert {
        str(part.dtype)
        for part in (adapter.pipeline.sampler.pipeline.transformer, adapter.pipeline.sampler.pipeline.vae)
    } == {"torch.bfloat16"}
    video = adapter.generate(condition(SIZE), 0)
    assert video.facts["dtype"] == "bfloat16"
    assert (video.frames == adapter.generate(condition(SIZE), 0).frames).all()


def test_what_the_model_cannot_make_is_refused(adapter, condition):
    with pytest.raises(KineBenchError, match="multiples of 16 pixels, and was given 40x32"):
        adapter.generate(condition((40, 32)), 0)
    with pytest.raises(KineBenchError, match="makes 49 frames, and the clip has 50"):
        adapter.generate(condition(SIZE, frames=50), 0)


def test_learned_positions_allow_one_size(published, tmp_path, loaded, condition):
    """The published model has them."""
    from diffusers import CogVideoXTransformer3DModel

    folder = shutil.copytree(published, tmp_path / "learned")
    config = CogVideoXTransformer3DModel.load_config(folder / "transformer")
    learned = {"use_learned_positional_embeddings": True, "sample_width": 6, "sample_height": 4}
    CogVideoXTransformer3DModel.from_config(config, **learned).save_pretrained(folder / "transformer")
    adapter = loaded("cogvideox", folder=folder, steps=1)
    assert adapter.generate(condition((48, 32)), 0).frames.shape == (5, 32, 48, 3)
    with pytest.raises(KineBenchError, match="makes 48x32 alone, and was given 96x64"):
        adapter.generate(condition((96, 64)), 0)


def test_offloading_says_nothing_on_the_cpu(published, loaded):
    for offload in ("none", "model", "sequential"):
        adapter = loaded("cogvideox", folder=published, offload=offload)
        assert adapter.pipeline.sampler.pipeline._execution_device.type == "cpu"


def test_a_folder_of_another_model_is_refused(published, tmp_path, loaded):
    folder = shutil.copytree(published, tmp_path / "other")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": "CogVideoXPipeline"}))
    with pytest.raises(KineBenchError, match="holds a CogVideoXPipeline; a CogVideoXImageToVideoPipeline is wanted"):
        loaded("cogvideox", folder=folder)


def test_weights_for_a_gpu_are_not_loaded_on_a_cpu(published, tmp_path, loaded):
    """Said at once: a file of three sparse gigabytes stands for the model."""
    folder = shutil.copytree(published, tmp_path / "large")
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    with weights.open("r+b") as file:
        file.truncate(3_000_000_000)
    with pytest.raises(KineBenchError, match="3 GB of weights do not run on a CPU in any useful time"):
        loaded("cogvideox", folder=folder)


def test_absent_weights_are_named_with_their_licence_and_the_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    method = find("cogvideox")
    setup = Setup("cpu", False, method.settings({}), hub.weights(method, {}))
    with pytest.raises(Unavailable, match=r"hf download \S+ --revision a6f0f48\w+ \(CogVideoX l.* it needs a GPU"):
        in_process.load(method, setup)
