"""The order of clips and what is told of them: by seed and epoch alone, however the work is shared out."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kinebench.errors import KineBenchError
from kinebench.kinemask.batches import Course, Portions, Walk, batches, order, painted, sized_ids
from kinebench.kinemask.conditioning import truncated
from kinebench.kinemask.draw import TRAINING, VALIDATION, Draw, rng
from kinebench.kinemask.material import gathered, prompts
from kinebench.kinemask.mirror import mirrored_frames, mirrored_text
from kinebench.kinemask.precompute import precompute


@pytest.fixture(scope="module")
def material(configured):
    config = configured("wan", data={"caption_dropout": 0.5})
    precompute(config, lambda *_: None)
    return gathered(config, "cpu")


def mask_of(item):
    """Float32 (F, H, W, 3), as the branch is given it."""
    return painted(item["ids"][None], item["table"][None])[0].permute(0, 2, 3, 1).numpy()


def walk(material, truncation="full", dropout=0.0, seed=0):
    return Walk(material.trained, Course(truncation, dropout), seed)


@given(st.integers(0, 2**40), st.integers(0, 99), st.integers(1, 50))
def test_an_epoch_is_every_clip_once(seed, epoch, count):
    assert sorted(order(seed, epoch, count).tolist()) == list(range(count))


def test_epochs_and_seeds_differ():
    orders = {tuple(order(seed, epoch, 20)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 5), st.integers(0, 4))
def test_processes_share_a_step_out(batch, world, portions, first, count):
    total = batch * world * portions
    steps = range(first, first + count)
    shares = [list(Portions(steps, total, batch, rank, world)) for rank in range(world)]
    assert all(len(share) == len(Portions(steps, total, batch, 0, world)) for share in shares)
    given = sorted(itertools.chain(*itertools.chain(*shares)))
    assert given == list(range(first * total, (first + count) * total))
    for rank, share in enumerate(shares):  # each step's own numbers come in that step
        for number, rows in enumerate(share):
            assert {row // total for row in rows} == {first + number // portions}, rank


def test_clips_come_once_an_epoch_with_their_own_latents(material):
    items = [walk(material)[number] for number in range(8)]
    keys = [item["key"] for item in items]
    assert set(keys[:4]) == set(keys[4:]) == set(material.trained.keys)
    for item in items[:4]:
        kept = material.trained.cache.get_clip(material.trained.sha256(item["key"]))
        assert torch.equal(item["latents"], kept["latents"])
        example = material.trained[item["key"]]
        assert np.array_equal(mask_of(item), example.velocity_input)
        assert torch.equal(item["text"], material.trained.cache.get_prompt(example.record["captions"]["c"]))


def test_masks_are_cut_by_seed_epoch_and_clip(material):
    first = [walk(material, "uniform")[number] for number in range(16)]
    again = [walk(material, "uniform", seed=0)[number] for number in range(16)]
    other = [walk(material, "uniform", seed=1)[number] for number in range(16)]
    lengths = []
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(mask_of(one), mask_of(two))
        whole = material.trained[one["key"]].velocity_input
        mask = mask_of(one)
        kept = max((i + 1 for i in range(len(mask)) if mask[i].any()), default=1)
        assert np.array_equal(mask, truncated(whole, kept))
        lengths.append(kept)
    assert len(set(lengths)) > 2
    assert any(not torch.equal(one["table"], two["table"]) for one, two in zip(first, other, strict=True))


def test_captions_are_dropped_as_often_as_asked(material):
    silent = material.trained.cache.get_prompt("")
    dropped = [torch.equal(walk(material, dropout=0.5)[number]["text"], silent) for number in range(60)]
    assert 15 < sum(dropped) < 45
    assert not any(torch.equal(walk(material)[number]["text"], silent) for number in range(8))


def test_workers_change_nothing(material):
    steps = Portions(range(1, 3), 4, 2)
    alone = list(batches(walk(material, "early"), steps, workers=0))
    many = list(batches(walk(material, "early"), steps, workers=2))
    assert len(alone) == len(many) == 4
    for one, two in zip(alone, many, strict=True):
        assert one["key"] == two["key"] and one["number"] == two["number"]
        assert all(torch.equal(one[name], two[name]) for name in ("ids", "table", "text", "latents"))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_is_gone_is_one_message(material, tmp_path, workers):
    empty = replace(material.trained, cache=replace(material.trained.cache, folder=tmp_path), kept=None)
    with pytest.raises(KineBenchError) as caught:
        list(batches(Walk(empty, Course("full"), 0), Portions(range(1), 4, 2), workers))
    assert str(caught.value).endswith("is gone; run the same kinebench train precompute again")
    assert "\n" not in str(caught.value)


def test_a_mask_at_another_size_covers_the_same_part(material):
    example = material.trained[material.trained.keys[0]]
    own = np.isin(example.segmentation, example.driven)
    small = sized_ids(example, (48, 32))
    assert small.shape == (9, 32, 48) and set(np.unique(small)) == {0, *example.driven}
    assert np.count_nonzero(small) * 4 == pytest.approx(np.count_nonzero(own), rel=0.1)
    wide = sized_ids(example, (96, 96))
    assert not wide[:, :16].any() and not wide[:, -16:].any()
    assert np.array_equal(wide[:, 16:-16] > 0, own)
    assert sized_ids(example, (96, 64)) is example.segmentation


def test_a_turned_clip_is_turned_in_everything(configured):
    config = configured("wan", data={"mirror": True})
    precompute(config, lambda *_: None)
    clips = gathered(config, "cpu").trained
    key, cache = clips.keys[0], clips.cache
    told, mask = clips[key].record["captions"]["c"], clips[key].velocity_input
    ways = {
        turned: (cache.get_clip(clips.sha256(key), turned)["latents"], cache.get_prompt(text), seen)
        for turned, text, seen in (
            (False, told, mask),
            (True, mirrored_text(told), mirrored_frames(mask) * np.float32([-1, 1, 1])),
        )
    }
    assert not torch.equal(ways[False][0], ways[True][0]) and not np.array_equal(ways[False][2], ways[True][2])
    seen = []
    for seed in range(20):
        item = clips.item(key, Course("full", mirror=True), np.random.default_rng(seed))
        found = [turned for turned, (latents, *_) in ways.items() if torch.equal(item["latents"], latents)]
        _, text, mask = ways[found[0]]
        assert torch.equal(item["text"], text) and np.array_equal(mask_of(item), mask)
        seen += found
    assert 4 < sum(seen) < 16


def test_the_first_velocity_in_every_frame(material):
    clips = replace(material.trained, encoding="v_0")
    table = clips.item(clips.keys[0], Course("full"), np.random.default_rng(0))["table"]
    assert table.any() and torch.equal(table, table[:1].expand_as(table))


def test_every_prompt_is_listed_once(material):
    found = prompts(material, [Course(None, silent=0.5)], lambda *_: None)
    parts = (material.trained, material.held_out)
    captions = {clips[key].record["captions"]["c"] for clips in parts for key in clips.keys}
    assert found[0] == "" and set(found[1:]) == captions and len(found) == len(captions) + 1


def test_numbers_belong_to_their_place_alone():
    together = Draw([rng(0, TRAINING, 5, place) for place in range(3)])
    normal, uniform = together.normal(2, 3), together.uniform()
    alone = Draw([rng(0, TRAINING, 5, 1)])
    assert torch.equal(alone.normal(2, 3)[0], normal[1]) and torch.equal(alone.uniform()[0], uniform[1])
    assert normal.shape == (3, 2, 3) and normal.dtype == uniform.dtype == torch.float32
    streams = [rng(0, TRAINING, 5, 1), rng(0, VALIDATION, 5, 1), rng(0, TRAINING, 1, 5), rng(1, TRAINING, 5, 1)]
    assert len({stream.random() for stream in streams}) == 4
