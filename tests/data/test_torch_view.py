import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

from kinebench.data import open_dataset
from kinebench.errors import KineBenchError, MissingExtra

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def clips(packed):
    return open_dataset(packed)


def test_items_are_tensors_channels_first(clips):
    data = clips.torch(fields=("rgb", "velocity", "segmentation", "caption", "fps"))
    assert len(data) == 8
    item = data[2]
    assert item["key"] == clips[2].key
    assert (item["rgb"].shape, item["rgb"].dtype) == ((9, 3, 64, 96), torch.uint8)
    assert (item["velocity"].shape, item["velocity"].dtype) == ((9, 3, 64, 96), torch.float32)
    assert (item["segmentation"].shape, item["segmentation"].dtype) == ((9, 64, 96), torch.uint8)
    assert (item["caption"], item["fps"]) == (clips[2].caption, 12)
    np.testing.assert_array_equal(item["velocity"].numpy().transpose(0, 2, 3, 1), clips[2].velocity)


def test_an_unknown_field_is_named(clips):
    with pytest.raises(KineBenchError, match="no field 'depht'; it has record, rgb, lossless"):
        clips.torch(fields=("depht",))


def test_a_loader_makes_batches(clips):
    from kinebench.data.torch_view import collate

    loader = torch.utils.data.DataLoader(clips.torch(), batch_size=3, collate_fn=collate)
    batches = list(loader)
    assert [len(batch["key"]) for batch in batches] == [3, 3, 2]
    assert batches[0]["rgb"].shape == (3, 9, 3, 64, 96)
    assert [key for batch in batches for key in batch["key"]] == list(clips.keys)


def loaded(stream, workers, batch=None, **options):
    """The keys that a loader hands over, batch by batch."""
    view = stream.torch(("caption",), batch=batch)
    loader = torch.utils.data.DataLoader(view, batch_size=None, num_workers=workers, **options)
    assert len(loader) == len(view)
    return [batch["key"] for batch in loader]


@pytest.mark.parametrize("seed", [None, 2])
def test_ranks_and_workers_share_the_stream(clips, seed):
    """Every sample once, and in an order that does not depend on the number of workers."""
    whole = [clip.key for clip in clips.stream(seed)]
    for workers in (0, 1, 2, 3):
        assert loaded(clips.stream(seed), workers) == whole
        assert loaded(clips.stream(seed), workers, batch=3) == [whole[:3], whole[3:6], whole[6:]]
    ranks = [loaded(clips.stream(seed, rank=rank, world=2), 2, batch=2) for rank in range(2)]
    assert [[len(batch) for batch in rank] for rank in ranks] == [[2, 2], [2, 2]]
    assert sorted(key for rank in ranks for batch in rank for key in batch) == sorted(whole)


@pytest.mark.slow
def test_it_resumes_where_the_consumer_was_while_workers_read_ahead(clips, packed):
    for data in (clips, open_dataset(f"{packed}/toys-{{test-000000,test-000001,train-000000}}.tar")):
        stream = data.stream(shuffle_seed=6, epoch=1)
        whole = [clip.key for clip in stream]
        for workers in (1, 2, 3):
            for wanted in range(len(whole) + 1):
                view = stream.torch((), batch=None)
                loader = torch.utils.data.DataLoader(view, batch_size=None, num_workers=workers, prefetch_factor=3)
                first = [item["key"] for item in islice(loader, wanted)]
                rest = torch.utils.data.DataLoader(
                    data.resume(stream.state(len(first))).torch((), batch=2),
                    batch_size=None,
                    num_workers=3 - workers % 2,
                )
                assert first + [key for batch in rest for key in batch["key"]] == whole


def test_a_stream_is_batched_as_a_loader_would(clips):
    from kinebench.data.torch_view import collate

    batch = next(iter(clips.stream(start=2).torch(("rgb", "velocity_input", "caption"), batch=2)))
    wanted = collate([clips.torch(("rgb", "velocity_input", "caption"))[i] for i in (2, 3)])
    assert batch["key"] == wanted["key"] == list(clips.keys[2:4])
    assert batch["rgb"].shape == (2, 9, 3, 64, 96)
    assert torch.equal(batch["rgb"], wanted["rgb"])
    assert torch.equal(batch["velocity_input"], wanted["velocity_input"])


def test_a_list_of_tars_is_no_map_style_dataset(packed):
    with pytest.raises(KineBenchError, match="read in order only"):
        open_dataset(f"{packed}/toys-train-000000.tar").torch()


def test_torch_is_imported_only_when_asked_for(packed):
    code = f"""
import sys
from kinebench.data import open_dataset
clip = open_dataset({str(packed)!r})[0]
assert not {{"torch", "av", "jsonschema"}} & set(sys.modules), "imported too early"
clip.rgb, clip.velocity
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_torch_the_extra_is_named(clips, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "kinebench.data.torch_view", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'kinebench\[networks\]'"):
        clips.torch()
