"""What `kinebench run` says beside its videos, believed or refused, and what follows for the scores."""

import contextlib
import itertools
import json
import shutil

import jsonschema
import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.methods.delivery import Native, Signature, align
from kinebench.methods.video import Fps, Span
from kinebench.scoring import predictions, scorecard
from kinebench.scoring import sidecar as sidecars
from kinebench.scoring.scorer import score
from kinebench.scoring.sidecar import Told
from kinebench.shards import video

KEYS = tuple(f"toys_test_{i:06d}" for i in range(6))
FRAMES = (0, 3, 5, 8)
"""4 frames spread over 9: 0, 2 2/3, 5 1/3, 8."""
RUN = {
    "format_version": 1,
    "method": {"name": "boxes", "version": "1.2", "identity": "ab" * 32, "kind": "baseline", "privileged": True},
    "options": {"steps": 50},
    "source": {"dataset": "toys", "split": "test", "seed": 7, "prompt": "c0"},
    "device": "cpu",
    "versions": {"kinebench": "0.4.0"},
}


@pytest.fixture
def run(synthetic):
    return {**RUN, "source": {**RUN["source"], "recipe_sha256": synthetic.HASH}}


def told(folder):
    return sidecars.read(predictions.find(folder, KEYS), 9)


def values(card):
    return {key: one["predictions"]["0"]["values"] for key, one in card["clips"].items()}


def test_a_few_frames_of_the_truth_are_perfect(deliver, data, tmp_path):
    """In every metric of clips: what it says is its ceiling, which is read of the same frames."""
    assert align(4, Span(), 9, 12.0).truth_frames == FRAMES
    card = score(deliver(tmp_path / "mine", FRAMES), data, names=("pixel", "flow", "fvmd_lk"))
    jsonschema.validate(card, scorecard.schema())
    for key, one in card["clips"].items():
        assert values(card)[key] == one["ceiling"]
        assert (values(card)[key]["mse"], values(card)[key]["psnr"]) == (0, 100)
    assert card["sampling"] == {
        "clip_frames": 9,
        "truth_frames": [0, 3, 5, 8],
        "fps": pytest.approx(12 * 3 / 8),
        "alignment": {"span": 6},
    }
    assert card["unavailable"] == {"fvmd_lk": "FVMD needs clips of at least 16 frames, and these have 4"}
    assert card["unusable"] == []


def test_readings_of_other_frames_are_kept_apart(counted, deliver, predict, data, tmp_path):
    """Those of whole clips lie where they always lay."""
    whole = score(predict(tmp_path / "whole", lambda frames: frames), data)
    assert len(counted()) == 12
    few = score(deliver(tmp_path / "few", FRAMES), data)
    assert len(counted()) == 12
    score(deliver(tmp_path / "other", (0, 2, 5, 8)), data)
    assert len(counted()) == 12, "other frames again"
    assert score(tmp_path / "few", data) == few
    assert score(deliver(tmp_path / "all", range(9), alignment="index"), data)["summaries"] == whole["summaries"]
    assert counted() == [], "a sidecar that says every frame changes nothing"
    assert [one["truth"] for one in few["clips"].values()] == [one["truth"] for one in whole["clips"].values()]
    assert few["summaries"]["darkness"]["ceiling"] != whole["summaries"]["darkness"]["ceiling"]
    assert few["summaries"]["spread"]["value"] == pytest.approx(0), "the set too is of these frames"


def test_videos_of_other_frames_are_not_mixed(deliver, predict, data, tmp_path, sidecar, clips):
    folder = deliver(tmp_path / "mine", FRAMES)
    (folder / "seed-0" / f"{KEYS[2]}.json").unlink()
    words = (
        rf"seed-0/{KEYS[0]}\.mkv shows 4 of 9 \(0, 3, 5, 8\), "
        rf".*seed-0/{KEYS[2]}\.mkv shows all 9 frames of its clip: "
    )
    with pytest.raises(KineBenchError, match=words):
        score(folder, data)
    (folder / "seed-0" / f"{KEYS[2]}.json").write_bytes(sidecar(KEYS[2], (0, 2, 5, 8)))
    with pytest.raises(KineBenchError, match=r"\(0, 3, 5, 8\), .*\(0, 2, 5, 8\)"):
        score(folder, data)


BAD = {
    "no json": (b"{junk", "is no JSON"),
    "too deep": (b"[" * 100_000, "nested too deep"),
    "no sidecar": (b'{"caption": "A box."}', "'caption' was unexpected"),
    "another key": (("toys_test_000001", FRAMES), "it is of toys_test_000001, seed 0"),
    "another seed": ((KEYS[0], FRAMES, 3), "it is of toys_test_000000, seed 3"),
    "beyond the end": ((KEYS[0], (0, 3, 6, 9)), "they go up to 9, but the clip ends at 8"),
    "backwards": ((KEYS[0], (0, 5, 3, 8)), "they do not ascend"),
    "twice": ((KEYS[0], (0, 3, 3, 8)), "they do not ascend"),
    "the start alone": ((KEYS[0], (0, 1, 2, 3)), "from 0 to 3 is not the whole clip"),
    "without the start": ((KEYS[0], (1, 3, 5, 8)), "from 1 to 8 is not the whole clip"),
    "no time": (b"1e999", "is no JSON: 1e999 is too large"),
    "no number": (b"NaN", "is no JSON: NaN is no JSON number"),
    "all time": (b"1" * 400, "is no JSON: 1111111111111111111111111111111111111111 is too large"),
    "picked": ((KEYS[0], (0, 1, 2, 3, 7)), "they are not evenly spread over the clip, so some were picked"),
    "left out": ((KEYS[0], (0, 1, 2, 3, 4, 5, 8)), "they are not evenly spread"),
    "no text": (b"\\ud800", "it holds a name that is no text: '\\ud800'"),
    "one frame": ((KEYS[0], (0,)), "from 0 to 0 is not the whole clip"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_sidecar_that_cannot_be_true_makes_its_video_unusable(deliver, sidecar, tmp_path, fault):
    content, words = BAD[fault]
    folder = deliver(tmp_path / "mine", FRAMES)
    data = content if isinstance(content, bytes) else sidecar(*content)
    if "seconds: " in words:
        data = sidecar(KEYS[0], FRAMES).replace(b'"seconds": 1.5', b'"seconds": ' + data)
    elif fault == "no text":
        data = sidecar(KEYS[0], FRAMES, facts={"cut": True}).replace(b'"cut"', b'"' + data + b'"')
    (folder / "seed-0" / f"{KEYS[0]}.json").write_bytes(data)
    found = told(folder)
    assert (found.frames, list(found.deliveries)) == (FRAMES, [(key, 0) for key in KEYS[1:]])
    assert list(found.unusable) == [(KEYS[0], 0)]
    why = found.unusable[KEYS[0], 0]
    assert why.reason.startswith(f"has a bad sidecar, {KEYS[0]}.json: ") and words in why.reason
    assert str(tmp_path) not in why.reason


def test_whole_numbers_may_be_written_with_a_point(counted, deliver, sidecar, data, tmp_path):
    """JSON knows no difference: 3.0 is a frame as 3 is."""
    card = score(deliver(tmp_path / "mine", FRAMES), data)
    for key in KEYS:
        text = sidecar(key, FRAMES).replace(b"[0, 3, 5, 8]", b"[0.0, 3.0, 5.0, 8.0]")
        (tmp_path / "mine/seed-0" / f"{key}.json").write_bytes(text)
    assert score(tmp_path / "mine", data) == card
    assert len(counted()) == 12, "nothing was read twice"


def test_an_unusable_sidecar_costs_the_whole_clip(counted, deliver, data, tmp_path):
    folder = deliver(tmp_path / "mine", FRAMES)
    (folder / "seed-0" / f"{KEYS[0]}.json").write_text("{}")
    card = score(folder, data)
    assert card["clips"][KEYS[0]]["predictions"]["0"]["status"] == "unusable"
    assert values(card)[KEYS[0]]["mse"] == 255**2
    assert values(card)[KEYS[1]]["mse"] == 0
    assert card["unavailable"]["spread"].startswith("1 of 6 predictions are unusable")


def test_as_many_frames_as_the_sidecar_says(deliver, data, tmp_path, clips):
    folder = deliver(tmp_path / "mine", FRAMES)
    (folder / "seed-0" / f"{KEYS[0]}.mkv").write_bytes(video.encode_lossless_rgb(clips[KEYS[0]], 12))
    (one,) = score(folder, data, names=("mse",))["unusable"]
    assert (one["key"], one["reason"]) == (KEYS[0], "has more than 4 frames")


def test_the_last_frame_may_lie_a_step_before_the_end():
    """A video as long as the clip by its rate, whose last frame is not the clip's: 17 at 8 a second, of 50 at 24."""
    assert align(17, Span(), 50, 24.0).truth_frames[-1] == 49
    shown = tuple(range(0, 49, 3))
    assert sidecars._whole(shown, 50) and sidecars._whole(shown, 49)
    assert not sidecars._whole(shown, 53)


def test_frames_as_the_harness_takes_them_are_even_and_whole():
    """Whatever the rates: what `kinebench run` delivers is believed."""
    believed = 0
    for frames, fps, count in itertools.product((9, 16, 49, 50, 97), (8, 12, 24), range(2, 120)):
        for timing in (Span(), Fps(2.5), Fps(7), Fps(8), Fps(10), Fps(16), Fps(30)):
            with contextlib.suppress(KineBenchError):
                shown = align(count, timing, frames, fps).truth_frames
                assert len(shown) < 2 or (sidecars._even(shown) and sidecars._whole(shown, frames))
                believed += 1
    assert believed > 3000


def fail(folder, key, seed=0, content=None, **said):
    place = folder / f"seed-{seed}"
    place.mkdir(parents=True, exist_ok=True)
    data = json.dumps({"key": key, "seed": seed, **said}) if content is None else content
    (place / f"{key}.error.json").write_text(data)
    for suffix in ("mkv", "json"):
        (place / f"{key}.{suffix}").unlink(missing_ok=True)


def test_why_there_is_no_video(counted, deliver, data, tmp_path):
    folder = deliver(tmp_path / "mine", FRAMES)
    fail(folder, KEYS[0], kind="oom", message="CUDA out of memory.\nTried to allocate 3 GiB")
    fail(folder, KEYS[1], kind="invalid", message="ends at 1.2 s")
    fail(folder, KEYS[2], kind="sabotage", message="x" * 999)
    fail(folder, KEYS[3], content='{"kind": "model", "message": "\\ud800 is no letter"}')
    (folder / "seed-0" / f"{KEYS[4]}.mkv").unlink(), (folder / "seed-0" / f"{KEYS[4]}.json").unlink()
    card = score(folder, data)
    jsonschema.validate(card, scorecard.schema())
    assert card["predictions"]["failed"] == {"invalid": 1, "model": 1, "oom": 1, "unknown": 1}
    assert [one["reason"] for one in card["unusable"]] == [
        "is missing: out of memory (CUDA out of memory. Tried to allocate 3 GiB)",
        "is missing: not what was asked for (ends at 1.2 s)",
        f"is missing: nobody knows why ({'x' * 200}...)",
        "is missing: a fault of the method (? is no letter)",
        "is missing",
    ]
    assert scorecard.parse(scorecard.dump(card), "it") == card
    fail(folder, KEYS[3], content="[]")
    assert told(folder).unusable[KEYS[3], 0].reason.endswith("nobody knows why (its error.json does not say why)")
    assert card["unusable"][0]["remedy"] == f"run it again, which makes what is missing, or add {KEYS[0]}.mp4"
    assert values(card)[KEYS[0]]["mse"] == 255**2


def test_an_error_of_a_video_that_came_later_is_forgotten(deliver, tmp_path):
    folder = deliver(tmp_path / "mine", FRAMES)
    (folder / "seed-0" / f"{KEYS[0]}.error.json").write_text('{"kind": "oom", "message": ""}')
    assert told(folder).failed == told(folder).unusable == {}


def test_a_seed_of_errors_alone_counts(deliver, tmp_path):
    folder = deliver(tmp_path / "mine", FRAMES)
    for key in KEYS:
        fail(folder, key, seed=1, kind="infra", message="")
    assert predictions.find(folder, KEYS).seeds == (0, 1)
    assert told(folder).failed == {"infra": 6}
    assert told(folder).unusable[KEYS[0], 1].reason == "is missing: a fault of the machine"
    shutil.rmtree(folder / "seed-0")
    with pytest.raises(KineBenchError, match=r"there is no video, but 6 errors, the first is .*000000\.error\.json"):
        told(folder)


def test_a_tar_says_what_its_folder_says(counted, deliver, run, data, tmp_path):
    folder = deliver(tmp_path / "mine", FRAMES)
    fail(folder, KEYS[5], kind="oom", message="no")
    (folder / "run.json").write_text(json.dumps(run))
    shutil.make_archive(str(tmp_path / "mine"), "tar", folder)
    card = score(folder, data)
    assert score(tmp_path / "mine.tar", data) == card
    assert card["sampling"]["truth_frames"] == list(FRAMES)
    assert card["predictions"]["failed"] == {"oom": 1}
    assert card["run"]["options"] == {"steps": 50}


def test_who_made_them_and_how(deliver, run, data, tmp_path):
    facts = {"cut": True, "cfg": 6, "clamped": False}
    made = {"native": Native(48, 32, 5), "resized": "bicubic", "unused_frames": 1, "facts": facts}
    folder = deliver(tmp_path / "mine", FRAMES, **made)
    (folder / "run.json").write_text(json.dumps(run))
    card = score(folder, data, names=("mse",))
    jsonschema.validate(card, scorecard.schema())
    assert card["method"] == {"name": "boxes", "version": "1.2", "identity": "ab" * 32, "privileged": True}
    assert card["run"] == {name: run[name] for name in ("options", "source", "device", "versions")}
    assert card["making"] == {
        "videos": 6,
        "native": [{"width": 48, "height": 32, "frames": 5, "videos": 6}],
        "resized": {"bicubic": 6},
        "with_unused_frames": 6,
        "with_driven_ignored": 0,
        "seconds": 1.5,
        "facts": {"cut": 6},
    }
    (folder / "run.json").unlink()
    card = score(folder, data, names=("mse",))
    assert (card["method"]["privileged"], card["run"]) == (None, None)


def test_a_plain_folder_says_nothing(predict, data, tmp_path):
    folder = predict(tmp_path / "mine")
    for content in (
        "junk",
        "[]",
        '{"mine": 1}',
        json.dumps(RUN).replace("50", "NaN"),
        json.dumps({**RUN, "device": 1}),
        json.dumps({**RUN, "device": "\ud800"}),
    ):
        (folder / "run.json").write_text(content)
        assert told(folder) == Told()
    card = score(folder, data, names=("mse",))
    assert card["method"] is card["run"] is card["making"] is None
    assert card["sampling"] == {"clip_frames": 9, "truth_frames": list(range(9)), "fps": 12.0, "alignment": {}}


def test_one_method_at_a_time(deliver, run, sidecar, tmp_path):
    folder = deliver(tmp_path / "mine", FRAMES)
    other = Signature("boxes", "1.3", "cd" * 32)
    (folder / "seed-0" / f"{KEYS[1]}.json").write_bytes(sidecar(KEYS[1], FRAMES, method=other))
    words = r"000000\.mkv is of boxes 1\.2 \(abababababab\), .*000001\.mkv is of boxes 1\.3 \(cdcdcdcdcdcd\): score"
    with pytest.raises(KineBenchError, match=words):
        told(folder)
    (folder / "seed-0" / f"{KEYS[1]}.json").write_bytes(sidecar(KEYS[1], FRAMES))
    changed = {**run, "method": {**run["method"], "version": "2"}}
    (folder / "run.json").write_text(json.dumps(changed))
    with pytest.raises(KineBenchError, match=r"run\.json is of boxes 2 .*000000\.mkv is of boxes 1\.2"):
        told(folder)


def test_videos_of_other_clips_are_refused(deliver, run, data, tmp_path):
    folder = deliver(tmp_path / "mine", FRAMES)
    changed = {**run, "source": {**run["source"], "seed": 8, "split": "train"}}
    (folder / "run.json").write_text(json.dumps(changed))
    with pytest.raises(KineBenchError, match=r"run\.json says seed 8, not 7; split train, not test; give --data"):
        score(folder, data)


def test_a_meter_that_needs_more_frames_says_so(deliver, data, tmp_path):
    """The rest is computed: FVMD's companion, and what is of single clips."""
    card = score(deliver(tmp_path / "mine", (0, 8)), data, names=("flow", "mse", "fvmd_lk"))
    assert card["unavailable"] == {"fvmd_lk": "FVMD needs clips of at least 16 frames, and these have 2"}
    assert card["summaries"]["iou_flow"]["n"] == 6
    assert np.isfinite([one["value"] for one in card["summaries"].values() if one["value"] is not None]).all()
