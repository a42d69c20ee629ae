"""The pipeline with all three families, tiny, loaded from folders as a user's are."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinebench.errors import KineBenchError, Unavailable
from kinebench.kinemask import steering
from kinebench.kinemask.pipeline import KineMaskPipeline
from kinebench.kinemask.trained import read

SIZES = {"cogvideox": (48, 32), "wan": (64, 32), "small": (96, 64)}
FRAMES = {"cogvideox": 5, "wan": 5, "small": 9}
STEPS = 2
PROMPT = "A red box slides to the left."
RIGHT, AWAY = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def scene(size):
    """A picture of a red box on a floor, and the box's mask."""
    width, height = size
    mask = np.zeros((height, width), bool)
    mask[height * 7 // 16 : height * 5 // 8, width * 5 // 24 : width * 11 // 24] = True
    picture = np.full((height, width, 3), 120, np.uint8)
    picture[height * 5 // 8 :] = 160
    picture[mask] = (200, 40, 30)
    return picture, mask


PICTURE, BOX = scene(SIZES["small"])


@pytest.fixture(scope="module", params=["cogvideox", "wan", "small"])
def family(request):
    return request.param


@pytest.fixture(scope="module")
def frames(family):
    return FRAMES[family]


@pytest.fixture(scope="module")
def picture(family):
    return scene(SIZES[family])[0]


@pytest.fixture(scope="module")
def box(family):
    return scene(SIZES[family])[1]


@pytest.fixture(scope="module")
def backbone(family, published, tmp_path_factory):
    """A folder of weights that makes as many frames as the branch by itself."""
    if family != "cogvideox":
        return published[family]
    folder = shutil.copytree(published[family], tmp_path_factory.mktemp("short") / family)
    config = json.loads((folder / "transformer" / "config.json").read_text())
    (folder / "transformer" / "config.json").write_text(json.dumps(config | {"sample_frames": FRAMES[family]}))
    return folder


@pytest.fixture(scope="module")
def folder(family, backbone, branched):
    return branched(backbone, family, SIZES[family], FRAMES[family])


@pytest.fixture(scope="module")
def pipeline(folder, backbone):
    return KineMaskPipeline.from_pretrained(folder, backbone=backbone, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def alone(family, backbone):
    return KineMaskPipeline.without_branch(family, backbone=backbone, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def small(published, branched):
    """What is quickest, for what is the same in all families."""
    folder = branched(published["small"], "small", SIZES["small"], FRAMES["small"])
    return KineMaskPipeline.from_pretrained(folder, backbone=published["small"], device="cpu")


@pytest.fixture(scope="module")
def right(pipeline, picture, box):
    return pipeline(picture, PROMPT, masks=[box], velocities=[RIGHT], seeds=(3,), steps=STEPS)


def test_videos(right, picture, box, pipeline, frames):
    assert right.shape == (1, frames, *picture.shape)
    assert right.dtype == np.uint8


def test_a_picture_may_be_pillows(small):
    made, again = (small(image, PROMPT, **MOVES, steps=1) for image in (PICTURE, Image.fromarray(PICTURE)))
    assert (made == again).all()


@pytest.fixture(scope="module")
def plain(alone, picture, frames):
    return alone(picture, PROMPT, seeds=(3,), steps=STEPS, frames=frames)


def test_it_answers_to_the_velocity_and_leaves_the_backbone_as_it_was(pipeline, picture, box, right, plain):
    away = pipeline(picture, PROMPT, masks=[box], velocities=[AWAY], seeds=(3,), steps=STEPS)
    assert (away != right).any()
    assert plain.shape == right.shape
    assert (plain != right).any()
    same = KineMaskPipeline(pipeline.sampler)(picture, PROMPT, seeds=(3,), steps=STEPS, frames=right.shape[1])
    assert (same == plain).all()


def test_two_at_once_are_two_one_by_one(pipeline, picture, box, right):
    """The same noise and the same masks; sums in another order may round a pixel to the next level."""
    told = {"masks": [box], "velocities": [RIGHT], "steps": STEPS}
    both = pipeline(picture, PROMPT, **told, seeds=(5, 3), batch=2)
    assert both.shape == (2, *right.shape[1:])
    assert np.abs(both[1].astype(int) - right[0]).max() <= 1
    assert (both[0] != both[1]).any()
    if pipeline.sampler.name == "small":  # it is the same code for all
        three = pipeline(picture, PROMPT, **told, seeds=(5, 3, 5), batch=2)
        assert (three[:2] == both).all()
        assert (pipeline(picture, PROMPT, **told, seeds=(5, 3))[1] == right[0]).all()


def test_masks_of_whole_frames(pipeline, picture, box, right):
    whole = np.zeros(right.shape[1:], np.float32)
    whole[:, box] = RIGHT
    told = {"seeds": (3,), "steps": STEPS}
    assert (pipeline(picture, PROMPT, velocity_masks=whole, **told) != right).any()
    if pipeline.sampler.name == "small":  # it is the same code for all
        assert (pipeline(picture, PROMPT, velocity_masks=whole[:1], **told) == right).all()


def test_averaged_weights_are_taken_and_a_branch_that_has_learnt_nothing_is_silent(
    backbone, branched, family, picture, box, alone, frames, plain
):
    folder = branched(backbone, family, SIZES[family], frames, noise=0.5, average=0.0)
    averaged = alone.steered(read(folder))
    assert averaged.trained.averaged
    made = averaged(picture, PROMPT, masks=[box], velocities=[RIGHT], seeds=(3,), steps=STEPS)
    assert (made == plain).all()


def test_arrows_are_what_animate_takes_them_for(small):
    """On a canvas 7.5 times as large, with the same camera."""
    from kinebench.photo import arrow as arrows
    from kinebench.photo.camera import constants, view
    from kinebench.photo.picture import CANVAS

    camera = {"field_of_view_deg": 50, "height_m": 1.2, "pitch_deg": 40}
    ends = np.array([32, 34, 60, 50])
    masks, (velocity,) = steering.pointed(PICTURE, [ends], [BOX], camera)
    assert (masks[0] == BOX).all()
    x0, y0, x1, y1 = ends * 7.5
    wanted = arrows.motion(
        arrows.Arrow((x0, y0), (x1, y1)), view(camera, CANVAS, ""), constants(), 2.0, None, "arrow"
    ).velocity_mps
    assert velocity == pytest.approx(wanted, rel=1e-4)
    assert velocity[0] > 0 > velocity[1]  # to the right, and towards the camera
    told = {"seeds": (3,), "steps": STEPS}
    made = small(PICTURE, PROMPT, masks=[BOX], arrows=[ends], camera=camera, **told)
    assert (made == small(PICTURE, PROMPT, masks=[BOX], velocities=[velocity], **told)).all()


def test_the_object_under_an_arrow_is_found():
    pytest.importorskip("cv2")
    (found,), _ = steering.pointed(PICTURE, [(32, 34, 60, 50)], None, None)
    assert found.shape == BOX.shape
    assert (found & BOX).sum() / (found | BOX).sum() > 0.7


def test_a_pixel_belongs_to_the_first_mask_that_claims_it():
    wide = np.ones_like(BOX)
    told = steering.first_frame([BOX, wide], [RIGHT, (0.0, -5.0, 0.0)], SIZES["small"], 2.0)
    assert told.shape == (1, 64, 96, 3)
    assert (told[0, BOX] == (0.5, 0, 0)).all()
    assert (told[0, ~BOX] == (0, -1, 0)).all()  # as fast as a mask can say


def test_masks_of_a_clip_are_those_of_training(configured):
    from kinebench.kinemask.batches import Course, painted
    from kinebench.kinemask.conditioning import clip_rng, scaled
    from kinebench.kinemask.material import gathered
    from kinebench.kinemask.precompute import precompute

    for encoding in ("v_t", "v_0"):
        config = configured("small", data={"encoding": encoding})
        precompute(config, lambda *_: None)
        clips = gathered(config, "cpu").trained
        key = clips.keys[0]
        item = clips.item(key, Course("full"), clip_rng(0, 0, key))
        wanted = painted(item["ids"][None], item["table"][None])[0].movedim(1, -1).numpy()
        example = clips[key]
        made = scaled(steering.of_clip(example, SIZES["small"], encoding), example.v_max_mps)
        assert np.allclose(made, wanted, rtol=1e-6, atol=0)
        assert made.any()


MASK = np.ones((64, 96), bool)
MOVES = {"masks": [MASK], "velocities": [RIGHT]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "say what moves in one way: .* for the backbone alone see without_branch"),
        ({"masks": [MASK]}, "say what moves in one way"),
        (MOVES | {"arrows": [(1, 1, 9, 9)]}, "in one way: .*; velocities and arrows are given"),
        ({"masks": [MASK], "velocities": []}, "1 masks and 0 velocities; give one mask for each"),
        ({"velocities": [RIGHT]}, "0 masks and 1 velocities"),
        ({"masks": [MASK], "velocities": [None]}, "velocity 1 is not known in m/s; give the picture a camera"),
        ({"masks": [MASK], "velocities": [(1, 2)]}, r"velocity 1 is \(1, 2\); it is x to the right"),
        ({"masks": [MASK], "velocities": [(1, 2, np.nan)]}, r"velocity 1 is"),
        ({"masks": [MASK.T], "velocities": [RIGHT]}, r"mask 1 has the shape \(96, 64\); for this .* \(64, 96\)"),
        ({"masks": [MASK & False], "velocities": [RIGHT]}, "mask 1 marks nothing"),
        ({"velocity_masks": np.zeros((10, 64, 96, 3))}, r"shape \(10, 64, 96, 3\); .* \(k, 64, 96, 3\), k from 1 to 9"),
        ({"velocity_masks": np.zeros((0, 64, 96, 3))}, r"k from 1 to 9"),
        ({"velocity_masks": np.zeros((9, 32, 96, 3))}, r"velocity masks of the shape \(9, 32, 96, 3\)"),
        ({"velocity_masks": np.full((9, 64, 96, 3), np.inf)}, "values that are no numbers"),
        ({"velocity_masks": np.zeros((9, 64, 96, 3)), "masks": [MASK]}, "masks go with velocities or arrows"),
        (MOVES | {"camera": {}}, "a camera is for arrows"),
        ({"arrows": [(1, 2, 3)]}, r"arrow 1 is \(1, 2, 3\); it is x0, y0, x1, y1"),
        ({"arrows": [(1, 2, 300, 9)], "masks": [MASK]}, "arrow 1: its head 300,9 is outside the picture"),
        ({"arrows": [(1, 2, 9, 9)], "masks": []}, "0 masks and 1 arrows"),
        ({"arrows": [(1, 2, 9, 9)], "masks": [MASK], "camera": {"roll": 1}}, "camera: it has 'roll'"),
        (MOVES | {"seeds": ()}, r"seeds are \(\)"),
        (MOVES | {"seeds": (-1,)}, r"seeds are \(-1,\)"),
        (MOVES | {"batch": 0}, "batch is 0"),
        (MOVES | {"steps": 0}, "steps is 0; it is 1 to 1000"),
        (MOVES | {"frames": 10}, "trained on clips of 9 frames, and 10 are wanted"),
        (MOVES | {"frames": 0}, "frames is 0"),
        (MOVES | {"guidance": 3.0}, "the small backbone has no guidance.*: it was not trained for it"),
        (MOVES | {"negative_prompt": "static"}, "has no guidance, and so no negative prompt"),
    ],
)
def test_what_does_not_fit_is_said_in_one_message(small, given, said):
    with pytest.raises(KineBenchError, match=said):
        small(PICTURE, PROMPT, **given)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((64, 104, 3), np.uint8), r"clips of 96x64 \(data.size\), and the picture is 104x64"),
        (np.zeros((64, 96, 4), np.uint8), r"the picture is uint8 \(64, 96, 4\); it is uint8 \(H, W, 3\)"),
        (np.zeros((64, 96, 3)), "the picture is float64"),
    ],
)
def test_a_picture_that_does_not_fit(small, image, said):
    with pytest.raises(KineBenchError, match=said):
        small(image, PROMPT, **MOVES)


def test_a_backbone_alone_hears_of_no_motion(alone, picture, box):
    for told in ({"masks": [box], "velocities": [RIGHT]}, {"arrows": [(32, 34, 60, 50)]}, {"masks": [box]}):
        with pytest.raises(KineBenchError, match=f"the {alone.sampler.name} backbone alone: without a branch it hears"):
            alone(picture, PROMPT, **told)


def test_guidance_and_negative_prompt_are_the_authors_unless_others_are_given(pipeline, picture, box, right, family):
    assert pipeline.sampler.guidance == {"cogvideox": 6.0, "wan": 5.0, "small": None}[family]
    if family != "cogvideox":
        return
    told = {"masks": [box], "velocities": [RIGHT], "seeds": (3,), "steps": STEPS}
    assert (pipeline(picture, PROMPT, **told, guidance=1) != right).any()
    assert (pipeline(picture, PROMPT, **told, negative_prompt="blue") != right).any()
    with pytest.raises(KineBenchError, match=r"guidance is 0.5; it is 1, which is none, or more"):
        pipeline(picture, PROMPT, **told, guidance=0.5)


def test_facts_say_what_is_read_of_the_prompt(pipeline, picture, family):
    short, long = (pipeline.facts(picture, prompt, steps=STEPS) for prompt in (PROMPT, PROMPT * 60))
    assert short["steps"] == STEPS and short["frames_made"] == FRAMES[family]
    assert short["trained"] == "stage2, step 7" and short["v_max_mps"] == 2.0
    assert not short["prompt_truncated"] and long["prompt_truncated"]
    assert short["device"] == "cpu" and short["dtype"] == "float32"
    assert json.loads(json.dumps(long)) == long


def test_memory_switches(backbone, family):
    """On a CPU there is nothing to offload to."""
    given = {"backbone": backbone, "device": "cpu", "offload": "sequential"}
    for tiling in (True, False, None):
        made = KineMaskPipeline.without_branch(family, **given, tiling=tiling)
        if family != "small":
            vae = made.sampler.pipeline.vae
            assert vae.use_slicing
            assert vae.use_tiling == (family == "cogvideox" if tiling is None else tiling)
    assert str(made.sampler.dtype) == ("torch.float32" if family == "small" else "torch.bfloat16")


def test_a_branch_computes_in_the_precision_of_its_backbone(published, branched):
    """Wan's norms and times stay in float32, and so do its tables of positions."""
    import torch

    folder = branched(published["wan"], "wan", (64, 32), 5)
    pipeline = KineMaskPipeline.from_pretrained(folder, backbone=published["wan"], device="cpu", dtype="bfloat16")
    own = {name: each.dtype for name, each in pipeline.sampler.transformer.named_parameters()}
    mine = {name: each.dtype for name, each in pipeline.branch.named_parameters()}
    assert {mine[name] for name in mine.keys() & own.keys()} == {torch.float32, torch.bfloat16}
    assert all(kind == own.get(name, torch.bfloat16) for name, kind in mine.items())
    theirs = dict(pipeline.sampler.transformer.named_buffers())
    assert all(each.dtype == theirs[name].dtype != torch.bfloat16 for name, each in pipeline.branch.named_buffers())
    picture, box = scene((64, 32))
    made = pipeline(picture, PROMPT, masks=[box], velocities=[RIGHT], steps=1)
    assert (made != KineMaskPipeline(pipeline.sampler)(picture, PROMPT, steps=1, frames=5)).any()


def test_the_example_of_the_docs(published, branched, toys, tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "train.md").read_text()
    (example,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "KineMaskPipeline" in block]
    config = {"backbone": {"weights": str(published["small"])}, "branch": {"weight": 0.5}, "data": {"encoding": "v_t"}}
    place = tmp_path / "runs" / "kinemask" / "stage2"
    place.mkdir(parents=True)
    branched(published["small"], "small", (96, 64), 9, config=config).rename(place / "step-001000")
    shutil.copytree(toys, tmp_path / "data" / "interactions")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(example, names)
    assert names["videos"].shape == (2, 9, 64, 96, 3)
    assert (names["videos"][0] != names["videos"][1]).any()


def loaded(folder, backbone):
    return KineMaskPipeline.from_pretrained(folder, backbone=backbone, device="cpu")


@pytest.fixture
def copy(tmp_path, small):
    """A checkpoint of one's own to spoil."""
    return shutil.copytree(small.trained.folder, tmp_path / "step-000007")


def test_a_checkpoint_of_another_backbone(published, branched, copy, tmp_path):
    with pytest.raises(KineBenchError, match=r"holds a CogVideoXImageToVideoPipeline; a KineBenchSmall is wanted"):
        loaded(copy, published["cogvideox"])
    other = shutil.copytree(published["small"], tmp_path / "other")
    weights = other / "transformer" / "diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(KineBenchError, match=r"is a branch of another backbone than the one in .*other: the files"):
        loaded(copy, other)
    config = json.loads((copy / "control" / "config.json").read_text())
    config["backbone"]["num_layers"] = 9
    (copy / "control" / "config.json").write_text(json.dumps(config))
    with pytest.raises(KineBenchError, match="another backbone: num_layers 9 instead of 1"):
        loaded(copy, published["small"])


def test_weights_that_are_missing_damaged_or_of_something_else(published, copy):
    from safetensors.torch import load_file, save_file

    weights = copy / "control" / "diffusion_pytorch_model.safetensors"
    whole = load_file(weights)
    few = {name: value for name, value in whole.items() if not name.startswith("projections")}
    for state in (few, whole | {"more": whole["projections.0.bias"] + 1}):
        save_file(state, weights)
        with pytest.raises(KineBenchError, match=r"control: its weights are of another branch than its config"):
            loaded(copy, published["small"])
    save_file(whole, weights)
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(KineBenchError, match="step-000007/control: "):
        loaded(copy, published["small"])
    weights.unlink()
    with pytest.raises(KineBenchError, match="step-000007/control: "):
        loaded(copy, published["small"])


def test_folders_that_are_no_checkpoint(published, copy, branched, tmp_path):
    with pytest.raises(KineBenchError, match=r"it has no trainer.json; did you mean .*step-000007\?"):
        loaded(tmp_path, published["small"])
    told = json.loads((copy / "trainer.json").read_text())
    for spoiled, said in (
        (told | {"stage": "backbone"}, "is a backbone, not a branch for one; run: kinebench train stage1"),
        (told | {"dataset": {}}, r"its trainer\.json lacks 'size'"),
        (told | {"backbone": {"family": "sora", "sha256": ""}}, "the family 'sora', which this KineBench does not"),
        (told | {"config": 3}, "none that `kinebench train` wrote"),
    ):
        (copy / "trainer.json").write_text(json.dumps(spoiled))
        with pytest.raises(KineBenchError, match=said):
            loaded(copy, published["small"])
    (copy / "trainer.json").write_text("{")
    with pytest.raises(KineBenchError, match=r"its trainer\.json is missing or damaged"):
        loaded(copy, published["small"])


def test_where_the_backbone_is_looked_for(published, branched, tmp_path, monkeypatch):
    """Where it lay in training; else the Hub's cache, which has nobody's small backbone."""
    config = {"branch": {"weight": 0.5}, "data": {"encoding": "v_t"}}
    there, gone = (
        branched(published["small"], "small", (96, 64), 9, config=config | {"backbone": {"weights": str(place)}})
        for place in (published["small"], tmp_path / "gone")
    )
    assert loaded(there, None).sampler.folder == published["small"]
    with pytest.raises(Unavailable, match="nobody has published the weights model of small; name your own: backbone=F"):
        loaded(gone, None)
    with pytest.raises(Unavailable, match=f"{tmp_path}/none: there is nothing"):
        loaded(there, tmp_path / "none")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Unavailable, match=r"run: hf download Wan-AI/\S+ --revision \S+ .*backbone=FOLDER"):
        KineMaskPipeline.without_branch("wan", device="cpu")
