"""adapter.py of real folders, whole and broken in every way that an author may break it."""

import gc
import sys
from pathlib import Path

import numpy as np
import pytest

from kinebench.errors import KineBenchError, Unavailable
from kinebench.methods import in_process
from kinebench.methods.adapter import Setup
from kinebench.methods.task import Failed, Made, Task

SETUP = Setup("cpu", False, {}, lambda name: Path(name))


@pytest.fixture
def make(given):
    """What a method answers: `make(method, (key, seed), ...)`."""

    def run(method, *tasks, setup=SETUP):
        orders = [Task(*each) for each in tasks or [("a", 0)]]
        return list(in_process.maker(method, setup)(orders, given))

    return run


def body(lines, imports="from kinebench.methods.video import Fps, Span, Video"):
    """An adapter whose `generate` is these lines."""
    work = "\n".join(f"        {line}" for line in lines.split("\n"))
    head = f"import numpy as np\n{imports}\n\nclass A:\n    def generate(self, condition, seed):\n"
    return f"{head}{work}\n\ndef load(setup):\n    return A()\n"


def test_it_is_loaded_at_the_first_task_and_once(make, method, tmp_path, given):
    diary = tmp_path / "diary"
    text = f"""
    from pathlib import Path
    import numpy as np
    from kinebench.methods.video import Video

    class A:
        def generate(self, condition, seed):
            return Video(np.full((2, 4, 4, 3), seed, np.uint8), facts={{"key": condition.key}})

    def load(setup):
        with Path({str(diary)!r}).open("a") as file:
            file.write(setup.device + "\\n")
        return A()
    """
    maker = in_process.maker(method("toy", text), SETUP)
    assert list(maker([], given)) == []
    assert not diary.exists()
    results = [*maker([Task("a", 0), Task("b", 1)], given), *maker([Task("a", 2)], given)]
    assert diary.read_text() == "cpu\n"
    assert [(type(each), each.task, each.video.facts) for each in results] == [
        (Made, Task("a", 0), {"key": "a"}),
        (Made, Task("b", 1), {"key": "b"}),
        (Made, Task("a", 2), {"key": "a"}),
    ]
    assert all(each.seconds >= 0 for each in results)


def test_helpers_of_two_methods_do_not_meet_and_nothing_leaks(make, method):
    adapter = """
    import numpy as np
    from kinebench.methods.video import Video
    from .shade import SHADE

    class A:
        def generate(self, condition, seed):
            from .late import add
            return Video(np.full((2, 4, 4, 3), add(SHADE), np.uint8))

    def load(setup):
        return A()
    """
    one = method("one", adapter, **{"shade.py": "SHADE = 10", "late.py": "def add(x): return x + 1"})
    two = method("two", adapter, **{"shade.py": "SHADE = 20", "late.py": "def add(x): return x + 2"})
    path, modules = list(sys.path), set(sys.modules)
    first, second = in_process.load(one, SETUP), in_process.load(two, SETUP)
    assert [each.generate(None, 0).frames.max() for each in (second, first)] == [22, 11]
    assert sys.path == path
    assert all(name.startswith("kinebench_method_") for name in set(sys.modules) - modules)
    assert not {"shade", "late", "adapter"} & set(sys.modules)


def test_a_changed_adapter_is_read_anew(make, method):
    said = []
    for shade in (10, 200):
        made = make(method("toy", body(f"return Video(np.full((2, 4, 4, 3), {shade}, np.uint8))") + "#" * shade))
        said.append(made[0].video.frames.max())
    assert said == [10, 200]


DOES_NOT_LOAD = {
    "a syntax error": ("def load(setup:\n    pass\n", r"toy does not load: SyntaxError: .*\(adapter.py, line 1\)"),
    "no load": ("def lod(setup):\n    pass\n", r"toy: adapter.py has no function load\(setup\)"),
    "load is no function": ("load = 3\n", r"toy: adapter.py has no function load\(setup\)"),
    "load gives nothing": ("def load(setup):\n    pass\n", r"load gave nothing; it must return what has generate"),
    "load gives a number": (
        "def load(setup):\n    return 3\n",
        r"load gave something of type int; it must return what has generate",
    ),
    "an error in load": (
        "def load(setup):\n    return setup.options['steps']\n",
        r"toy does not load: KeyError: 'steps' \(adapter.py:2\)$",
    ),
    "an error on import": ("import numpy\nnumpy.zeros(-1)\n", r"ValueError: negative .* \(adapter.py:2\)$"),
    "sys.exit on import": ("import sys\nsys.exit(4)\n", r"toy does not load: RuntimeError: it called sys.exit\(4\)"),
    "a package that is not there": (
        "def load(setup):\n    import surely_not_there\n",
        r"No module named 'surely_not_there' \(adapter.py:2\); pip install what it needs .* run.py$",
    ),
    "a helper without the dot": (
        "from helper import x\n\ndef load(setup):\n    pass\n",
        r"No module named 'helper' .*; a file beside adapter.py is imported with a dot: from .helper import",
    ),
    "load takes nothing": ("def load():\n    pass\n", r"toy does not load: TypeError: load\(\) takes 0 positional"),
}


@pytest.mark.parametrize("fault", DOES_NOT_LOAD)
def test_what_does_not_load_is_one_message(make, method, fault):
    text, words = DOES_NOT_LOAD[fault]
    with pytest.raises(KineBenchError, match=words) as caught:
        make(method("toy", text, **{"helper.py": "x = 1"}))
    assert "\n" not in str(caught.value)
    assert type(caught.value) is KineBenchError


def test_an_extra_that_is_not_installed_is_named(make, method):
    text = "def load(setup):\n    import surely_not_there\n"
    with pytest.raises(KineBenchError, match=r"run: pip install 'kinebench\[diffusion\]'$"):
        make(method("toy", text, more='[needs]\nextra = "diffusion"\n'))


def test_weights_that_are_missing_are_said_as_they_are(make, method):
    text = "from kinebench.errors import Unavailable\n\ndef load(setup):\n    raise Unavailable('run: hf download x')\n"
    with pytest.raises(Unavailable, match=r"^toy: run: hf download x$"):
        make(method("toy", text))


MAKES_NO_VIDEO = {
    "a list": (
        "return [1, 2]",
        "model",
        r"generate gave something of type list; it must give kinebench.methods.video.Video",
    ),
    "nothing": ("pass", "model", r"generate gave nothing; it must give"),
    "an array": (
        "return np.zeros((9, 64, 96, 3), np.uint8)",
        "model",
        r"generate gave something of type numpy.ndarray; it must give",
    ),
    "floats": (
        "return Video(np.zeros((9, 64, 96, 3)))",
        "model",
        r"generate gave frames of float64; frames must be .*: \(255 \* x\).round\(\)",
    ),
    "a list of frames": (
        "return Video([np.zeros((64, 96, 3), np.uint8)])",
        "model",
        r"frames as something of type list; .*np.stack",
    ),
    "a batch": ("return Video(np.zeros((1, 9, 64, 96, 3), np.uint8))", "model", r"give frames\[0\], without the axis"),
    "channels first": (
        "return Video(np.zeros((9, 3, 64, 96), np.uint8))",
        "model",
        r"frames.transpose\(0, 2, 3, 1\)",
    ),
    "with alpha": ("return Video(np.zeros((9, 64, 96, 4), np.uint8))", "model", r"frames\[..., :3\]"),
    "no frames": ("return Video(np.zeros((0, 64, 96, 3), np.uint8))", "model", r"frames of the shape \(0, 64, 96, 3\)"),
    "a timing that is none": ("return Video(np.zeros((9, 64, 96, 3), np.uint8), 8)", "model", r"the timing 8; it must"),
    "a rate of nothing": (
        "return Video(np.zeros((9, 64, 96, 3), np.uint8), Fps(0))",
        "model",
        r"Fps\(fps=0\); the rate must be above 0",
    ),
    "a rate that is no number": (
        "return Video(np.zeros((9, 64, 96, 3), np.uint8), Fps(float('nan')))",
        "model",
        r"the rate must be above 0",
    ),
    "facts that are no JSON": (
        "return Video(np.zeros((9, 64, 96, 3), np.uint8), facts={'a': np.float32(1)})",
        "model",
        r"facts that are no JSON: Object of type float32",
    ),
    "facts that are not finite": (
        "return Video(np.zeros((9, 64, 96, 3), np.uint8), facts={'a': float('inf')})",
        "model",
        r"facts that are no JSON: Out of range",
    ),
    "facts that are a list": (
        "return Video(np.zeros((9, 64, 96, 3), np.uint8), facts=['a'])",
        "model",
        r"generate gave something of type list as facts; give a dict",
    ),
    "an error": ("x = {}\nreturn x['force']", "model", r"^KeyError: 'force' \(adapter.py:7\)$"),
    "an error below": (
        "return np.zeros(3).reshape(2, 2)",
        "model",
        r"^ValueError: cannot reshape .* \(adapter.py:6\)$",
    ),
    "sys.exit": (
        "import sys\nsys.exit('enough')",
        "model",
        r"^RuntimeError: it called sys.exit\('enough'\) \(adapter.py:7\)",
    ),
    "a refusal": (
        "from kinebench.errors import KineBenchError\nraise KineBenchError('it moves one object')",
        "invalid",
        r"^it moves one object$",
    ),
    "no memory": ("raise MemoryError", "oom", r"^out of memory; end other processes"),
    "no memory of numpy": ("return np.zeros((1 << 50,))", "oom", r"^out of memory: Unable to allocate"),
    "no memory of a GPU": (
        "raise type('OutOfMemoryError', (RuntimeError,), {})('CUDA said no')",
        "oom",
        r"^out of memory: CUDA said no; ",
    ),
    "no memory by its words": ("raise RuntimeError('CUDA out of memory. Tried 2 GiB')", "oom", r"out of memory: CUDA"),
    "words that only sound so": ("raise ValueError('out of memory lane')", "model", r"^ValueError: out of memory lane"),
}


@pytest.mark.parametrize("fault", MAKES_NO_VIDEO)
def test_what_generate_does_wrong_is_one_line_and_the_next_is_tried(make, method, fault):
    import re

    lines, kind, words = MAKES_NO_VIDEO[fault]
    results = make(method("toy", body(lines)), ("a", 0), ("b", 1))
    assert [(type(each), each.kind, each.task) for each in results] == [
        (Failed, kind, Task("a", 0)),
        (Failed, kind, Task("b", 1)),
    ]
    assert re.search(words, results[0].message), results[0].message
    assert "\n" not in results[0].message


def test_a_tensor_is_told_how_to_become_frames(make, method):
    pytest.importorskip("torch")
    text = body("return Video(torch.zeros((9, 64, 96, 3)))", "import torch\nfrom kinebench.methods.video import Video")
    assert "frames as something of type torch.Tensor; frames must be" in make(method("toy", text))[0].message
    assert "cpu().numpy()" in make(method("toy", text))[0].message


def test_the_need_of_a_gpu_is_said_when_memory_ran_out(make, method):
    (failed,) = make(method("toy", body("raise MemoryError"), more="[needs]\ngpu_gb = 24\n"))
    assert "toy is said to need 24 GB of GPU memory" in failed.message


def test_what_it_prints_goes_to_standard_error(make, method, capfd):
    (made,) = make(
        method("toy", "print('hello')\n" + body("print('working')\nreturn Video(np.zeros((2, 4, 4, 3), np.uint8))"))
    )
    assert isinstance(made, Made)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "hello\nworking\n")


def test_it_may_walk_away_but_we_do_not_follow(make, method, tmp_path):
    here = Path.cwd()
    make(method("toy", f"import os\nos.chdir({str(tmp_path)!r})\n" + body("os.chdir('/')\nraise ValueError")))
    assert Path.cwd() == here


def test_interrupts_are_not_swallowed(make, method):
    with pytest.raises(KeyboardInterrupt):
        make(method("toy", body("raise KeyboardInterrupt")))


def test_a_failure_holds_none_of_the_models_memory(make, method):
    """What a frame of a failed `generate` holds is freed before the next video: on a GPU that is what counts."""
    text = body("import weakref\nbig = np.zeros(1 << 20)\nself.ref = weakref.ref(big)\nraise ValueError('no')")
    adapter = in_process.load(method("toy", text), SETUP)
    result = in_process._attempt(method("toy", text), adapter, Task("a", 0), None)
    gc.disable()
    try:
        assert isinstance(result, Failed)
        assert adapter.ref() is None
    finally:
        gc.enable()


def test_frames_may_be_any_view(make, method):
    (made,) = make(
        method("toy", body("x = np.zeros((3, 64, 96, 9), np.uint8)\nreturn Video(x.transpose(3, 1, 2, 0)[:, ::-1])"))
    )
    assert made.video.frames.shape == (9, 64, 96, 3)
    assert made.video.frames.dtype == np.uint8
