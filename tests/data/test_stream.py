"""Order, shares and resuming: of an indexed folder, and of a list of its tars."""

import json
import pickle

import pytest

from kinebench.data import open_dataset
from kinebench.errors import KineBenchError

KEYS = [f"toys_train_{i:06d}" for i in range(5)]
WAYS = ("folder", "list")


@pytest.fixture(params=WAYS)
def clips(request, packed):
    if request.param == "folder":
        return open_dataset(packed, split="train")
    return open_dataset(f"{packed}/toys-train-{{000000..000002}}.tar")


def keys(stream):
    return [clip.key for clip in stream]


def test_in_order_without_a_seed(clips):
    assert keys(clips) == keys(clips.stream()) == keys(clips.stream(epoch=3)) == KEYS


def test_shuffling_is_a_permutation_of_seed_and_epoch(clips):
    orders = {(seed, epoch): tuple(keys(clips.stream(seed, epoch))) for seed in range(4) for epoch in range(4)}
    assert all(sorted(order) == KEYS for order in orders.values())
    assert len(set(orders.values())) > 10
    assert all(tuple(keys(clips.stream(*which))) == order for which, order in orders.items())


def test_both_levels_shuffle(packed, monkeypatch):
    """With pools of one sample only tars move; with the usual ones, samples of different tars mix."""
    clips = open_dataset(packed, split="train")
    mixed = [keys(clips.stream(seed)) for seed in range(20)]
    monkeypatch.setattr("kinebench.data.stream.POOL", 1)
    whole = [keys(clips.stream(seed)) for seed in range(20)]
    tars = [KEYS[:2], KEYS[2:4], KEYS[4:]]

    def kept(order):
        return all(tuple(tar) in {tuple(order[i : i + len(tar)]) for i in range(5)} for tar in tars)

    assert all(map(kept, whole))
    assert len({tuple(order) for order in whole}) > 3
    assert not all(map(kept, mixed))


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize("world", [1, 2, 3, 5, 7])
def test_ranks_and_workers_partition_exactly(clips, world, seed):
    everything = keys(clips.stream(seed))
    for workers in (1, 2, 3):
        for batch in (1, 2):
            shares = [
                keys(clips.stream(seed, rank=rank, world=world, even=False).share(worker, workers, batch))
                for rank in range(world)
                for worker in range(workers)
            ]
            assert sorted(key for share in shares for key in share) == sorted(everything)
    ranks = [keys(clips.stream(seed, rank=rank, world=world)) for rank in range(world)]
    assert {len(rank) for rank in ranks} == {5 // world}
    assert [key for row in zip(*ranks, strict=True) for key in row] == everything[: 5 // world * world]


@pytest.mark.parametrize("seed", [None, 9])
@pytest.mark.parametrize(("rank", "world"), [(0, 1), (0, 2), (1, 2)])
def test_it_resumes_at_every_position(clips, seed, rank, world):
    stream = clips.stream(seed, epoch=2, rank=rank, world=world)
    whole = keys(stream)
    for consumed in range(len(whole) + 1):
        state = json.loads(json.dumps(stream.state(consumed)))
        rest = clips.resume(state)
        assert keys(rest) == whole[consumed:]
        assert keys(clips.stream(seed, 2, rank, world, start=consumed)) == whole[consumed:]
        for more in range(len(whole) - consumed + 1):
            assert keys(clips.resume(rest.state(more))) == whole[consumed + more :]


def test_a_state_of_other_samples_is_refused(packed, clips):
    state = open_dataset(packed, split="test").stream().state(1)
    with pytest.raises(KineBenchError, match="state to resume from is of other samples than"):
        clips.resume(state)


def test_a_start_past_the_end_is_refused(clips):
    assert keys(clips.stream(start=5)) == []
    with pytest.raises(KineBenchError, match="has 2 samples for rank 1 of 2, fewer than the 3 that start skips"):
        keys(clips.stream(rank=1, world=2, start=3))


@pytest.mark.parametrize("wrong", [{"rank": 2, "world": 2}, {"rank": -1}, {"start": -1}, {"epoch": -1}])
def test_shares_that_cannot_be(clips, wrong):
    with pytest.raises(ValueError, match=r"no rank|negative"):
        clips.stream(**wrong)


def test_examples_are_the_same_either_way(packed, clips):
    indexed = open_dataset(packed)
    for clip in clips.stream(1):
        assert clip.record == indexed[clip.key].record
        assert (clip.velocity == indexed[clip.key].velocity).all()


def test_streams_and_their_examples_travel_between_processes(clips):
    stream = pickle.loads(pickle.dumps(clips)).stream(3)
    assert keys(stream) == keys(clips.stream(3))
    clip = next(iter(stream))
    assert pickle.loads(pickle.dumps(clip)).caption == clip.caption


def test_a_folder_knows_how_much_is_left(packed):
    clips = open_dataset(packed)
    assert len(clips.stream()) == 8
    assert [len(clips.stream(rank=r, world=3, start=1)) for r in range(3)] == [1, 1, 1]
    assert [len(clips.stream(rank=r, world=3, even=False)) for r in range(3)] == [3, 3, 2]
