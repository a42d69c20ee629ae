import hashlib
import pickle
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kinebench.errors import KineBenchError, Unavailable  # noqa: E402
from kinebench.metrics.fvd import MIN_FRAMES, Fvd  # noqa: E402
from kinebench.metrics.i3d.features import prepare  # noqa: E402
from kinebench.metrics.i3d.network import MIN_FRAMES as NETWORKS_OWN  # noqa: E402
from kinebench.weights import catalogue  # noqa: E402


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def weights(golden, recipes, tmp_path_factory):
    """A file of the published layout with the golden random weights."""
    facts, _ = golden("i3d")
    state = recipes.fill_state(facts["state_dict_shapes"], facts["seed"])
    path = tmp_path_factory.mktemp("weights") / "i3d.pt"
    torch.save({name: torch.from_numpy(array) for name, array in state.items()}, path)
    return path


def features(meter, frames):
    return meter.read(None, frames).arrays["features"]


# ------------------------------------------------------------------ preprocessing

PEERS = {"cdfvd": "squash", "videogpt": "crop", "stylegan_v_junyao": "crop"}


@pytest.mark.parametrize("shape", ["wide", "tall", "down"])
@pytest.mark.parametrize("peer", PEERS)
def test_frames_are_prepared_as_the_public_code_does(peer, shape, golden, recipes):
    facts, arrays = golden("fvd_preprocess")
    case = facts["cases"][f"{shape}_{peer}"]
    video = recipes.block_video(case["video_seed"], case["T"], case["H"], case["W"])
    assert recipes.sha(video) == case["video_sha"]
    clip = prepare(video, PEERS[peer])
    assert clip.shape == (1, 3, case["T"], 224, 224)
    assert abs(clip[0, :, :, ::9, ::9].numpy() - arrays[f"{shape}_{peer}"]).max() < 2e-5
    assert np.allclose(clip[0].mean((1, 2, 3)), case["mean"], atol=2e-5)
    assert abs(clip.min() - case["min"]) < 2e-5
    assert abs(clip.max() - case["max"]) < 2e-5


def test_crop_does_not_see_the_sides_and_squash_does():
    """A third of a 480 x 720 frame: the reason for the default."""
    still = np.full((9, 480, 720, 3), 90, np.uint8)
    moving = still.copy()
    moving[:, :, :119] = moving[:, :, -119:] = 200
    assert (prepare(still, "crop") == prepare(moving, "crop")).all()
    changed = (prepare(still, "squash") != prepare(moving, "squash")).float().mean()
    assert 0.3 < changed < 0.35


def test_long_clips_are_prepared_in_parts_and_come_out_whole(recipes):
    video = recipes.block_video(5, 40, 32, 48)
    whole = prepare(video, "squash")
    assert all((whole[:, :, t : t + 1] == prepare(video[t : t + 1], "squash")).all() for t in (0, 15, 16, 39))


# ------------------------------------------------------------------ the meter


def test_features_are_the_logits_of_the_prepared_clip(weights, golden, recipes):
    facts, arrays = golden("i3d")
    video = recipes.block_video(facts["T9"]["video_seed"], 9, 224, 224)
    found = features(Fvd(weights=weights), video)
    assert found.shape == (1, 400)
    assert found.dtype == np.float32
    wanted = arrays["videogpt_T9"]
    assert abs(found[0] - wanted).max() < 1e-3 * wanted.std()


def test_bfloat16_is_near_and_says_so(weights, recipes):
    video = recipes.block_video(3, 9, 64, 96)
    exact, rough = (features(Fvd(weights=weights, bfloat16=low), video) for low in (False, True))
    assert 1e-4 < abs(exact - rough).max() / exact.std() < 0.1
    assert Fvd(weights=weights, bfloat16=True).configuration["precision"] == "bfloat16"


def test_distances_of_sets(weights, recipes):
    """Videos of one kind are nearer to each other than to faster ones; a set is 0 from itself."""
    meter = Fvd(weights=weights)
    slow = np.concatenate([features(meter, recipes.block_video(seed, 9, 32, 48)) for seed in range(2)])
    other = np.concatenate([features(meter, recipes.block_video(seed, 9, 32, 48)) for seed in range(2, 4)])
    dark = np.concatenate([features(meter, recipes.block_video(seed, 9, 32, 48) // 4) for seed in range(2, 4)])
    distances = meter.distances
    assert set(distances) == {metric.name for metric in meter.metrics} == {"fvd", "kvd"}
    assert abs(distances["fvd"](slow, slow)) < 1e-6 * np.square(slow).sum()
    for name in distances:
        assert distances[name](slow, other) < distances[name](slow, dark)


def test_short_clips_have_no_fvd(weights):
    assert MIN_FRAMES == NETWORKS_OWN
    with pytest.raises(Unavailable, match="FVD needs clips of at least 9 frames, and these have 8"):
        Fvd(weights=weights).read(None, np.zeros((8, 32, 32, 3), np.uint8))


def test_absent_weights_are_unavailable_and_say_how_to_get_them(tmp_path):
    says = "run: kinebench weights fetch i3d-torchscript"
    with pytest.raises(Unavailable, match=says):
        Fvd().configuration  # noqa: B018
    with pytest.raises(Unavailable, match=says):
        features(Fvd(), np.zeros((9, 8, 8, 3), np.uint8))
    with pytest.raises(Unavailable, match="no file of weights"):
        Fvd(weights=tmp_path / "nothing.pt").configuration  # noqa: B018


def test_published_weights_are_found_and_named_by_their_hash(weights, cache, tmp_path, monkeypatch, recipes):
    data = weights.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    (tmp_path / "catalogue.toml").write_text(
        f'[i3d-torchscript]\npurpose = "fvd"\nfile = "net.pt"\nurls = []\nsource = ""\nlicence = ""\nconfirmed = ""\n'
        f'git_blob = "{blob}"\n'
    )
    monkeypatch.setattr(catalogue, "FILE", tmp_path / "catalogue.toml")
    (cache / "weights").mkdir(parents=True)
    (cache / "weights" / "net.pt").write_bytes(data)
    meter = Fvd()
    assert meter.configuration["weights"] == sha256
    video = recipes.block_video(3, 9, 64, 96)
    assert (features(meter, video) == features(Fvd(weights=weights), video)).all()


def test_the_configuration_is_what_the_value_depends_on(weights):
    whole = Fvd(weights=weights).configuration
    assert whole["versions"] == {"fvd": 1, "kvd": 1}
    assert whole["weights"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    others = [{"preprocess": "crop"}, {"bfloat16": True}, {"device": "cuda"}]
    assert all(Fvd(weights=weights, **other).configuration != whole for other in others)


def test_unknown_options_are_refused():
    with pytest.raises(KineBenchError, match="squash or crop"):
        Fvd(preprocess="stretch")


def test_it_is_cheap_to_make_and_travels(weights):
    began = time.perf_counter()
    meter = pickle.loads(pickle.dumps(Fvd(preprocess="crop", weights=weights)))
    assert time.perf_counter() - began < 0.1
    assert meter == Fvd(preprocess="crop", weights=weights)
