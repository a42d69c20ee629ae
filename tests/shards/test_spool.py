import os
import subprocess
import sys

import pytest

from kinebench.shards.files import sweep
from kinebench.shards.spool import Spool


def test_what_was_put_is_there(tmp_path, samples):
    spool = Spool(tmp_path)
    sample = samples[-1]
    spool.put(sample)
    assert spool.load(sample.key) == sample
    assert spool.members(sample.key) == set(sample.members)
    assert spool.has(sample.key, sample.record["provenance"]["recipe_sha256"], ["mp4", "json", "rgb.mkv"])


def test_a_sample_is_not_done_if_recipe_or_members_differ(tmp_path, samples):
    spool = Spool(tmp_path)
    spool.put(samples[0])
    key, recipe = samples[0].key, samples[0].record["provenance"]["recipe_sha256"]
    assert spool.has(key, recipe, ["mp4"])
    assert not spool.has(key, "b" * 64, ["mp4"])
    assert not spool.has(key, recipe, ["mp4", "depth.mkv"])
    assert not spool.has("toys_train_000099", recipe, ["mp4"])


def test_same_sample_same_file(tmp_path, samples):
    first = Spool(tmp_path / "a").put(samples[0]).read_bytes()
    assert Spool(tmp_path / "b").put(samples[0]).read_bytes() == first


def damages(data):
    middle = data.index(b"mdat") + 50  # inside the clip, where no tar header or JSON parser sees it
    return {
        "empty": b"",
        "cut": data[:middle],
        "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "zeros": bytes(len(data)),
        "text": b"not a tar" * 200,
    }


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "zeros", "text"])
def test_a_damaged_file_counts_as_not_there_and_says_so(tmp_path, samples, damage):
    spool = Spool(tmp_path)
    path = spool.put(samples[0])
    path.write_bytes(damages(path.read_bytes())[damage])
    with pytest.warns(UserWarning, match=f"{samples[0].key}.tar is damaged"):
        assert not spool.has(samples[0].key, samples[0].record["provenance"]["recipe_sha256"], ["mp4"])
    spool.put(samples[0])
    assert spool.load(samples[0].key) == samples[0]


def test_a_file_under_another_samples_name_counts_as_not_there(tmp_path, samples):
    spool = Spool(tmp_path)
    spool.put(samples[0]).rename(tmp_path / ".spool" / f"{samples[2].key}.tar")
    with pytest.warns(UserWarning, match="damaged"):
        assert spool.load(samples[2].key) is None


def test_drop_forgets_the_sample_and_what_killed_writers_left(tmp_path, samples):
    spool = Spool(tmp_path)
    path = spool.put(samples[0])
    left = path.with_name(f".{path.name}.another-machine.4711.tmp")
    left.write_bytes(b"half")
    spool.put(samples[2])
    spool.drop([samples[0].key])
    assert [p.name for p in path.parent.iterdir()] == [f"{samples[2].key}.tar"]


def test_only_what_is_named_is_dropped(tmp_path, samples):
    """`toys_train_000001` is not `toys_train_0000010`."""
    spool = Spool(tmp_path)
    path = spool.put(samples[0])
    other = path.with_name(f"{samples[0].key}0.tar")
    other.write_bytes(b"another sample")
    writing = path.with_name(f".{other.name}.another-machine.4711.tmp")
    writing.write_bytes(b"half")
    spool.drop([samples[0].key])
    assert {path.name for path in path.parent.iterdir()} == {other.name, writing.name}


def test_sizes_are_those_of_finished_samples(tmp_path, samples):
    spool = Spool(tmp_path)
    assert spool.sizes_bytes() == {}
    path = spool.put(samples[0])
    path.with_name(f".{path.name}.another-machine.4711.tmp").write_bytes(b"half")
    (path.parent / "plan-train-000001-00000000.json").write_bytes(b"{}")
    assert spool.sizes_bytes() == {samples[0].key: path.stat().st_size}


WRITER = """
import os, sys, types
from pathlib import Path
machine, path, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
os.getpid = lambda: 17  # the same number on both machines
os.uname = lambda: types.SimpleNamespace(nodename=machine)
from kinebench.shards.files import write_atomic
for _ in range(rounds):
    write_atomic(path, b"same bytes" * 20_000)
"""


def test_two_machines_write_the_same_sample_at_once(tmp_path):
    path = tmp_path / "sample.tar"
    command = [sys.executable, "-c", WRITER]
    writers = [subprocess.Popen([*command, machine, path, "200"]) for machine in ("alpha", "beta")]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            assert path.read_bytes() == b"same bytes" * 20_000
            seen += 1
    assert [writer.returncode for writer in writers] == [0, 0] and seen > 0
    assert [left.name for left in tmp_path.iterdir()] == ["sample.tar"]


def test_a_killed_writers_file_is_swept_and_a_living_ones_is_not(tmp_path):
    machine = os.uname().nodename
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    names = {
        "dead": f".a.tar.{machine}.{dead.pid}.tmp",
        "living": f".b.tar.{machine}.{living.pid}.tmp",
        "elsewhere": ".c.tar.another-machine.1.tmp",
        "elsewhere and old": ".d.tar.another-machine.1.tmp",
    }
    for name in names.values():
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / names["elsewhere and old"], (0, 0))
    sweep(tmp_path)
    living.communicate()
    assert {path.name for path in tmp_path.iterdir()} == {names["living"], names["elsewhere"]}
