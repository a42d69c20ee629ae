import shutil

import pytest

from kinebench.data import open_dataset
from kinebench.data.tarlist import expand
from kinebench.errors import KineBenchError


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a-{08..11}.tar", ("a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar")),
        ("{a,b}-{1..2}.tar", ("a-1.tar", "a-2.tar", "b-1.tar", "b-2.tar")),
        ("https://host/d/x-{000000..000001}.tar?k=1", tuple(f"https://host/d/x-00000{i}.tar?k=1" for i in range(2))),
        ("one.tar", ("one.tar",)),
    ],
)
def test_braces(pattern, names):
    assert expand(pattern) == names


@pytest.mark.parametrize("pattern", ["a-{3..1}.tar", "a-{1..2.tar", "a-{}{}}.tar", "a-{1,1}.tar"])
def test_braces_that_are_none(pattern):
    with pytest.raises(KineBenchError, match=r"is no list of tars|counts backwards"):
        expand(pattern)


def test_it_agrees_with_webdataset_on_braces(tmp_path):
    braceexpand = pytest.importorskip("braceexpand").braceexpand
    for pattern in ("x-{000008..000012}.tar", "{a,b}/x-{0..3}.tar", "x-{1..12}.tar"):
        assert list(expand(pattern)) == list(braceexpand(pattern))


@pytest.fixture
def full(tmp_path, synthetic, make):
    """Five samples with two companions, two a shard."""
    samples = [synthetic.sample("train", i, companions=("lossless", "depth")) for i in range(5)]
    make(tmp_path / "toys", samples)
    return tmp_path / "toys"


def test_companions_are_joined_by_key(full):
    clips = open_dataset(f"{full}/toys-train-{{000000..000002}}.tar", companions=("depth", "lossless"))
    indexed = open_dataset(full)
    for seed in (None, 4):
        found = list(clips.stream(seed))
        assert sorted(clip.key for clip in found) == sorted(indexed.keys)
        for clip in found:
            assert (clip.depth_m == indexed[clip.key].depth_m).all()
            assert (clip.lossless == indexed[clip.key].lossless).all()


def test_a_companion_that_was_not_named_is_asked_for(full):
    clip = next(iter(open_dataset(f"{full}/toys-train-000000.tar")))
    with pytest.raises(KineBenchError, match=r"no member 'depth.mkv'; it has mp4.*companions=\(\.\.\.\)"):
        clip.depth_m  # noqa: B018


def test_a_companion_without_a_sample_is_named(full, tmp_path, synthetic, make):
    make(tmp_path / "other", [synthetic.sample("train", i, companions=("depth",)) for i in (0, 2)])
    shutil.copy(tmp_path / "other" / "toys-train-depth-000000.tar", full / "toys-train-depth-000000.tar")
    stream = iter(open_dataset(f"{full}/toys-train-{{000000..000002}}.tar", companions=("depth",)))
    assert next(stream).key == "toys_train_000000"
    with pytest.raises(
        KineBenchError,
        match=r"depth-000000.tar has sample toys_train_000002 where .*000000.tar has sample toys_train_000001",
    ):
        next(stream)


def test_a_companion_that_ends_early_is_named(full, tmp_path, synthetic, make):
    make(tmp_path / "other", [synthetic.sample("train", 0, companions=("depth",))])
    shutil.copy(tmp_path / "other" / "toys-train-depth-000000.tar", full / "toys-train-depth-000000.tar")
    with pytest.raises(KineBenchError, match=r"has no more samples where .* has sample toys_train_000001"):
        list(open_dataset(f"{full}/toys-train-000000.tar", companions=("depth",)))


def test_companions_of_a_folder_are_checked(packed, full):
    assert open_dataset(full, companions=("depth",))[0].depth_m.shape == (9, 64, 96)
    assert len(open_dataset(packed, split="test", companions=("lossless",))) == 3
    with pytest.raises(KineBenchError, match=r"toys_train_000000 in .* has no companion 'lossless'"):
        open_dataset(packed, companions=("lossless",))
    for where in (packed, f"{packed}/toys-train-000000.tar"):
        with pytest.raises(KineBenchError, match=r"no companion 'dept'.* lossless, depth, flow"):
            list(open_dataset(where, companions=("dept",)))


def test_a_list_has_no_numbers(packed):
    clips = open_dataset(f"{packed}/toys-train-{{000000..000002}}.tar")
    for ask in (lambda: clips[0], lambda: clips["toys_train_000000"], lambda: len(clips), lambda: len(clips.stream())):
        with pytest.raises(KineBenchError, match=r"read in order only: iterate .* open the folder that holds index"):
            ask()
    assert len(list(clips)) == 5
    with pytest.raises(KineBenchError, match="leave out split='train'"):
        open_dataset(f"{packed}/toys-train-{{000000..000002}}.tar", split="train")


def test_missing_and_damaged_tars_are_named(dataset):
    with pytest.raises(KineBenchError, match=r"cannot read .*toys-train-000003.tar: No such file.*check the pattern"):
        list(open_dataset(f"{dataset}/toys-train-{{000000..000003}}.tar"))
    path = dataset / "toys-train-000001.tar"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(KineBenchError, match=r"toys-train-000001.tar is damaged: cut short"):
        list(open_dataset(f"{dataset}/toys-train-{{000000..000002}}.tar"))
    path.write_bytes(whole[:512] + b"\x07" * 512 + whole[1024:])
    assert len(list(open_dataset(f"{dataset}/toys-train-000001.tar"))) == 2, "contents are not looked at"
    path.write_bytes(b"\x07" * 512 + whole[512:])
    with pytest.raises(KineBenchError, match="bad header at byte 0"):
        list(open_dataset(f"{dataset}/toys-train-000001.tar"))
