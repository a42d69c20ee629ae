"""The trainer's step with random weights: made as published weights are loaded, counted as by hand, measured."""

import io
import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from kinebench.bench import train
from kinebench.bench.backbone import batch, encoded, kept, opened
from kinebench.bench.estimate import Estimate, estimate
from kinebench.bench.train import OUT_OF_MEMORY, Cell, Found, Way, cell_of
from kinebench.cli.bench_tables import step_costs, step_estimate
from kinebench.errors import KineBenchError
from kinebench.kinemask.families.parts import Parts
from kinebench.kinemask.published import COGVIDEOX, TINY_COGVIDEOX, TINY_WAN, WAN

TINY = [TINY_COGVIDEOX, TINY_WAN]
NAMES = ["cogvideox", "wan"]
ANCESTOR, PLAIN, COMPILED = Way(True, True, False), Way(False, True, False), Way(False, True, True)


def text(table):
    console = Console(width=200, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()


def dtypes(model):
    return {name: value.dtype for name, value in (*model.named_parameters(), *model.named_buffers())}


@pytest.mark.parametrize("model", TINY, ids=NAMES)
def test_drawn_weights_are_in_the_dtypes_of_loaded_ones(model, tmp_path):
    """What stays in float32 beside bfloat16 decides time and memory."""
    family, parts = opened(model, "cpu")
    drawn = {"transformer": family.transformer, "vae": parts.autoencoder(), "text_encoder": parts.encoder()}
    for part, mine in drawn.items():
        made = type(mine)(mine.config) if part == "text_encoder" else type(mine).from_config(mine.config)
        made.save_pretrained(tmp_path / part)
        loaded = Parts(tmp_path, "cpu", "bfloat16").frozen(part, type(mine))
        assert dtypes(mine) == dtypes(loaded)
        assert not mine.training and not any(value.requires_grad for value in mine.parameters())


@pytest.mark.parametrize("model", TINY, ids=NAMES)
def test_clips_are_as_precompute_keeps_them(model):
    family, parts = opened(model, "cpu")
    frames = np.random.default_rng(0).integers(0, 256, (model.frames, model.height, model.width, 3), dtype=np.uint8)
    expected = kept(model, family.pixel)
    text_shape, text_dtype = expected.pop("text")
    made = family.latents(frames)
    assert {name: (tuple(value.shape), value.dtype) for name, value in made.items()} == expected
    looped = encoded(model, parts.autoencoder(), parts.encoder(), frames, torch.ones(1, model.words, dtype=torch.long))
    assert {name: tuple(value.shape[1:]) for name, value in looped.items()} == {
        "text": text_shape,
        **{name: shape for name, (shape, _) in expected.items()},
    }
    assert looped["text"].dtype == text_dtype
    ready = batch(model, family.pixel, 2)
    assert ready["ids"].shape == (2, *frames.shape[:3]) and set(ready["ids"].unique().tolist()) == {0, 1}


def cogvideox_by_hand(model, blocks, mine):
    """Of blocks of width D over N tokens: 24 N D^2 in layers, 4 N^2 D in attention; backward once or twice of each.

    Nothing before the first residual needs the way back through the backbone, and no frozen weight a gradient.
    """
    words, wide = 226, 3072
    image = (model.frames + 3) // 4 * (model.height // 16) * (model.width // 16)
    layers, attention = 24 * (image + words) * wide**2, 4 * (image + words) ** 2 * wide
    said = 2 * image * wide**2
    forward = (blocks + mine) * (layers + attention) + mine * said
    backward = (blocks - 1) * (layers + 2 * attention) + mine * 2 * (layers + attention + said)
    return forward, forward + backward, layers + attention


def wan_by_hand(model, blocks, mine):
    """Its layers are of another width, text has an attention of its own, and every token is told its time."""
    words, wide, inner = 512, 3072, 14336
    image = (model.frames + 3) // 4 * (model.height // 32) * (model.width // 32)
    layers, attention = 12 * image * wide**2 + 4 * image * wide * inner, 4 * image**2 * wide
    keys, reading, said = 4 * words * wide**2, 4 * image * words * wide, 2 * image * wide**2
    told = 14 * image * wide**2 + 2 * words * (4096 * wide + wide**2)  # by the backbone and by the branch
    forward = (blocks + mine) * (layers + attention + keys + reading) + mine * said + 2 * told
    frozen = layers + 2 * attention + reading  # the keys of text need nothing
    backward = (blocks - 1) * frozen + mine * 2 * (layers + attention + keys + reading + said) + 2 * told
    return forward, forward + backward, layers + attention + keys + reading


@pytest.fixture(scope="module", params=[(COGVIDEOX, cogvideox_by_hand), (WAN, wan_by_hand)], ids=NAMES)
def counted(request):
    """The published shapes, but for three blocks and one in the branch."""
    model, by_hand = request.param
    few = replace(model, transformer={**model.transformer, "num_layers": 3}, branch={"layers": 1})
    return estimate(few), by_hand(few, 3, 1)


@pytest.mark.slow
def test_flops_are_those_counted_by_hand(counted):
    found, (forward, step, block) = counted
    assert found.flops.forward == pytest.approx(forward, rel=0.01)
    assert found.flops.step == pytest.approx(step, rel=0.01)
    again = found.flops.checkpointed - found.flops.step
    assert again == pytest.approx(3 * block, rel=0.01)  # of four: through the backbone's first no way back leads


@pytest.mark.slow
def test_memory_is_that_counted_by_hand(counted):
    found, _ = counted
    width = 3072
    assert found.memory.branch == 16 * found.parameters.branch
    assert found.memory.lower == 2 * found.parameters.branch
    blocks = 4 * found.tokens * width * 2
    assert blocks < found.memory.activations < 1.5 * blocks + 6 * found.tokens * width * 4
    if found.model.family == "cogvideox":
        assert found.clip_bytes == 2 * 2 * (13 + 1) * 16 * 60 * 90
        assert found.prompt_bytes == 2 * 226 * 4096
        assert found.tokens == 17776
    else:
        assert found.clip_bytes == 4 * 13 * 48 * 48 * 72
        assert found.tokens == 13 * 24 * 36


@pytest.mark.slow
def test_hours_follow_from_flops(counted):
    found: Estimate = counted[0]
    assert found.hours(found.flops.step) == pytest.approx(80_000 / 3600)
    assert "counted, not measured" in text(step_estimate(found))


@pytest.fixture(scope="module")
def measured():
    """Two ways on a CPU, tiny; and what the bar was told."""
    told = []
    ways = (ANCESTOR, PLAIN)
    work = train.measured(TINY_WAN, 10**9, (1, 2), 2, lambda *moment: told.append(moment), ways)
    *_, found = work
    return found, told


@pytest.mark.slow
def test_every_way_is_measured_with_every_number_of_clips(measured):
    found, told = measured
    assert [(cell.way, cell.batch) for cell in found.cells] == [(ANCESTOR, 1), (ANCESTOR, 2), (PLAIN, 1), (PLAIN, 2)]
    assert all(len(cell.seconds) == 2 and cell.failure is None and cell.memory_bytes is None for cell in found.cells)
    assert found.product_flops_per_s > 1e8
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told) and told[-1] == ("steps", 18, 18)


@pytest.mark.slow
def test_ratios_are_of_the_same_number_of_clips(measured):
    found, _ = measured
    assert [found.speed_up(cell) for cell in found.cells[:2]] == [1, 1]
    one, two = found.cells[2:]
    assert found.speed_up(two) == pytest.approx(two.clips_per_s / found.cells[1].clips_per_s)
    assert found.share(one) == pytest.approx(one.clips_per_s * 10**9 / found.product_flops_per_s)
    assert found.plain()["cells"][3]["speed_up"] == found.speed_up(two)


def full():
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def broken():
    raise RuntimeError("no compiler\nwas found")


def test_what_cannot_be_measured_is_a_cell_that_says_why():
    cells = (cell_of(ANCESTOR, 4, full), cell_of(COMPILED, 4, broken), Cell(PLAIN, 4, (2.0,), 3 * 10**9))
    found = Found("a GPU", 1e14, 10**13, cells)
    assert cells[0].failure == OUT_OF_MEMORY and cells[1].reason == "no compiler"
    assert [found.share(cell) for cell in cells] == [None, None, pytest.approx(0.2)]
    assert found.speed_up(cells[2]) is None  # there is nothing to hold it against
    shown = text(step_costs(found))
    assert OUT_OF_MEMORY in shown and "does not compile: no compiler" in shown and "3.0" in shown
    with pytest.raises(RuntimeError):
        cell_of(PLAIN, 4, broken)


def command(*options):
    return [sys.executable, "-m", "kinebench.cli.main", "bench", "train", *options]


@pytest.mark.skipif(torch.cuda.is_available(), reason="it would be measured")
@pytest.mark.parametrize("model", [COGVIDEOX, WAN], ids=NAMES)
def test_a_published_model_is_not_measured_on_a_cpu(model):
    with pytest.raises(KineBenchError, match="is measured on a GPU"):
        next(train.measured(model, 1, (1,), 1, print))


@pytest.mark.slow
def test_the_command_counts_measures_and_writes(tmp_path):
    out = tmp_path / "out.json"
    options = ("--size", "tiny", "--batch", "1", "--repeats", "1", "--json", str(out))
    quick = os.environ | {"TORCHDYNAMO_DISABLE": "1"}  # compiling takes most of a minute, and shows no more
    done = subprocess.run(command(*options), capture_output=True, text=True, check=True, env=quick)
    assert "counted, not measured" in done.stdout and "in the loop" in done.stdout
    figures = json.loads(out.read_text())
    assert figures["counted"]["flops"]["step"] > 0
    assert [cell["way"]["compile"] for cell in figures["measured"]["cells"]] == [False] * 3 + [True] * 2
