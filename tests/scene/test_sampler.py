import ast
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import kinebench
from kinebench.scene.sampler import footprint_radius_m, in_view, sample_scene


def scenes(recipe, grounds, split="train", count=60, seed=0):
    drawn = (sample_scene(recipe, split, index, seed, 0, grounds) for index in range(count))
    return [scene for scene in drawn if scene is not None]


def test_same_arguments_same_scene(interactions, grounds):
    assert scenes(interactions, grounds, count=5) == scenes(interactions, grounds, count=5)


def test_every_argument_changes_the_scene(interactions, simple_motion, grounds):
    def cameras(*args):
        recipe, split, index, seed, attempt = args
        scene = sample_scene(recipe, split, index, seed, attempt, grounds)
        return scene and scene.camera

    base = (interactions, "train", 7, 0, 0)
    others = [
        (simple_motion, "train", 7, 0, 0),
        (interactions, "test", 7, 0, 0),
        (interactions, "train", 8, 0, 0),
        (interactions, "train", 7, 1, 0),
        (interactions, "train", 7, 0, 1),
    ]
    found = [cameras(*args) for args in (base, *others)]
    assert len({camera for camera in found if camera}) == len([camera for camera in found if camera]) >= 5


def test_scenes_keep_the_recipe(interactions, grounds):
    drawn = scenes(interactions, grounds)
    assert len(drawn) > 50
    for scene in drawn:
        assert 3 <= len(scene.bodies) <= 5 and 1 <= len(scene.driven) <= 2
        for body in scene.bodies:
            speed = np.linalg.norm(body.velocity_mps)
            assert (0.5 <= speed <= 1.5) if body.driven else speed == 0
            assert body.colour in interactions.split("train").colours
            assert body.position_m[2] == body.size_m[2] / 2
            assert in_view(body, scene.camera, interactions.acceptance.border_px)
        for a, b in combinations(scene.bodies, 2):
            gap = np.hypot(a.position_m[0] - b.position_m[0], a.position_m[1] - b.position_m[1])
            assert gap >= footprint_radius_m(a) + footprint_radius_m(b) + 0.05


def test_directions_are_uniform(interactions, grounds):
    drawn = scenes(interactions, grounds, count=600)
    headings = [np.arctan2(b.velocity_mps[1], b.velocity_mps[0]) for s in drawn for b in s.bodies if b.driven]
    counts, _ = np.histogram(headings, bins=8, range=(-np.pi, np.pi))
    expected = len(headings) / 8
    assert ((counts - expected) ** 2 / expected).sum() < 24.3  # chi-squared, 7 degrees of freedom, p = 0.001


def test_driven_objects_are_not_always_the_first_ids(interactions, grounds):
    assert len({scene.driven[0] for scene in scenes(interactions, grounds)}) > 2


CLOCKS = {  # they time, name or watch what runs, ask what is released or how old a leftover is; none makes a sample
    *("bench", "cli", "data", "studio", "methods/protocol"),
    *("render/blender.py", "textures/ambientcg.py", "runners/ray.py", "shards/files.py", "methods/in_process.py"),
    *("kinemask/trainer.py", "kinemask/events.py", "kinemask/device.py"),
    *("ablations/executor.py", "ablations/child.py"),
}
SALTS = {"board/season/salt.py", "board/study/making.py"}
"""They draw what must follow from nothing: whose seed, or whose films, would else be guessed."""


@pytest.mark.parametrize("banned", ["random", "time", "uuid", "secrets", "datetime"])
def test_no_hidden_source_of_randomness(banned):
    """What makes a sample may not read a clock or a global generator; benches time themselves."""
    package = Path(kinebench.__file__).parent
    for path in package.rglob("*.py"):
        name = path.relative_to(package)
        if {name.as_posix(), name.parent.as_posix()} & CLOCKS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            salt = banned == "secrets" and name.as_posix() in SALTS
            assert banned not in names or salt, f"{path} imports {banned}"
            legacy = isinstance(node, ast.Attribute) and ast.unparse(node).startswith("np.random.")
            allowed = ("np.random.Generator", "np.random.SeedSequence", "np.random.default_rng", "np.random.PCG64")
            assert not legacy or ast.unparse(node).startswith(allowed), f"{path}:{node.lineno}"
