"""A worker that does what the option `deed` says, at the task whose key ends in `at`; the others it does well."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import kinebench_worker

job = kinebench_worker.open_job()
deed, at, place = (job.options[name] for name in ("deed", "at", "place"))


def answer(task, count=3, **changes):
    task.out.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        shutil.copy(str(task.first_frame), str(task.frame(number)))
    said = dict(task._marks, frames=count, timing="span")
    said.update(changes)
    return said


def say(task, said):
    kinebench_worker._write(task.out / "video.json", said)


def sleep_in_a_child():
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL)
    Path(place).write_text(str(child.pid))
    time.sleep(60)


def deafen():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def die_once():
    if not Path(place).exists():
        Path(place).touch()
        os._exit(3)


def half_a_picture(task):
    said = answer(task)
    task.frame(1).write_bytes(task.frame(1).read_bytes()[:60])
    say(task, said)


def another_size(task):
    from PIL import Image

    said = answer(task)
    Image.new("RGB", (8, 8)).save(str(task.frame(2)))
    say(task, said)


def in_two_halves(task):
    text = json.dumps(answer(task))
    with (task.out / "video.json").open("w") as file:
        file.write(text[:20])
        file.flush()
        time.sleep(0.3)
        file.write(text[20:])


def half_an_answer(task):
    answer(task)
    (task.out / "video.json").write_text('{"frames": 3, "timi')


def a_link(task):
    said = answer(task)
    task.frame(1).unlink()
    task.frame(1).symlink_to(task.first_frame)
    say(task, said)


def a_folder_elsewhere(task):
    task.out.parent.mkdir(exist_ok=True)
    task.out.symlink_to(place)


def a_pipe(task):
    said = answer(task)
    task.frame(1).unlink()
    os.mkfifo(str(task.frame(1)))
    say(task, said)


def raising(error):
    raise error


DEEDS = {
    "exit": lambda task: os._exit(3),
    "kill": lambda task: os.kill(os.getpid(), signal.SIGKILL),
    "die once": lambda task: die_once(),
    "leave": lambda task: sys.exit(),
    "skip": lambda task: None,
    "sleep": lambda task: time.sleep(60),
    "deafen": lambda task: deafen(),
    "child": lambda task: sleep_in_a_child(),
    "oom": lambda task: raising(RuntimeError("CUDA out of memory. Tried to allocate 20 GiB")),
    "memory": lambda task: raising(MemoryError()),
    "invalid": lambda task: raising(kinebench_worker.Invalid("two objects are too many")),
    "bug": lambda task: raising(KeyError("weights")),
    "disk": lambda task: raising(OSError(28, "No space left on device")),
    "forget": lambda task: None,
    "fewer": lambda task: say(task, answer(task, frames=4)),
    "more": lambda task: say(task, answer(task, frames=2)),
    "none": lambda task: say(task, answer(task, count=0, frames=1)),
    "uncounted": lambda task: say(task, {k: v for k, v in answer(task).items() if k != "frames"}),
    "half picture": half_a_picture,
    "another size": another_size,
    "half answer": half_an_answer,
    "two halves": in_two_halves,
    "link": a_link,
    "folder elsewhere": a_folder_elsewhere,
    "pipe": a_pipe,
    "another condition": lambda task: say(task, answer(task, condition_sha256="0" * 64)),
    "another method": lambda task: say(task, answer(task, identity="0" * 64)),
    "placement": lambda task: say(task, answer(task, placement={"scale": 0, "x_px": 0, "y_px": 0})),
    "huge placement": lambda task: say(task, answer(task, placement={"scale": 1e308, "x_px": 1e308, "y_px": 1e308})),
    "timing": lambda task: say(task, answer(task, timing="8 fps")),
    "typing error": lambda task: say(task, answer(task, fact={})),
    "no video": lambda task: (task.fail("model", "it knows better"), (task.out / "error.json").write_text("{}")),
}
TRIED = ("oom", "memory", "invalid", "bug", "disk", "forget")

if deed == "noise":
    os.write(1, os.urandom(200000) + b'\n{"frames": 3}\n\x1b[31mred\r 10%\r100%\n')
if deed == "no import":
    import surely_not_installed  # noqa: F401
for task in job.tasks():
    chosen = task.key.endswith(at) and deed in DEEDS
    if chosen and deed in TRIED:
        with job.attempt(task):
            DEEDS[deed](task)
    elif chosen:
        if deed not in ("skip", "folder elsewhere"):
            task.start()
        DEEDS[deed](task)
    if not chosen or deed == "die once":
        task.start()
        say(task, answer(task))
