import io
import subprocess
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.shards import tar

CONTENTS = st.dictionaries(
    st.from_regex(r"[a-z_]{1,30}\.[a-z]{1,8}", fullmatch=True), st.binary(max_size=1500), max_size=6
)


def build(contents):
    file = io.BytesIO()
    entries = [tar.add(file, name, data) for name, data in contents.items()]
    tar.close(file)
    return file.getvalue(), entries


@given(CONTENTS)
def test_offsets_point_at_the_contents_and_any_reader_agrees(contents):
    data, entries = build(contents)
    assert {e.name: data[e.offset : e.offset + e.size] for e in entries} == contents
    assert list(tar.entries(io.BytesIO(data))) == entries
    with tarfile.open(fileobj=io.BytesIO(data)) as reader:
        assert {m.name: reader.extractfile(m).read() for m in reader} == contents
        assert all((m.mtime, m.uid, m.gid, m.mode) == (0, 0, 0, 0o644) for m in reader.getmembers())


def test_gnu_tar_reads_it(tmp_path):
    data, _ = build({"a.txt": b"one", "b.mp4": bytes(5000)})
    (tmp_path / "x.tar").write_bytes(data)
    listed = subprocess.run(["tar", "tf", tmp_path / "x.tar"], capture_output=True, check=True, text=True)
    assert listed.stdout.split() == ["a.txt", "b.mp4"]
    assert listed.stderr == ""
    assert len(data) % 10_240 == 0


@given(st.data())
def test_a_tar_cut_anywhere_is_refused(data):
    whole, entries = build({"a.txt": b"one", "b.mp4": bytes(700), "c.json": b"{}"})
    end = entries[-1].offset + 1024 - 1  # from there on, enough zeros are left to end a tar
    cut = data.draw(st.integers(0, end))
    with pytest.raises(tar.TarError):
        list(tar.entries(io.BytesIO(whole[:cut])))


@pytest.mark.parametrize("position", [5, 130, 1024 + 5])
def test_a_broken_header_is_refused_where_it_is(position):
    whole = bytearray(build({"a.txt": b"one", "b.mp4": bytes(700)})[0])
    whole[position] ^= 0x20
    with pytest.raises(tar.TarError, match=f"byte {position // 512 * 512}"):
        list(tar.entries(io.BytesIO(whole)))


def test_what_is_no_plain_file_is_refused():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as writer:
        link = tarfile.TarInfo("a.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        writer.addfile(link)
    with pytest.raises(tar.TarError, match="not a plain file"):
        list(tar.entries(file))


def test_bytes_after_the_end_are_refused():
    whole = bytearray(build({"a.txt": b"one"})[0])
    whole[-1] = 1
    with pytest.raises(tar.TarError, match="after the end"):
        list(tar.entries(io.BytesIO(whole)))
