"""method.toml: what it says, what it may not say, and which settings decide a video."""

import re
import shutil
from pathlib import Path

import pytest

from kinebench.errors import KineBenchError
from kinebench.methods import method as methods
from kinebench.methods.method import built_in, find, read

OPTIONS = """
[options.steps]
help = "denoising steps"
default = 50

[options.scale]
help = "of the force"
default = 0.5

[options.sharp]
help = "or not"
default = false

[options.mode]
help = "which points"
default = "path"
choices = ["path", "ends"]

[options.clone]
help = "folder of your clone"
place = true
"""
WHOLE = """
[control]
uses = ["first_frame", "path"]
max_driven = 1
prompt_tokens = 77

[native]
width = 512
height = 320
frames = 16
fps = 8
tiny = [64, 40]

[weights.model]
hub = "lab/toy"
revision = "main"
licence = "MIT"
gb = 1.5

[needs]
extra = "diffusion"
gpu_gb = 24

[limits]
video_s = 10
"""


def test_all_that_it_says(folder):
    home = folder("toy", more=WHOLE + OPTIONS)
    found = read(home)
    assert (found.name, found.title, found.version, found.runs) == ("toy", "A toy", "1.0.0", "in process")
    assert (found.uses, found.max_driven, found.prompt_tokens) == (("first_frame", "path"), 1, 77)
    assert (found.native.size, found.native.frames, found.native.fps) == ((512, 320), 16, 8)
    assert (found.size(tiny=False), found.size(tiny=True)) == ((512, 320), (64, 40))
    assert found.weights["model"].gb == 1.5
    assert (found.extra, found.gpu_gb) == ("diffusion", 24)
    assert (found.limits.video_s, found.limits.load_s) == (10, 1800)
    assert list(found.options) == ["steps", "scale", "sharp", "mode", "clone"]


def test_what_it_does_not_say_is_the_clips_own(folder):
    found = read(folder())
    assert found.max_driven is None
    assert found.size(tiny=True) is found.size(tiny=False) is None
    assert found.settings({}) == {}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("[native]\nwidth = 512\n", r"method.toml: native: 'height' is a dependency of 'width'"),
        ('[control]\nuses = ["masks", "sound"]\n', r"control.uses.1: 'sound' is not one of"),
        ("[control]\nmax_driven = -1\n", r"control.max_driven: -1 is less than"),
        (
            '[weights.model]\nhub = "toy"\nrevision = "main"\nlicence = "MIT"\n',
            r"weights.model.hub: 'toy' does not match",
        ),
        ('[weights.model]\nhub = "lab/toy"\nrevision = "main"\n', r"weights.model: 'licence' is a required property"),
        ("[options.steps]\ndefault = 3\n", r"options.steps: 'help' is a required property"),
        ("[surprise]\nx = 1\n", r"Additional properties are not allowed \('surprise' was unexpected\)"),
        ("[native]\ntiny = [64]\n", r"native.tiny: "),
        ("[native\n", r"cannot read .*method.toml"),
    ],
)
def test_what_it_may_not_say_is_named_by_its_place(folder, more, words):
    with pytest.raises(KineBenchError, match=words):
        read(folder(more=more))


def test_the_folder_must_fit(folder, tmp_path):
    with pytest.raises(KineBenchError, match=r"is no method: it has no method.toml; see docs/methods.md"):
        read(tmp_path)
    home = folder("toy")
    moved = Path(shutil.copytree(home, home.with_name("other")))
    with pytest.raises(KineBenchError, match=r"method.name is toy, but the folder is called other"):
        read(moved)
    (home / "adapter.py").unlink()
    with pytest.raises(KineBenchError, match=r"method.runs is 'in process', but there is no adapter.py beside it"):
        read(home)
    home = folder("spy", runs="folder")
    text = (home / "method.toml").read_text()
    (home / "method.toml").write_text(text.replace("runs =", "privileged = true\nruns ="))
    with pytest.raises(KineBenchError, match="privileged runs 'in process'"):
        read(home)


def test_settings_have_the_types_of_the_defaults(folder, tmp_path, monkeypatch):
    found = read(folder(more=OPTIONS))
    monkeypatch.chdir(tmp_path)
    given = {"steps": "20", "scale": "2", "sharp": "true", "mode": "ends", "clone": "there"}
    assert found.settings(given) == {
        "steps": 20,
        "scale": 2.0,
        "sharp": True,
        "mode": "ends",
        "clone": str(tmp_path / "there"),
    }
    assert found.settings({"clone": "/x"}) == {
        "steps": 50,
        "scale": 0.5,
        "sharp": False,
        "mode": "path",
        "clone": "/x",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, r"toy wants to know: --set clone=... \(folder of your clone\)"),
        ({"clone": "x", "step": "2"}, r"--set step: toy has the options steps, .*; did you mean steps\?"),
        ({"clone": "x", "steps": "2.5"}, r"--set steps=2.5: it is a whole number"),
        ({"clone": "x", "scale": "much"}, r"--set scale=much: it is a number"),
        ({"clone": "x", "sharp": "yes"}, r"--set sharp=yes: it is true or false"),
        ({"clone": "x", "mode": "all"}, r"--set mode=all: it is one of path, ends"),
        ({"clone": "x", "scale": "nan"}, r"--set scale=nan: it is a number"),
        ({"clone": "x", "scale": "inf"}, r"--set scale=inf: it is a number"),
    ],
)
def test_settings_that_are_none(folder, given, words):
    with pytest.raises(KineBenchError, match=words):
        read(folder(more=OPTIONS)).settings(given)


def test_the_identity_is_that_of_what_decides_a_video(folder):
    home = folder(more=OPTIONS, **{"helper.py": "x = 1"})

    def identity(**given):
        found = read(home)
        return found.identity(found.settings({"clone": "/a"} | given))

    first = identity()
    assert identity(clone="/b") == first, "where things lie decides nothing"
    assert identity(steps="50") == first, "the default, said"
    assert identity(steps="51") != first
    (home / "README.md").write_text("words")
    (home / "picture.png").write_bytes(b"x")
    (home / ".git").mkdir()
    (home / ".git" / "hook.py").write_text("x")
    (home / "__pycache__").mkdir(exist_ok=True)
    (home / "__pycache__" / "adapter.pyc").write_bytes(b"x")
    assert identity() == first
    (home / "helper.py").write_text("x = 2")
    changed = identity()
    assert changed != first
    (home / "data").mkdir()
    (home / "data" / "table.json").write_text("{}")
    assert identity() not in (first, changed)


def test_a_method_is_found_by_name_or_folder(folder, monkeypatch):
    home = folder("toy")
    monkeypatch.chdir(home.parent)
    assert find("toy").folder == find(f"{home}/").folder == home
    monkeypatch.chdir(home)
    assert find(".").name == "toy"
    with pytest.raises(KineBenchError, match=r"no method cogvideo, .*did you mean cogvideox\?; see: kinebench methods"):
        find("cogvideo")


@pytest.mark.parametrize("name", built_in())
def test_every_built_in_method_is_whole(name):
    found = find(name)
    assert found.name == name
    home = found.folder.parent if found.kind == "anchor" else found.folder
    assert (home / "README.md").is_file()
    given = {option: "x" for option, each in found.options.items() if each.default is None}
    assert re.fullmatch("[0-9a-f]{64}", found.identity(found.settings(given)))
    assert (found.kind == "anchor") == (found.folder.parent.name == "anchors")
    assert not (found.weights and found.kind == "anchor")


def test_methods_come_before_anchors():
    kinds = [read(home).kind for home in built_in().values()]
    assert kinds == sorted(kinds, reverse=True)
    assert methods.built_in().keys() >= {"static", "cogvideox"}
