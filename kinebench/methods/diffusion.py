"""What methods that are pipelines of diffusers have in common."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError, Unavailable, demand, require
from kinebench.methods.adapter import Setup
from kinebench.methods.hub import INDEX, revision
from kinebench.methods.placement import Size

EXTRA = "diffusion"
MOST_STEPS = 1000
"""So many the models were trained with."""
CPU_LIMIT_GB = 2.0
"""Weights that are larger than this are not run without a GPU: one video of a model of 5 billion parameters, 50 steps,
would take a day or more."""


@contextmanager
def weights(setup: Setup, name: str, tiny: Callable[[Any], Any]) -> Iterator[Path]:
    """The folder of the weights `name`; or one of what `tiny` makes of a tokenizer, a small pipeline, if that is asked.

    Both lie alike, so the same code loads both.
    """
    demand_extra()
    torch = require("torch", EXTRA)
    steps = int(setup.options["steps"])
    if not 1 <= steps <= MOST_STEPS:
        raise KineBenchError(f"--set steps={steps}: it is 1 to {MOST_STEPS}")
    if not setup.tiny:
        try:
            folder = setup.weights(name)
        except Unavailable as error:
            alas = "; and it needs a GPU: it was told to use the CPU" if setup.device == "cpu" else ""
            raise Unavailable(f"{error}{alas}") from error
        yield folder
        return
    with TemporaryDirectory(prefix="kinebench-") as place, quiet():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            tiny(_bytewise()).save_pretrained(place)
        yield Path(place)


def demand_extra() -> None:
    """Raises MissingExtra if something that these pipelines need is not installed."""
    for module in ("torch", "diffusers", "transformers", "accelerate", "sentencepiece", "ftfy"):
        demand(module, EXTRA)
    require("google.protobuf", EXTRA)  # without it transformers cannot read the tokenizers that T5 was published with


def _bytewise() -> Any:
    """A tokenizer that needs no file: every byte is a token, and one ends the text."""
    transformers, tokenizers = require("transformers", EXTRA), require("tokenizers", EXTRA)
    words = ["<pad>", "</s>", *sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())]
    model = tokenizers.models.BPE(vocab={word: number for number, word in enumerate(words)}, merges=[])
    plain = tokenizers.Tokenizer(model)
    plain.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", words.index("</s>"))]
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<pad>", eos_token="</s>")


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars and warnings of the libraries."""
    logs = [require(f"{name}.utils", EXTRA).logging for name in ("diffusers", "transformers")]
    before = [(log.get_verbosity(), log.is_progress_bar_enabled()) for log in logs]
    for log in logs:
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log, (verbosity, bars) in zip(logs, before, strict=True):
            log.set_verbosity(verbosity)
            if bars:
                log.enable_progress_bar()


def opened(
    kind: str,
    folder: Path,
    *,
    device: str,
    dtype: str,
    offload: str,
    float32: Sequence[str] = (),
    saved_as: Sequence[str] = (),
) -> Any:
    """The pipeline `kind` of diffusers from a folder of weights, ready on its device.

    `dtype` is what it computes in, but for the parts in `float32`. `offload` says what waits in the computer's memory:
    "none", "model" (all but the part that works) or "sequential" (all but the layer that works); on the CPU it says
    nothing. `saved_as` are other kinds that the same weights are published as. Reads the folder alone.

    Raises KineBenchError if the folder holds another kind of model, or one that is too large to run without a GPU.
    """
    torch, diffusers = require("torch", EXTRA), require("diffusers", EXTRA)
    _check(kind, folder, device, (kind, *saved_as))
    with quiet():  # of libraries for other models, that are not there
        published = getattr(diffusers, kind)
    kinds = {"default": getattr(torch, dtype)} | dict.fromkeys(float32, torch.float32)
    pipeline = published.from_pretrained(str(folder), dtype=kinds, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)  # the harness shows how far it is
    if device == "cpu" or offload == "none":
        pipeline.to(device)
    elif offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)
    return pipeline


def _check(kind: str, folder: Path, device: str, known: Sequence[str]) -> None:
    try:
        found = json.loads((folder / INDEX).read_bytes())["_class_name"]
    except (OSError, ValueError, KeyError, TypeError):
        raise KineBenchError(f"{folder} is no folder of diffusers: its {INDEX} is missing or cannot be read") from None
    if found not in known:
        raise KineBenchError(f"{folder} holds a {found}; a {kind} is wanted: name another folder")
    gigabytes = sum(path.stat().st_size for path in folder.rglob("*.safetensors")) / 1e9
    if device == "cpu" and gigabytes > CPU_LIMIT_GB:
        raise KineBenchError(
            f"{gigabytes:.0f} GB of weights do not run on a CPU in any useful time; run it where torch finds a GPU, "
            "with --device cuda"
        )


def made(pipeline: Any, seeds: Sequence[int], **asked: Any) -> NDArray[np.float32]:
    """The videos of one call, one for each seed, (N, n, h, w, 3), 0..1.

    The same call makes them again, on the same kind of device.
    """
    torch = require("torch", EXTRA)
    from kinebench.metrics.precision import steady

    noise = [torch.Generator(device="cpu").manual_seed(seed) for seed in seeds]  # draws the same for every device
    with steady():
        return pipeline(**asked, generator=noise, output_type="np").frames


def as_pictures(video: NDArray[np.float32], frames: int, size: Size) -> NDArray[np.uint8]:
    """The first `frames` of a video (n, h, w, 3), 0..1, rounded to the nearest of 256 levels, half to even.

    So rounds diffusers itself when it makes pictures; its export of arrays to MP4 rounds down, which darkens them.
    Raises KineBenchError if the video is smaller or shorter than was asked for, RuntimeError if it is no picture.
    """
    width, height = size
    if video.shape[0] < frames or video.shape[1:] != (height, width, 3):
        asked = f"{frames} frames of {width}x{height}"
        came = f"{video.shape[0]} of {video.shape[2]}x{video.shape[1]}" if video.ndim == 4 else f"{video.shape}"
        raise KineBenchError(f"the pipeline was asked for {asked} and made {came}")
    used = video[:frames]
    if not np.isfinite(used).all():
        raise RuntimeError("the model made values that are no numbers; try --set dtype=float32")
    return np.rint(used * 255).astype(np.uint8)


def told(tokenizer: Any, prompt: str, limit: int) -> dict[str, Any]:
    """What a model reads of a prompt: how many tokens it has, and whether those beyond `limit` were cut off."""
    count = len(tokenizer(prompt, truncation=False, verbose=False).input_ids)
    return {"prompt_tokens": count, "prompt_truncated": count > limit}


def origin(folder: Path, pipeline: Any, *, steps: int, dtype: str) -> dict[str, Any]:
    """What a video was made with: the commit of the weights if it is known, how it was sampled, and by what."""
    return {
        "revision": revision(folder),
        "scheduler": type(pipeline.scheduler).__name__,
        "steps": steps,
        **versions(pipeline._execution_device, dtype),
    }


def versions(place: Any, dtype: str) -> dict[str, str]:
    """What computes, on a device of torch."""
    torch, diffusers = require("torch", EXTRA), require("diffusers", EXTRA)
    return {
        "dtype": dtype,
        "device": torch.cuda.get_device_name(place) if place.type == "cuda" else place.type,
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
    }
