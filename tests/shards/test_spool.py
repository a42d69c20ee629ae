import pytest

from kinebench.shards.spool import Spool


def test_what_was_put_is_there(tmp_path, samples):
    spool = Spool(tmp_path)
    sample = samples[-1]
    spool.put(sample)
    assert spool.load(sample.key) == sample
    assert spool.members(sample.key) == set(sample.members)
    assert spool.has(sample.key, "a" * 64, ["mp4", "json", "rgb.mkv"])


def test_a_sample_is_not_done_if_recipe_or_members_differ(tmp_path, samples):
    spool = Spool(tmp_path)
    spool.put(samples[0])
    key = samples[0].key
    assert spool.has(key, "a" * 64, ["mp4"])
    assert not spool.has(key, "b" * 64, ["mp4"])
    assert not spool.has(key, "a" * 64, ["mp4", "depth.mkv"])
    assert not spool.has("toys_train_000099", "a" * 64, ["mp4"])


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
        assert not spool.has(samples[0].key, "a" * 64, ["mp4"])
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
    left = path.with_name(f".{path.name}.4711.tmp")
    left.write_bytes(b"half")
    spool.put(samples[2])
    spool.drop(samples[0].key)
    assert [p.name for p in path.parent.iterdir()] == [f"{samples[2].key}.tar"]
