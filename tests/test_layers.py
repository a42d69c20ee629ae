"""Who may import what: the seams of the design, checked in the source and in a fresh interpreter."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kinebench

PACKAGE = Path(kinebench.__file__).parent
HOMES = {
    "pybullet": {"physics/bullet.py"},
    "bpy": {"render/blender.py"},
    "av": {"shards/video.py"},
    "torch": {
        "data/torch_view.py",
        "weights/checkpoint.py",
        "scoring/device.py",
        "metrics/precision.py",
        "methods/diffusion.py",
        *(f"metrics/i3d/{name}.py" for name in ("network", "folded", "weights", "features")),
        "metrics/pips/network.py",
        *(f"metrics/sam2/{name}.py" for name in ("hf", "published", "inference", "pictures", "keys")),
        *(f"kinemask/branch/{name}.py" for name in ("attach", "cogvideox", "encoder", "projection", "wan")),
        *(f"kinemask/families/{name}.py" for name in ("parts", "cogvideox", "wan", "small")),
        *(f"kinemask/small/{name}.py" for name in ("cogvideox", "wan")),
        *(f"kinemask/{name}.py" for name in ("batches", "checkpoint", "device", "draw", "latents")),
        *(f"kinemask/{name}.py" for name in ("advice", "optimizer", "pretraining", "session", "sharding")),
        *(f"kinemask/{name}.py" for name in ("trainer", "validation")),
        *(f"bench/{name}.py" for name in ("backbone", "estimate", "train")),
        *(f"kinemask/{name}.py" for name in ("method", "pipeline", "samplers/small")),
    },
    "diffusers": {
        "methods/diffusion.py",
        *(f"kinemask/{part}/{name}.py" for part in ("branch", "families", "small") for name in ("cogvideox", "wan")),
        "bench/backbone.py",
        *(f"kinemask/samplers/{name}.py" for name in ("cogvideox", "wan")),
    },
    "accelerate": {"kinemask/device.py"},
    "transformers": {
        "metrics/sam2/hf.py",
        "methods/diffusion.py",
        "kinemask/families/cogvideox.py",
        "kinemask/families/wan.py",
        "bench/backbone.py",
    },
    "sam2": {"metrics/sam2/published.py"},
    "cv2": {"metrics/optical_flow.py", "methods/sprites.py"},
    "ray": {"runners/ray.py"},
    "matplotlib": {"stats/figures.py"},
    "huggingface_hub": {"publish/hub.py", "methods/hub.py"},
}


def imports(path):
    """Modules that a file imports, by statement or through `require("...")`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "require":
            yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant))


@pytest.mark.parametrize("engine", HOMES)
def test_each_engine_has_one_home(engine):
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] == engine for name in imports(path))
    }
    assert found == HOMES[engine]


def test_scene_knows_no_later_stage():
    later = ("physics", "render", "annotate", "shards", "generate", "textures")
    for path in (PACKAGE / "scene").rglob("*.py"):
        for name in imports(path):
            assert not name.startswith(tuple(f"kinebench.{stage}" for stage in later)), f"{path}: {name}"


def test_help_is_light():
    """`kinebench --help` needs no engine and none of the slow libraries."""
    code = (
        "import sys, kinebench.cli.main as m\n"
        "sys.argv = ['kinebench', '--help']\n"
        "try: m.app()\nexcept SystemExit: pass\n"
        "heavy = ('bpy', 'pybullet', 'torch', 'av', 'PIL', 'jsonschema', 'numpy', 'matplotlib')\n"
        "print([n for n in heavy if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip().endswith("[]"), out


def test_missing_extra_names_the_pip_extra():
    from kinebench.errors import MissingExtra, require

    with pytest.raises(MissingExtra, match=r"pip install 'kinebench\[render\]'"):
        require("surely_not_installed", "render")
