"""FVMD against what `fvmd` 1.0.0 prints, and its meter on a small clip."""

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kinebench.errors import KineBenchError, Unavailable
from kinebench.metrics import histogram
from kinebench.metrics.fvmd import Fvmd, distance, motion_features
from kinebench.weights import catalogue


@pytest.mark.parametrize("which", ["a", "b"])
@pytest.mark.parametrize("acceleration", ["released", "paper"])
def test_features_are_bit_for_bit_the_public_ones(golden, which, acceleration):
    _, arrays = golden("fvmd_motion")
    features = motion_features(arrays[f"trajs_{which}"], acceleration=acceleration)
    assert features.dtype == np.float32
    second = arrays[f"hist_{'a' if acceleration == 'released' else 'ap'}_{which}"]
    assert np.array_equal(
        features, np.concatenate([arrays[f"hist_v_{which}"].reshape(6, 512), second.reshape(6, 512)], 1)
    )


@pytest.mark.parametrize("number", [0, 3])
def test_vectors_on_every_edge_of_the_bins(recipes, golden, number):
    facts, arrays = golden("fvmd_motion")
    vectors = recipes.fvmd_lattice(number)
    assert recipes.sha(vectors) == facts[f"lattice_{number}"]["sha"]
    assert np.array_equal(
        histogram.counted(*histogram.votes(vectors)), arrays[f"lattice_{number}_hist"].reshape(2, 512)
    )


@pytest.mark.parametrize("case", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_distances_are_the_public_ones(recipes, golden, case):
    facts = golden("fvmd_motion")[0]
    expected, small = facts["cases"][case], facts["small"]
    clips = expected["clips"]
    sets = [
        recipes.fvmd_trajs(small["seed_a"], clips),
        recipes.fvmd_trajs(small["seed_b"], clips, speed=small["speed_b"], accel=small["accel_b"]),
    ]
    assert [recipes.sha(tracks) for tracks in sets] == [expected["sha_a"], expected["sha_b"]]
    for acceleration in ("released", "paper"):
        a, b = (motion_features(tracks, acceleration=acceleration) for tracks in sets)
        assert distance(a, b) == pytest.approx(expected[f"combined_{acceleration}"], rel=1e-6, abs=1e-4)
        assert distance(a[:, :512], b[:, :512]) == pytest.approx(expected["velocity"], rel=1e-6, abs=1e-4)
        found = distance(a[:, 512:], b[:, 512:])
        assert found == pytest.approx(expected[f"acceleration_{acceleration}"], rel=1e-6, abs=1e-4)
    released = motion_features(sets[0])
    assert distance(released, released) == pytest.approx(expected["combined_released_self"], abs=1e-3)


def test_what_stands_still_votes_for_nothing():
    tracks = np.broadcast_to(np.arange(800, dtype=np.float32).reshape(400, 2), (2, 16, 400, 2))
    assert not motion_features(tracks).any()


def test_one_point_votes_in_its_cell():
    """Point 7 of row 11, once, in frame 6: cell 1 in time, 2 in rows, 1 in columns; a little down from x is 5 of 8."""
    tracks = np.zeros((1, 16, 400, 2), np.float32)
    tracks[0, 6:, 11 * 20 + 7] = 2.9, 0.1
    features = motion_features(tracks)[0].reshape(2, 4, 4, 4, 8)
    assert features[0, 1, 2, 1, 5] == features[1, 1, 2, 1, 5] == 2 / 8  # log2(1 + 2.9) is nearly 2
    assert np.count_nonzero(features) == 2
    paper = motion_features(tracks, acceleration="paper")[0].reshape(2, 4, 4, 4, 8)
    assert paper[1, 1, 2, 1, 5] == paper[1, 1, 2, 1, 1] == 2 / 8  # speeds up in frame 6, brakes in frame 7
    assert np.count_nonzero(paper) == 3


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        (np.zeros((16, 400, 2)), r"of shape \(16, 400, 2\)"),
        (np.zeros((1, 15, 400, 2)), "shape"),
        (np.full((1, 16, 400, 2), np.nan), "not finite"),
    ],
)
def test_other_tracks_are_refused(tracks, message):
    with pytest.raises(KineBenchError, match=message):
        motion_features(tracks)


def test_unknown_options_are_refused():
    with pytest.raises(KineBenchError, match="released and paper"):
        motion_features(np.zeros((1, 16, 400, 2)), acceleration="mine")
    with pytest.raises(KineBenchError, match="released and paper"):
        Fvmd(acceleration="mine")
    with pytest.raises(KineBenchError, match="1 or more"):
        Fvmd(window_stride=0)


def test_histograms_need_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from kinebench.metrics.fvmd import Fvmd, motion_features\n"
        "print(motion_features(np.zeros((3, 16, 400, 2))).shape, Fvmd().name, 'PIL' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "(3, 1024) fvmd False"


def test_absent_weights_say_how_to_get_them(tmp_path, monkeypatch, flat):
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path))
    frames = np.zeros((16, 40, 64, 3), np.uint8)
    with pytest.raises(Unavailable, match="kinebench weights fetch pips2"):
        Fvmd().configuration  # noqa: B018
    with pytest.raises(Unavailable, match="kinebench weights fetch pips2"):
        Fvmd().read(flat(frames), frames)
    with pytest.raises(Unavailable, match="there is no file"):
        Fvmd(weights=tmp_path / "absent.pth").configuration  # noqa: B018


def test_a_clip_shorter_than_a_window_is_refused(flat, checkpoint):
    frames = np.zeros((15, 40, 64, 3), np.uint8)
    with pytest.raises(Unavailable, match="at least 16 frames, and these have 15"):
        Fvmd(weights=checkpoint).read(flat(frames), frames)


def test_configuration_says_what_is_comparable(checkpoint, tmp_path, monkeypatch):
    meter = pickle.loads(pickle.dumps(Fvmd(weights=checkpoint)))
    assert meter.configuration["comparable"] is False  # they are not the published weights
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    texts = "".join(f'{key} = ""\n' for key in ("purpose", "file", "source", "licence", "confirmed"))
    (tmp_path / "catalogue.toml").write_text(f'[pips2]\n{texts}urls = []\nsha256 = "{digest}"\n')
    monkeypatch.setattr(catalogue, "FILE", tmp_path / "catalogue.toml")
    plain = meter.configuration
    assert plain["comparable"] is True
    assert plain["tf32"] is False
    assert len(plain["weights"]) == 64
    for other in ({"acceleration": "paper"}, {"window_stride": 4}, {"bfloat16": True}):
        changed = Fvmd(weights=checkpoint, **other).configuration
        assert changed["comparable"] is False
        assert changed != plain


def test_other_weights_are_refused(tmp_path, flat):
    import torch

    path = tmp_path / "other.pth"
    torch.save({"model_state_dict": {"fnet.conv1.bias": torch.zeros(64)}}, path)
    frames = np.zeros((16, 40, 64, 3), np.uint8)
    with pytest.raises(KineBenchError, match="is not PIPs"):
        Fvmd(weights=path).read(flat(frames), frames)


@pytest.fixture(scope="module")
def checkpoint(recipes, golden, tmp_path_factory) -> Path:
    """A file like the published one, with seeded weights."""
    import torch

    facts, _ = golden("pips2")
    shapes = {name: tuple(shape) for name, shape in facts["state_dict_shapes"].items()}
    weights = recipes.fill_state(shapes, facts["seed"], recipes.PIPS_SPECIAL)
    path = tmp_path_factory.mktemp("weights") / "pips2_weights.pth"
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    torch.save({"model_state_dict": state}, path, _use_new_zipfile_serialization=False)  # as published
    return path


def test_every_frame_is_resized_and_encoded_once(checkpoint, monkeypatch, recipes):
    from kinebench.metrics.pips import tracks as pips_tracks

    resized, encoded = [], []
    square = pips_tracks.square
    monkeypatch.setattr(pips_tracks, "SIDE_PX", 128)  # a quarter of the work
    monkeypatch.setattr(pips_tracks, "square", lambda frame: resized.append(frame) or square(frame))
    network = pips_tracks.loaded(checkpoint, "cpu")
    hook = network.fnet.register_forward_hook(lambda _, given, __: encoded.append(len(given[0])))
    frames = recipes.block_video(1, 49, 60, 80)
    windows = pips_tracks.tracks(network, frames, window=16, iterations=0)
    hook.remove()
    assert windows.shape == (34, 16, 400, 2)
    assert (len(resized), sum(encoded)) == (49, 49)  # the public code: 34 windows of 16
    assert len(pips_tracks.tracks(network, frames[:21], window=16, stride=4, iterations=0)) == 2


@pytest.mark.slow
def test_meter_reads_a_clip(checkpoint, recipes, flat):
    frames = recipes.block_video(1, 19, 40, 64)
    meter = Fvmd(weights=checkpoint, window_stride=4, bfloat16=True)
    features = meter.read(flat(frames), frames).arrays["features"]
    assert features.shape == (1, 1024)
    assert features.dtype == np.float32
    assert features.any()
    assert np.array_equal(features * 8, np.rint(features * 8))
    features = np.concatenate([features, features + 1])
    assert meter.distances["fvmd"](features, features) == pytest.approx(-2 * 1024e-5, abs=1e-3)
    assert meter.worst(flat(frames)) == {} == meter.respond([])


@pytest.mark.slow
def test_end_to_end_against_the_public_code(checkpoint, recipes, golden):
    """Three videos of 18 frames in each set, 2 iterations: 18 windows. About a minute of one core."""
    from kinebench.metrics.pips import tracks as pips_tracks

    facts, arrays = golden("fvmd_e2e")
    network = pips_tracks.loaded(checkpoint, "cpu")
    found = {}
    for name, start, block in (("gen", 70, 4), ("gt", 80, 6)):
        videos = [recipes.block_video(facts["seed"] + start + i, 18, 60, 80, block=block) for i in range(3)]
        if name == "gen":
            first = np.stack([pips_tracks.square(frame) for frame in videos[0][:16]])
            assert recipes.sha(first) == facts["folder"]["resized_first_window_sha"]
        windows = [pips_tracks.tracks(network, video, window=16, iterations=2) for video in videos]
        found[name] = motion_features(np.concatenate(windows))
        moved = np.abs(found[name] - arrays[f"folder_features_{name}"])
        assert moved.max() <= 0.25
        assert np.count_nonzero(moved) <= 20  # of 9216: points whose rounding fell to the other side of an edge
    assert distance(found["gen"], found["gt"]) == pytest.approx(facts["folder"]["fvmd"], rel=0.02)
