"""Everything that is wrong with a submission, at once: each fault has its clip, its seed and a remedy."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from kinebench.board import likeness, markdown, validation
from kinebench.board.fault import Fault
from kinebench.board.footage import Footage
from kinebench.board.validation import Report, validate
from kinebench.errors import KineBenchError
from kinebench.methods.delivery import Signature
from kinebench.scoring import scorer
from kinebench.shards import video

KEYS = tuple(f"toys_test_00000{number}" for number in range(3))


def quiet(stage, done, whole):
    pass


def name(seed, number, suffix="mkv"):
    return f"seed-{seed}/{KEYS[number]}.{suffix}"


def lossless(frames, fps=12):
    return video.encode_lossless_rgb(np.ascontiguousarray(frames), fps)


def said(report, seed, number, level="error"):
    return [f.what for f in report.faults if (f.sample, f.seed, f.level) == (KEYS[number], seed, level)]


def change(*path, to):
    """A change of one value of the statement."""

    def apply(statement):
        inner = statement
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = to
        return statement

    return apply


def test_a_good_submission_has_no_fault_and_scores_as_it_lies(whole, packed, tmp_path, monkeypatch):
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path))
    report = validate(whole, packed, quiet)
    assert (report.faults, report.videos) == ((), 6)
    assert report.name == "boxes 1.2.0 on toys 1.0.0, test"
    card = scorer.score(whole / "videos", packed, names=("mse",))
    assert (card["method"]["name"], card["unusable"]) == ("boxes", [])
    assert validate(whole, packed, quiet) == report  # a pure function


def test_without_data_what_can_be_checked_is(whole):
    report = validate(whole, None, quiet)
    assert [(fault.level, fault.what) for fault in report.faults] == [("notice", "was not compared with its dataset")]
    assert report.videos == 6


def test_every_kind_of_bad_video_at_once(submitted, packed, clips, members, rewrite, sidecar):
    truth = [clips[key] for key in KEYS]
    noise = np.random.default_rng(5).integers(0, 255, truth[0].shape, np.uint8)
    small = truth[2][:, :32, :48]
    rewrite(
        submitted,
        {
            name(0, 0): lossless(noise[:8]),
            name(0, 1): lossless(noise, fps=24),
            name(0, 2): lossless(small),
            name(3, 0): members(submitted)[name(3, 0)][:-3000],
            name(3, 1): None,
            name(3, 1, "json"): None,
            name(3, 2, "json"): sidecar(KEYS[2], 4),
            "seed-3/toys_test_000009.mkv": lossless(truth[0]),
            "seed-5/toys_test_000000.mkv": lossless(truth[0][::-1]),
        },
    )
    report = validate(submitted, packed, quiet)
    assert said(report, 0, 0) == ["has 8 frames, not 9"]
    assert said(report, 0, 1)[0] == "says that it has 24 frames a second, not 12"
    assert said(report, 0, 2) == ["is 48x32, not 96x64"]
    assert len(said(report, 3, 0)) == 1
    assert said(report, 3, 1) == ["is missing"]
    assert said(report, 3, 2) == [f"has a bad sidecar: it is of {KEYS[2]}, seed 4"]
    others = {(fault.sample, fault.seed, fault.what) for fault in report.errors if fault.sample not in KEYS}
    assert others == {
        ("toys_test_000009", 3, "is no clip of the split"),
        (None, 5, "is a seed that the statement does not name"),
    }
    assert all(fault.remedy for fault in report.faults)


def test_seeds_without_a_video(submitted, packed, rewrite):
    gone = {name(3, number, suffix): None for number in range(3) for suffix in ("mkv", "json")}
    rewrite(submitted, gone)
    report = validate(submitted, packed, quiet)
    assert [(fault.seed, fault.what) for fault in report.errors] == [(3, "has no videos")]


def test_files_that_were_changed_taken_away_or_added(submitted, packed):
    tar = submitted / "videos" / "seed-0-000000.tar"
    data = bytearray(tar.read_bytes())
    data[5000] ^= 1
    tar.write_bytes(data)
    (submitted / "videos" / "run.json").unlink()
    (submitted / "model.pt").write_bytes(b"weights")
    found = {(fault.file, fault.what.split(":")[0]) for fault in validate(submitted, packed, quiet).errors}
    assert {
        ("videos/seed-0-000000.tar", "was changed"),
        ("videos/seed-0-000000.tar", "has other bytes than submission.json says"),
        ("videos/run.json", "is in SHA256SUMS, and is not there"),
        ("model.pt", "is not in SHA256SUMS"),
        ("model.pt", "does not belong here"),
    } <= found


def test_mixed_up_videos_are_seen_by_their_first_frames(submitted, packed, clips, members, rewrite):
    there = members(submitted)
    rewrite(submitted, {name(0, 0): there[name(0, 1)], name(0, 1): there[name(0, 0)]})
    report = validate(submitted, packed, quiet)
    assert said(report, 0, 0) == [f"has the first frame of {KEYS[1]}, not its own"]
    assert said(report, 0, 1) == [f"has the first frame of {KEYS[0]}, not its own"]
    assert len(report.errors) == 2
    rewrite(submitted, {}, change("method", "kind", to="anchor"))
    assert not validate(submitted, packed, quiet).errors, "an anchor may be another clip"
    rewrite(submitted, {}, change("method", "kind", to="method"))
    pale = np.minimum(clips[KEYS[2]], 215) + 40
    rewrite(submitted, {name(0, 0): there[name(0, 0)], name(0, 1): there[name(0, 1)], name(0, 2): lossless(pale)})
    report = validate(submitted, packed, quiet)
    assert not report.errors
    assert said(report, 0, 2, "notice")[0].startswith("begins unlike the first frame that was given")


def test_what_a_codec_or_a_decoder_does_to_the_first_frame_is_no_fault(submitted, packed, clips, rewrite):
    soft = np.clip(clips[KEYS[1]].astype(int) + 8, 0, 255).astype(np.uint8)
    coarse = video.encode_mp4(clips[KEYS[0]], 12, crf=40)
    rewrite(submitted, {name(0, 0): None, name(0, 0, "mp4"): coarse, name(0, 1): lossless(soft)})
    report = validate(submitted, packed, quiet)
    assert not report.errors
    assert said(report, 0, 0, "notice") == ["is h264 yuv420p, crf 40, which costs points"]


def test_copies_and_videos_that_stand_still(submitted, packed, clips, members, rewrite):
    there = members(submitted)
    still = np.repeat(clips[KEYS[2]][:1], 9, axis=0)
    copy = lossless(video.decode_rgb(there[name(0, 0)]), fps=12) + b"\0" * 7  # other bytes, the same frames
    rewrite(submitted, {name(3, 0): copy, name(3, 1): there[name(0, 1)], name(0, 2): lossless(still)})
    report = validate(submitted, packed, quiet)
    assert said(report, 3, 0) == ["shows the same frames as seed 0"]
    assert said(report, 3, 1) == ["shows the same frames as seed 0"]
    assert said(report, 0, 2, "notice") == ["stands still"]
    assert len(report.faults) == 3
    rewrite(submitted, {}, change("method", "kind", to="anchor"))
    (submitted / "videos" / "run.json").unlink()
    assert "stands still" not in [fault.what for fault in validate(submitted, packed, quiet).faults]


def test_videos_too_long_to_be_read_are_no_copies():
    seen = {(key, 0): Footage("") for key in KEYS}
    assert not list(likeness.copies(seen, {}, None))


def test_clips_that_begin_alike_may_have_one_video(
    tmp_path, synthetic, make, samples, submitted, packed, clips, rewrite
):
    """Counterfactuals that differ in what nobody can see: a method that draws nothing else makes them alike."""
    twin = samples[-2].members["rgb.mkv"]
    changed = [*samples[:-1], synthetic.change(samples[-1], **{"rgb.mkv": twin})]
    make(tmp_path / "twins", changed)
    rewrite(submitted, {name(0, 2): lossless(clips[KEYS[1]]), name(0, 1): lossless(clips[KEYS[1]])})
    same = f"shows the same frames as {KEYS[1]}, seed 0"
    assert same not in said(validate(submitted, tmp_path / "twins", quiet), 0, 2)
    assert same in said(validate(submitted, packed, quiet), 0, 2)


def test_another_dataset(submitted, tmp_path, synthetic, make, packed, seal):
    other = [synthetic.sample("test", number, companions=("lossless",)) for number in (0, 1, 3)]
    make(tmp_path / "other", other)
    report = validate(submitted, tmp_path / "other", quiet)
    assert [fault.what.split(" is ")[0] for fault in report.errors if fault.sample is None] == [
        "dataset.manifest_sha256"
    ]
    assert said(report, 0, 2) == ["is no clip of the split"]
    assert {(f.sample, f.seed) for f in report.errors if f.what == "is missing"} == {
        ("toys_test_000003", 0),
        ("toys_test_000003", 3),
    }
    seal(submitted, change("dataset", "split", to="validation"))
    whats = [fault.what for fault in validate(submitted, packed, quiet).errors]
    assert any(what.startswith("dataset.split is validation, and toys has ") for what in whats)
    with pytest.raises(KineBenchError, match="is no packed dataset"):
        validate(submitted, tmp_path, quiet)


def test_the_statement_against_what_the_run_says(submitted, packed, seal):
    def apply(statement):
        statement["inference"]["options"]["steps"] = 50
        statement["inference"]["prompt"] = "c"
        statement["method"]["privileged"] = True
        return statement

    seal(submitted, apply)
    whats = [fault.what for fault in validate(submitted, packed, quiet).errors]
    assert whats == [
        "inference.prompt is 'c', but videos/run.json says 'c_infer'",
        "inference.options is {'steps': 50}, but videos/run.json says {'steps': 4}",
        "method.privileged is True, but videos/run.json says False",
    ]


def test_every_fault_of_a_statement(submitted, packed, seal):
    def apply(statement):
        statement["method"]["name"] = "a/../b"
        statement["inference"]["seeds"] = [0, 3.0]
        statement["inference"]["best_of"] = {"n": 4, "selector": None}
        statement["scores"] = {"mse": 0.0}
        del statement["cost"]["hardware"]
        return statement

    seal(submitted, apply)
    report = validate(submitted, packed, quiet)
    found = [fault.what for fault in report.errors if fault.file == "submission.json"]
    starts = (
        "cost: missing 'hardware'",
        "inference.best_of.selector: None",
        "method.name: 'a/../b'",
        "the file: unknown key",
    )
    assert sorted(what[: len(start)] for what, start in zip(sorted(found), starts, strict=True)) == list(starts)
    assert report.videos == 6  # looked at all the same


def test_sidecars_of_two_methods_and_of_two_lengths(submitted, packed, clips, rewrite, sidecar):
    other = sidecar(KEYS[0], 0, method=Signature("crates", "2.0.0", "cd" * 32))
    short = sidecar(KEYS[1], 0, (0, 4, 8), alignment="span")
    frames = lossless(clips[KEYS[1]][[0, 4, 8]], fps=3)
    rewrite(submitted, {name(0, 0, "json"): other, name(0, 1, "json"): short, name(0, 1): frames})
    report = validate(submitted, packed, quiet)
    assert said(report, 0, 0) == ["was made by crates 2.0.0 (cdcdcdcdcdcd), and others were not"]
    assert said(report, 0, 1) == ["shows 3 frames (0, 4, 8), and most show 9 frames (0, 1, 2, 3, ...)"]


def test_fewer_frames_than_the_clip_have_their_own_rate(submitted, packed, clips, rewrite, sidecar):
    shown = (0, 4, 8)
    changes = {}
    for seed in (0, 3):
        for number, key in enumerate(KEYS):
            changes[name(seed, number)] = lossless(np.roll(clips[key][list(shown)], seed, 1), fps=3)
            changes[name(seed, number, "json")] = sidecar(key, seed, shown, alignment="span")
    rewrite(submitted, changes)
    assert not validate(submitted, packed, quiet).errors
    changes[name(0, 0)] = lossless(clips[KEYS[0]][list(shown)], fps=12)
    rewrite(submitted, changes)
    assert said(validate(submitted, packed, quiet), 0, 0) == ["says that it has 12 frames a second, not 3"]


def test_colours_without_tags_are_noticed(submitted, packed, clips, rewrite):
    import io

    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as output:
        stream = output.add_stream("ffv1", rate=12)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv444p"
        frames = [av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in clips[KEYS[0]]]
        for frame in [*frames, None]:
            for packet in stream.encode(frame):
                output.mux(packet)
    rewrite(submitted, {name(0, 0): buffer.getvalue()})
    report = validate(submitted, packed, quiet)
    assert not report.errors
    assert any("does not say how its colours are coded" in what for what in said(report, 0, 0, "notice"))


HOSTILE = (
    "@everyone #1 <img src=x onerror=alert(1)> [a](https://evil.example) `` ` ![b](http://c) \x1b[31m\r\n| ## x\u202e"
)


def test_markdown_is_dead_and_ends(tmp_path):
    """What others wrote stands in code spans alone, and it is no longer than a comment may be."""
    faults = [
        Fault(f"{HOSTILE} {number}", f"{HOSTILE} {number % 60}", sample=HOSTILE, seed=0) for number in range(5000)
    ]
    report = Report(tmp_path, tuple(faults), HOSTILE, 3)
    text = markdown.markdown(report)
    assert len(text) < 400_000
    outside = "".join(part for line in text.splitlines() for part in line.split("`")[0::2])
    assert all(line.count("`") % 2 == 0 for line in text.splitlines())
    for live in ("@", "<", "https", "](", "\x1b", "\u202e"):
        assert live not in outside
    assert "and 74 more" in text
    assert text.splitlines()[2] == "**5000 errors; 3 videos looked at**"
    assert "it can be submitted" in markdown.verdict(Report(tmp_path, (), "x", 3))


def test_groups_keep_every_fault(submitted, packed, rewrite):
    rewrite(submitted, {name(0, number): b"no video" for number in range(3)})
    report = validate(submitted, packed, quiet)
    assert sorted(json.dumps(asdict(f)) for group in report.groups for f in group.faults) == sorted(
        json.dumps(asdict(fault)) for fault in report.faults
    )
    assert len(next(group for group in report.groups if "see that it plays" in group.remedy).faults) == 3
    assert validation.Group is type(report.groups[0])
