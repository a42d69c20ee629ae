import pytest

from kinebench.methods.protocol import log
from kinebench.methods.protocol.log import Log, plain


@pytest.fixture
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(log, "LARGEST_BYTES", 2000)
    monkeypatch.setattr(log, "HEAD_BYTES", 1000)
    monkeypatch.setattr(log, "TAIL_BYTES", 500)
    return Log(tmp_path / "log.txt")


def test_a_long_log_keeps_head_and_tail(small):
    lines = [f"line {number:06d}\n" for number in range(5000)]
    for line in lines:
        small.write(line.encode())
        assert small.path.stat().st_size <= 2000
    text = small.path.read_text()
    head, _, rest = text.partition("\n--- ")
    said, _, tail = rest.partition(" bytes are left out here\n")
    assert "".join(lines).startswith(head) and len(head) == 1000
    assert "".join(lines).endswith(tail) and len(tail) >= 500
    assert int(said) == len("".join(lines)) - len(head) - len(tail)


def test_one_write_that_is_larger_than_all(small):
    small.write(b"x" * 100_000)
    assert small.path.stat().st_size < 2000


def test_the_last_lines_are_those_of_the_present_worker(small):
    small.begin("launch 1")
    small.write(b"of the first\n")
    assert small.last(3) == "of the first"
    small.begin("launch 2")
    assert small.last(3) == ""
    small.write(b"one\r\ntwo\n\n 10%\r 50%\r100%\r\n\xff\x1b[31mred\n")
    assert small.last(3) == "two\n100%\n\ufffd [31mred"
    assert b"launch 1" in small.path.read_bytes()


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path):
    lost = Log(tmp_path / "nowhere" / "log.txt")
    lost.write(b"said\n")
    assert lost.last(1) == "said"


def test_plain():
    assert plain("a\x1b[0m\u202eb\ud800\nc ä 箱") == "a [0m b  c ä 箱"
