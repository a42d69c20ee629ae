"""Sample strips: what is asked, made and drawn, and that training does not notice."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from kinebench.errors import KineBenchError
from kinebench.kinemask import checkpoint, trainer
from kinebench.kinemask.batches import painted
from kinebench.kinemask.branch.attach import attached
from kinebench.kinemask.log import lines
from kinebench.kinemask.material import gathered
from kinebench.kinemask.precompute import precompute
from kinebench.kinemask.strips import CELL_PX, Strip, picture, strips
from kinebench.kinemask.trainer import train

SPEED = ("seconds", "clips_per_s")


def quiet(*_):
    pass


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def opened(data):
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture(scope="module")
def clips(configured):
    config = configured("small")
    precompute(config, quiet)
    return gathered(config, "cpu").held_out


class Film:
    """Makes frames that count, and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, batch, first, steps, draw):
        self.asked.append((batch, first, steps, draw.normal(4)))
        return np.stack([np.full((9, *each.shape), 10, np.uint8) + np.arange(9)[:, None, None, None] for each in first])


def test_it_is_asked_as_at_inference_and_always_the_same(clips):
    film, again = Film(), Film()
    found = strips(clips, film, "small", True, 3, 0)
    assert len(found) == len(clips.keys) == 2  # not more than there are
    strips(clips, again, "small", True, 1, 0)
    for strip, key, (batch, first, steps, _) in zip(found, clips.keys, film.asked, strict=True):
        example, masks = clips[key], painted(batch["ids"], batch["table"])
        assert batch["key"] == [key] and steps == 4
        assert np.array_equal(first[0], example.rgb[0]) and np.array_equal(strip.truth, example.rgb)
        assert not masks[:, 1:].any()
        wanted = torch.from_numpy(example.velocity_input[0]).movedim(-1, 0)
        torch.testing.assert_close(masks[0, 0], wanted)
        assert strip.prompt == example.record["captions"]["c"] and strip.fps == example.fps
    assert torch.equal(film.asked[0][3], again.asked[0][3])
    assert not torch.equal(film.asked[0][3], film.asked[1][3])
    assert strips(clips, film, "wan", True, 0, 0) == []


def test_a_backbone_is_told_no_velocities(clips):
    film = Film()
    (strip, _) = strips(clips, film, "wan", False, 2, 0)
    assert strip.asked is None and "ids" not in film.asked[0][0] and film.asked[0][2] == 20


def test_what_is_asked_shows_where_driven_objects_are(clips):
    (strip, _) = strips(clips, Film(), "small", True, 2, 0)
    example = clips[clips.keys[0]]
    zoom = strip.asked.shape[1] // example.rgb.shape[2]
    assert zoom * example.rgb.shape[2] >= 2 * CELL_PX
    bright = strip.asked[::zoom, ::zoom].max(axis=-1).astype(int)
    moving = np.isin(example.segmentation[0], example.driven)
    dimmed = example.rgb[0].astype(int).max(axis=-1) * 9 // 20
    assert moving.any() and (bright[moving] > dimmed[moving]).mean() > 0.9
    assert (bright[~moving] == dimmed[~moving]).mean() > 0.9  # but for arrows


def frames_of(width, height, value, count=7):
    return np.full((count, height, width, 3), value, np.uint8)


@pytest.mark.parametrize(
    ("size", "cell"),
    [((96, 64), (192, 128)), ((720, 480), (192, 128)), ((704, 480), (192, 131)), ((100, 60), (100, 60))],
)
@pytest.mark.parametrize("asked", [True, False])
def test_both_rows_are_drawn_at_any_size(size, cell, asked):
    truth, made = frames_of(*size, 60), frames_of(*size, 180)
    strip = Strip("A cube moves. " * 30, 24, truth, made, np.full((64, 96, 3), 110, np.uint8) if asked else None)
    page = opened(picture([strip, strip], "stage1, step 250"))
    wide, high = cell
    for value in (60, 180):
        flat = (page == value).all(axis=-1)
        assert flat.sum() >= 12 * wide * high
        rows = np.flatnonzero(flat.sum(axis=1) >= 6 * wide)
        assert len(rows) == 2 * high
    assert ((page == 110).all(axis=-1).sum() >= 2 * 4 * wide * high) == asked
    assert picture([strip], "a") == picture([strip], "a") != picture([strip], "b")


def curve(place):
    return [{name: value for name, value in row.items() if name not in SPEED} for row in lines(place)]


def same_files(one, other, *names):
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


WEIGHTS = ("step-000004/state.safetensors", "step-000004/control/diffusion_pytorch_model.safetensors")


@pytest.fixture(scope="module", params=["cogvideox", "wan", "small"])
def config(configured, request):
    made = configured(request.param, saving={"strips": 1}, stage1={"truncation": "uniform"})
    precompute(made, quiet)
    return made


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, config):
    out = tmp_path_factory.mktemp("drawn")
    train(config, "stage1", out, quiet, quiet)
    return out / "stage1"


def test_training_does_not_notice(config, configured, drawn, tmp_path):
    plain = configured(config.backbone.family, saving={"strips": 0}, stage1={"truncation": "uniform"})
    train(plain, "stage1", tmp_path, quiet, quiet)
    assert curve(drawn) == curve(tmp_path / "stage1")
    assert same_files(drawn, tmp_path / "stage1", *WEIGHTS)
    assert not (tmp_path / "stage1" / "strips").exists()


def test_a_strip_a_checkpoint_and_one_before_them(config, drawn):
    found = {path.name: opened(path.read_bytes()) for path in (drawn / "strips").iterdir()}
    assert sorted(found) == ["step-000000.png", "step-000002.png", "step-000004.png"]
    first, _, last = (found[name] for name in sorted(found))
    assert first.shape == last.shape and not np.array_equal(first[60:], last[60:])


@pytest.mark.parametrize("config", ["small"], indirect=True)
def test_a_run_that_goes_on_draws_the_same(config, drawn, tmp_path):
    def stop(moment):
        if moment.clips >= 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, "stage1", tmp_path, stop, quiet)
    place = tmp_path / "stage1"
    (place / "strips" / "step-000004.png").write_bytes(b"of a step that is done again")
    train(config, "stage1", tmp_path, quiet, quiet)
    assert same_files(place, drawn, *WEIGHTS, *(f"strips/step-{step:06d}.png" for step in (0, 2, 4)))


def test_the_average_is_shown_where_it_is_kept(configured, tmp_path):
    training = {"ema_decay": 0.5, "checkpointing": False}  # which takes another kernel of attention
    config = configured("small", training=training, saving={"strips": 1}, stage1={"steps": 2, "learning_rate": 0.05})
    outcome = train(config, "stage1", tmp_path, quiet, quiet)
    material = gathered(config, "cpu")
    family = material.family

    def drawn_by(part):
        control = outcome.checkpoint.branch(family.control, family.transformer, part)

        def shown(batch, first, steps, draw):
            with attached(family.transformer, control, painted(batch["ids"], batch["table"])):
                return family.shown(batch, first, steps, draw)

        return picture(strips(material.held_out, shown, "small", True, 1, 0), "stage1, step 2")

    path = tmp_path / "stage1" / "strips" / "step-000002.png"
    assert path.read_bytes() == drawn_by(checkpoint.AVERAGE) != drawn_by(checkpoint.CONTROL)


def test_what_cannot_be_drawn_costs_no_checkpoint(configured, tmp_path, monkeypatch):
    config = configured("small", saving={"strips": 1})
    own = trainer.strips.strips

    def full(clips, shown, *rest):
        if list((tmp_path / "stage1").glob("step-*")):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return own(clips, shown, *rest)

    monkeypatch.setattr(trainer.strips, "strips", full)
    with pytest.raises(KineBenchError, match=r"while sample strips are made; set saving.strips = 0. Checkpoints are w"):
        train(config, "stage1", tmp_path, quiet, quiet)
    assert [point.step for point in checkpoint.found(tmp_path / "stage1")] == [2]
    monkeypatch.undo()
    assert train(configured("small", saving={"strips": 0}), "stage1", tmp_path, quiet, quiet).resumed == 2
