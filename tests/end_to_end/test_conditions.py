"""`kinebench conditions` as a user runs it."""

import signal

import pytest

KEYS = [f"toys_test_{i:06d}" for i in range(3)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_writes_goes_on_and_refuses(processes, packed, place):
    done = processes.kinebench("conditions", packed, "--out", "given")
    assert done.stdout.strip() == "3 conditions written; look at given/overview.png"
    assert sorted(path.name for path in (place / "given").iterdir()) == ["conditions.json", "overview.png", *KEYS]
    (place / "given" / KEYS[1] / "path_1.csv").unlink()
    done = processes.kinebench("conditions", packed, "--out", "given")
    assert done.stdout.strip() == "1 conditions written, 2 were there already; look at given/overview.png"
    done = processes.kinebench("conditions", packed, "--out", "given", "--prompt", "c0", code=1)
    assert "given holds other conditions (other: prompt); name another folder with --out" in done.stderr


@pytest.mark.slow
def test_an_interrupt_says_what_is_safe(processes, place, synthetic, make):
    make(place / "toys", [synthetic.sample("test", i, companions=("lossless",)) for i in range(16)])
    running = processes.start("conditions", "toys", "--out", "given", errors=-1)
    processes.wait_until(lambda: (place / "given" / KEYS[0]).is_dir() or running.poll() is not None)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130 and "run the same command again to go on" in said, said
    assert not (place / "given" / "conditions.json").exists()
    done = processes.kinebench("conditions", "toys", "--out", "given")
    assert "were there already" in done.stdout and not list((place / "given").glob(".*"))
