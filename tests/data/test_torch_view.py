import subprocess
import sys

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


def test_ranks_and_workers_share_the_stream_without_overlap(clips):
    from kinebench.data.torch_view import collate

    seen = []
    for rank in range(2):
        stream = clips.torch_stream(fields=("caption",), rank=rank, world=2)
        loader = torch.utils.data.DataLoader(stream, batch_size=2, num_workers=2, collate_fn=collate)
        keys = [key for batch in loader for key in batch["key"]]
        assert len(keys) == 4
        seen += keys
    assert sorted(seen) == list(clips.keys)


def test_a_stream_without_workers_reads_all_in_order(clips):
    assert [item["key"] for item in clips.torch_stream(fields=())] == list(clips.keys)


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
    with pytest.raises(MissingExtra, match=r"pip install 'kinebench\[score\]'"):
        clips.torch()
