"""The ten lines of docs/read-without-kinebench.md, run as they stand on a real shard."""

import re
from pathlib import Path

import av
import numpy as np
import pytest

from kinebench.annotate.velocity import decode
from kinebench.data import open_dataset

pytest.importorskip("webdataset")
PAGE = Path(__file__).parents[2] / "docs" / "read-without-kinebench.md"


def test_the_page_reads_a_shard(packed, capsys):
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL).group(1)
    lines = [line for line in code.splitlines() if line.strip() and not line.startswith("import")]
    assert len(lines) <= 10
    assert "kinebench" not in code
    space = {"shard": str(packed / "toys-train-000001.tar")}
    exec(code, space)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "toys_train_000002",
        "toys_train_000003",
    ]
    clip = open_dataset(packed)["toys_train_000003"]
    assert space["record"] == clip.record
    np.testing.assert_array_equal(space["ids"], clip.segmentation)
    np.testing.assert_allclose(space["velocity"], decode(clip.velocity_codes, clip.v_max_mps), atol=1e-6)
    if int(av.__version__.split(".")[0]) >= 17:  # what the page asks for; older ones ignore the bt709 tags
        assert np.abs(space["rgb"].astype(int) - clip.rgb).max() <= 1


def test_several_shards_by_pattern(packed):
    import webdataset

    found = webdataset.WebDataset(str(packed / "toys-train-{000000..000002}.tar"), shardshuffle=False)
    assert [sample["__key__"] for sample in found] == [f"toys_train_00000{i}" for i in range(5)]
