"""Pictures of statistics."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kinebench.stats.figures import figures, write_figures
from kinebench.stats.summary import Sampled, dump, stats, summarise

pytest.importorskip("matplotlib")
WITHOUT_CONTACT = {"speed", "distance", "braking", "scenes", "colours"}


def chunks(data):
    """The names of a PNG's chunks."""
    at = 8
    while at < len(data):
        yield data[at + 4 : at + 8].decode()
        at += 12 + int.from_bytes(data[at : at + 4], "big")


@pytest.fixture(scope="module")
def found(packed):
    return stats(packed)


@pytest.fixture(scope="module")
def drawn(found):
    return figures(found)


def test_each_is_a_picture_of_the_right_size(found, drawn):
    assert set(drawn) == WITHOUT_CONTACT | {"contacts"}
    for name, data in drawn.items():
        image = Image.open(io.BytesIO(data))
        assert image.width == 1040, name
        assert image.height > 300 * len(found.splits)
        assert len(data) < 150_000
        assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 20


def test_the_same_statistics_give_the_same_bytes_in_another_process(found, drawn, packed, tmp_path):
    """No date, no version, no place on disk: only pixels."""
    for data in drawn.values():
        assert set(chunks(data)) <= {"IHDR", "PLTE", "IDAT", "IEND", "pHYs"}
    code = (
        "import sys; from pathlib import Path; from kinebench.stats.figures import write_figures; "
        "from kinebench.stats.summary import stats; write_figures(stats(sys.argv[1]), Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", code, str(packed), str(tmp_path / "other")], check=True)
    assert {path.stem: path.read_bytes() for path in (tmp_path / "other").iterdir()} == drawn


def test_statistics_change_the_picture(found, drawn, synthetic):
    one = summarise("test", "toys", {"train": [Sampled(synthetic.sample("train", 1).record, {})]})
    assert dump(one) != dump(found)
    assert figures(one)["speed"] != drawn["speed"]


def test_nothing_is_drawn_of_what_never_happens(synthetic, tmp_path):
    """Simple Motion has no contacts, so no pictures of them; and nothing at all is no error."""
    alone = [Sampled(synthetic.sample("train", i, rule="forbidden").record, {}) for i in range(3)]
    written = write_figures(summarise("test", "toys", {"train": alone}), tmp_path)
    assert {path.stem for path in written} == WITHOUT_CONTACT
    assert all(path.stat().st_size for path in written)
    assert set(figures(summarise("test", "toys", {"train": []}))) == {"scenes", "colours"}
