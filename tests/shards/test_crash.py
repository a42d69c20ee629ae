"""Real kills, real full disks."""

import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from kinebench.errors import KineBenchError
from kinebench.shards.pack import pack
from kinebench.shards.read import Shards
from kinebench.shards.spool import Spool
from kinebench.shards.staging import interrupted


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def in_child(work):
    """Run `work` in a forked process; its exit status, or the signal that killed it as a negative number."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(work() or 0)
        except BaseException:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_at(step, monkeypatch):
    """Kill this process just before its step-th change on disk."""
    count = iter(range(1_000_000))

    def counted(original):
        def wrapper(*arguments, **options):
            if next(count) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        return wrapper

    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    for name in ("replace", "unlink", "mkdir"):
        monkeypatch.setattr(Path, name, counted(getattr(Path, name)))


def test_killed_anywhere_and_run_again_gives_the_same_bytes(tmp_path, samples, make, synthetic, monkeypatch):
    """Grow 3 samples to 8 and shards of 2 to shards of 3, killed before each change on disk in turn."""
    make(tmp_path / "want", samples, samples_per_shard=3)
    want = contents(tmp_path / "want")
    keys = [sample.key for sample in samples]
    make(tmp_path / "start", samples[:3])
    for sample in samples[3:]:
        Spool(tmp_path / "start").put(sample)
    before = contents(tmp_path / "start")
    killed_while_renaming = 0
    for step in range(200):
        folder = tmp_path / f"killed-{step}"
        subprocess.run(["cp", "-r", tmp_path / "start", folder], check=True)

        def work(folder=folder, step=step):
            die_at(step, monkeypatch)
            pack(folder, keys, samples_per_shard=3, **synthetic.packing())

        status = in_child(work)
        assert status in (0, -signal.SIGKILL)
        if interrupted(folder):
            killed_while_renaming += 1
            with pytest.raises(KineBenchError, match="interrupted"):
                Shards(folder)
        else:
            assert contents(folder) in (before, want), "old or new, nothing between"
        pack(folder, keys, samples_per_shard=3, **synthetic.packing())
        assert contents(folder) == want
        assert not list((folder / ".spool").glob("*.tar*")), "nothing waits that is packed"
        if status == 0:
            break
    assert status == 0
    assert step > 20
    assert killed_while_renaming > 5


def full(folder, keys, synthetic):
    """Pack where there is no room; 0 if that fails as it should."""
    try:
        pack(folder, keys, samples_per_shard=8, **synthetic.packing())
    except KineBenchError as error:
        words = ("while packing", str(folder), "it needs 0.", "are free", "run the same command again")
        return 0 if all(word in str(error) for word in words) else 1
    return 2


def grown(folder, samples, make):
    """A packed folder of two samples with three more in the spool."""
    make(folder, samples[:2], samples_per_shard=8)
    for sample in samples[2:5]:
        Spool(folder).put(sample)
    return [sample.key for sample in samples[:5]]


def recovers(folder, keys, tmp_path, samples, make, synthetic):
    pack(folder, keys, samples_per_shard=8, **synthetic.packing())
    make(tmp_path / "want", samples[:5], samples_per_shard=8)
    assert contents(folder) == contents(tmp_path / "want")


def test_a_file_that_may_not_grow(tmp_path, samples, make, synthetic):
    folder = tmp_path / "limited"
    keys = grown(folder, samples, make)
    before = contents(folder)

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (45_000, resource.RLIM_INFINITY))
        return full(folder, keys, synthetic)

    assert in_child(work) == 0
    assert contents(folder) == before
    assert not (folder / ".pack").exists()
    assert len(list((folder / ".spool").glob("*.tar"))) == 3
    recovers(folder, keys, tmp_path, samples, make, synthetic)


def test_a_spool_without_room(tmp_path, samples):
    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, resource.RLIM_INFINITY))
        try:
            Spool(tmp_path).put(samples[0])
        except KineBenchError as error:
            return 0 if f"storing sample {samples[0].key}" in str(error) else 1
        return 2

    assert in_child(work) == 0
    assert list((tmp_path / ".spool").iterdir()) == []


def test_a_full_disk(tmp_path, samples, make, synthetic):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root; the file size limit above is tested for everyone")
    try:
        folder = disk / "toys"
        keys = grown(folder, samples, make)
        before = contents(folder)
        (disk / "ballast").write_bytes(bytes(os.statvfs(disk).f_bavail * 4096 - 60_000))
        assert full(folder, keys, synthetic) == 0
        assert contents(folder) == before
        assert not (folder / ".pack").exists()
        (disk / "ballast").unlink()
        recovers(folder, keys, tmp_path, samples, make, synthetic)
    finally:
        subprocess.run(["umount", disk], check=True)
