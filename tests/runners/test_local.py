"""Real worker processes that misbehave: the runner's part is played by a small script in place of the real worker."""

import sys
import textwrap

import pytest

from kinebench.runners import local

SCRIPT = """
import json, os, sys
for line in sys.stdin:
    job = json.loads(line)
    plan = job["plan"]
    mark = os.path.join(job["folder"], job["key"])
    tries = len(open(mark).read()) if os.path.exists(mark) else 0
    open(mark, "a").write("x")
    act = plan[min(tries, len(plan) - 1)]
    if act == "die":
        os.kill(os.getpid(), 9)
    if act == "die while it speaks":
        os.write(1, b'{"kind": "fai')
        os.kill(os.getpid(), 9)
    print(json.dumps({"kind": "progress", "done": 1, "total": 2}), flush=True)
    print(json.dumps({"kind": act, "key": job["key"], "message": "why"}), flush=True)
"""


class Notes:
    def __init__(self):
        self.failures = []

    def frame(self, key, done, total):
        pass

    def finished(self, key):
        pass

    def failed(self, key, attempt, message):
        self.failures.append((key, attempt, message))


@pytest.fixture
def run(tmp_path, monkeypatch):
    script = tmp_path / "worker.py"
    script.write_text(textwrap.dedent(SCRIPT))
    real = local.subprocess.Popen
    monkeypatch.setattr(local.subprocess, "Popen", lambda command, **kw: real([sys.executable, str(script)], **kw))

    def start(plans, workers=2):
        notes = Notes()
        jobs = [{"key": key, "plan": plan, "folder": str(tmp_path)} for key, plan in plans.items()]
        return local.run(jobs, workers, notes), notes

    return start


def test_a_dead_worker_costs_one_attempt(run):
    outcome, notes = run({"a": ["die", "done"], "b": ["done"], "c": ["done"]})
    assert outcome.finished == {"a", "b", "c"} and not outcome.failed
    assert notes.failures == [("a", 1, "its worker process died (signal 9)")]


def test_a_worker_that_dies_while_it_speaks_costs_one_attempt(run):
    outcome, notes = run({"a": ["die while it speaks", "done"], "b": ["done"]})
    assert outcome.finished == {"a", "b"}
    assert notes.failures == [("a", 1, "its worker process died (signal 9)")]


def test_three_failures_end_a_sample_and_not_the_run(run):
    outcome, notes = run({"a": ["failed"], "b": ["done"], "c": ["die"], "d": ["done"]})
    assert outcome.finished == {"b", "d"} and set(outcome.failed) == {"a", "c"}
    assert [attempt for key, attempt, _ in notes.failures if key == "a"] == [1, 2, 3]


def test_a_users_mistake_is_not_tried_again(run):
    outcome, notes = run({"a": ["refused"], "b": ["refused"], "c": ["refused"]}, workers=1)
    assert outcome.refused == {"a": "why"} and not notes.failures


def test_when_nothing_works_the_run_ends(run):
    outcome, _ = run({f"k{i}": ["failed"] for i in range(40)}, workers=2)
    assert not outcome.finished and 3 <= len(outcome.failed) <= 6
