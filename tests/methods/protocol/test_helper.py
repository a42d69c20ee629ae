"""kinebench_worker.py runs where nothing of ours is: any Python from 3.8 on, with its own library alone."""

import ast
import json
import os
import subprocess
import sys

import pytest

from kinebench.methods.protocol.job import HELPER

TREE = ast.parse(HELPER.read_text(), feature_version=(3, 8))
NEWER = {
    "removeprefix", "removesuffix", "cache", "readlink", "is_relative_to", "with_stem", "hardlink_to", "walk",
    "pairwise", "batched", "TaskGroup", "chdir", "StrEnum", "Self", "bit_count", "to_thread", "randbytes",
    "aclosing", "lcm", "full_match", "copy_into", "move_into", "file_digest", "UnionType", "from_uri", "add_note",
}  # fmt: skip


def test_its_imports_are_those_of_the_standard_library_of_3_8():
    found = set()
    for node in ast.walk(TREE):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    assert found <= {
        "__future__", "argparse", "collections.abc", "contextlib", "csv", "errno", "json", "os", "pathlib", "shutil",
        "signal", "stat", "sys", "threading", "time", "traceback", "typing",
    }  # fmt: skip


def test_it_uses_nothing_newer_than_3_8():
    used = {node.attr for node in ast.walk(TREE) if isinstance(node, ast.Attribute)}
    assert not used & NEWER
    for node in ast.walk(TREE):
        assert not isinstance(node, ast.Match | ast.TryStar)
        # dict | dict is of 3.9 and X | Y of 3.10; in annotations it is but text
        if isinstance(node, ast.BinOp):
            assert not isinstance(node.op, ast.BitOr) or in_annotation(node)


def in_annotation(node):
    annotations = [
        each
        for holder in ast.walk(TREE)
        for each in (getattr(holder, "annotation", None), getattr(holder, "returns", None))
        if each is not None
    ]
    return any(node is inner for each in annotations for inner in ast.walk(each))


@pytest.fixture
def job(tmp_path):
    (tmp_path / "in" / "k").mkdir(parents=True)
    (tmp_path / "in" / "k" / "condition.json").write_text('{"prompt": "a box"}')
    (tmp_path / "in" / "k" / "path_12.csv").write_text("frame,x_px,y_px\n0,1.5,2.25\n1,3,4e-1\n")
    for name in ("mask_12.png", "mask_3.png", "first_frame.png"):
        (tmp_path / "in" / "k" / name).write_bytes(b"\x89PNG\r\n\x1a\n" + name.encode())
    task = {"key": "k", "seed": 0, "in": "in/k", "out": "out/seed-0/k", "condition_sha256": "c", "identity": "i"}
    job = {"protocol": 1, "method": {}, "options": {}, "device": "cpu", "tiny": False, "tasks": [task]}
    (tmp_path / "job.json").write_text(json.dumps(job))
    return tmp_path


def worker(job, code, **options):
    """Run code after the job is opened, in an interpreter that finds nothing but the helper and its own library."""
    head = "import kinebench_worker\njob = kinebench_worker.open_job()\n"
    command = [sys.executable, "-S", "-c", head + code, "--job", str(job)]
    environment = {"PYTHONPATH": str(HELPER.parent), "PATH": os.environ["PATH"]}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, **options)


def test_a_person_may_run_it_without_a_harness(job):
    code = (
        "task, = job.tasks()\n"
        "print(task.condition, task.driven, task.objects, task.path(12), task.mask(3).name, task.seed)\n"
        "with job.attempt(task):\n"
        "    task.finish(frames=[task.first_frame, str(task.mask(12))], timing=8, facts={'a': 1})\n"
        "    task.finish(frames=[task.first_frame])\n"
        "print(list(job.tasks()))\n"
    )
    done = worker(job, code, stdin=subprocess.DEVNULL)
    assert done.stdout.splitlines() == ["{'prompt': 'a box'} [12] [3, 12] [(1.5, 2.25), (3.0, 0.4)] mask_3.png 0", "[]"]
    assert "is already answered" in done.stderr
    out = job / "out" / "seed-0" / "k"
    assert sorted(path.name for path in out.iterdir()) == ["00000.png", "00001.png", "started", "video.json"]
    assert (out / "00001.png").read_bytes().endswith(b"mask_12.png")
    said = json.loads((out / "video.json").read_text())
    assert said.pop("seconds") >= 0
    assert said == {"frames": 2, "timing": {"fps": 8.0}, "facts": {"a": 1}, "condition_sha256": "c", "identity": "i"}


@pytest.mark.parametrize(
    "call, message",
    [
        ("task.finish()", "give either frames or video"),
        ("task.finish(frames=[])", "there is no frame"),
        ("task.finish(frames=[task.folder / 'condition.json'])", "is no PNG"),
        ("task.finish(video=task.first_frame)", "is none of .mkv"),
        ("task.finish(frames=[task.first_frame], facts={'x': float('nan')})", "not JSON compliant"),
        ("task.finish(frames=[task.first_frame], placement={'scale': 1})", "KeyError: 'x_px'"),
        ("task.finish(frames=[task.frame(0)])", "No such file"),
        ("task.finish(frames=[task.frame(1), task.frame(0)])", "00001.png, where frame 1 goes; save it elsewhere"),
    ],
)
def test_what_is_no_answer(job, call, message):
    worker(job, f"for task in job.tasks():\n    with job.attempt(task):\n        {call}\n", stdin=subprocess.DEVNULL)
    said = json.loads((job / "out" / "seed-0" / "k" / "error.json").read_text())
    assert said["kind"] == "model" and message in said["message"]


def test_another_protocol_is_refused(job):
    (job / "job.json").write_text('{"protocol": 2}')
    done = worker(job, "", stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and "speaks protocol 1, the job 2" in done.stderr


def test_it_ends_when_its_standard_input_does(job):
    done = worker(job, "import time; time.sleep(60)", input="", start_new_session=True)
    assert done.returncode == -9


def test_an_invalid_without_words_is_an_answer_too(job):
    code = "for task in job.tasks():\n    with job.attempt(task):\n        raise kinebench_worker.Invalid()\n"
    worker(job, code, stdin=subprocess.DEVNULL)
    said = json.loads((job / "out" / "seed-0" / "k" / "error.json").read_text())
    assert said["kind"] == "invalid" and said["message"]
