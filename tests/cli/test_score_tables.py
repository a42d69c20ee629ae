import pytest

from kinebench.cli.score_tables import number, print_comparison, print_scores
from kinebench.scoring.comparison import Comparison, Difference
from kinebench.scoring.summary import Estimate


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0.000"),
        (-0.0001, "0.000"),
        (0.98765, "0.988"),
        (-3.14159, "-3.142"),
        (24.916, "24.92"),
        (344.61, "344.6"),
        (65025.0, "65,025"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def card(**changes):
    metric = {"unit": "", "better": "lower", "scope": "clip", "headline": True, "meter": "pixel"}
    found = {"value": 24.9, "low": 20.0, "high": 30.0, "n": 25, "ceiling": 0.0}
    return {
        "dataset": {"name": "toys", "version": "1.0.0", "split": "test", "clips": 25, "reference": "lossless"},
        "predictions": {"name": "mine", "seeds": [0], "unknown": [], "failed": {}},
        "sampling": {"clip_frames": 49, "truth_frames": list(range(49)), "fps": 24.0, "alignment": {}},
        "method": None,
        "run": None,
        "making": None,
        "codecs": [],
        "metrics": {"mse": metric, "psnr": {**metric, "headline": False, "better": "higher", "unit": "dB"}},
        "meters": {"pixel": {}},
        "summaries": {"mse": found, "psnr": found},
        "groups": {},
        "unavailable": {},
        "unusable": [],
    } | changes


@pytest.fixture
def printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")

    def lines(*arguments):
        print_scores(*arguments)
        return capsys.readouterr().out.splitlines()

    return lines


def rows(lines):
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.count("│") == 6]


def test_headlines_are_shown_and_what_is_named(printed):
    assert rows(printed(card())) == [["↓ mse", "24.90", "20.00 to 30.00", "0.000", "25"]]
    assert [row[0] for row in rows(printed(card(), ["psnr"]))] == ["↑ psnr, dB"]
    assert [row[0] for row in rows(printed(card(), ["pixel"]))] == ["↓ mse", "↑ psnr, dB"]


def test_metrics_of_groups_are_shown_where_there_are_groups(printed):
    metrics = {"answer": {"unit": "", "better": "higher", "scope": "group", "headline": True, "meter": "pixel"}}
    summaries = {"answer": {"value": 0.5, "low": None, "high": None, "n": 1, "ceiling": 1.0}}
    assert rows(printed(card(metrics=metrics, summaries=summaries))) == []
    shown = rows(printed(card(metrics=metrics, summaries=summaries, groups={"000000": {}})))
    assert shown == [["↑ answer", "0.500", "", "1.000", "1"]]


def test_a_floor_says_of_how_many_clips_it_is(printed):
    found = {"value": 13.2, "low": 9.0, "high": 17.4, "n": 25, "floor": 10.3, "floor_n": 12, "floor_of": "halves"}
    assert rows(printed(card(summaries={"mse": found})))[0] == [
        "↓ mse",
        "13.20",
        "9.000 to 17.40",
        "10.30 (N 12)",
        "25",
    ]


def test_what_stands_alone_is_said(printed):
    said = "not comparable with published numbers, by its options or weights: mse, psnr"
    assert said in printed(card(meters={"pixel": {"comparable": False}}))
    assert said not in printed(card(meters={"pixel": {"comparable": True}}))


def test_twenty_unusable_predictions_are_listed_and_all_are_counted(printed):
    unusable = [{"key": f"toys_{i}", "seed": 0, "reason": "is missing", "remedy": "add it"} for i in range(23)]
    lines = printed(card(unusable=unusable))
    assert lines[-22:-19] == [
        "23 of 25 predictions count as worst case:",
        "  toys_0 is missing; add it",
        "  toys_1 is missing; add it",
    ]
    assert lines[-1] == "  and 3 more, in the scores"


def test_metrics_that_lack_the_same_are_named_together(printed):
    reason = "the weights are not here; run: kinebench weights fetch them"
    lines = printed(card(summaries={}, unavailable={"mse": reason, "psnr": reason}))
    assert rows(lines) == [["↓ mse", "-", "", "", ""]]
    assert lines[-1] == f"not computed: mse, psnr: {reason}"


def test_how_they_were_made_is_said(printed):
    lines = printed(
        card(
            predictions={"name": "mine", "seeds": [0], "unknown": [], "failed": {"oom": 2, "invalid": 1}},
            sampling={"clip_frames": 49, "truth_frames": list(range(0, 48, 3)), "fps": 8.0, "alignment": {"span": 22}},
            method={"name": "drag", "version": "1.0", "identity": "0", "privileged": True},
            run={"source": {"prompt": "c_infer"}},
            making={
                "videos": 22,
                "native": [{"width": 512, "height": 320, "frames": 16, "videos": 22}],
                "resized": {"bicubic": 22},
                "with_unused_frames": 0,
                "with_driven_ignored": 3,
                "seconds": 1.0,
                "facts": {"prompt_cut": 20},
            },
        )
    )
    assert lines[-6:] == [
        "made by drag 1.0, prompt c_infer; it looks at the ground truth",
        "16 of the 49 frames of each clip are compared, evenly spread; so are those of the truth itself",
        "resized from 512x320 (bicubic) in 22 of 22 videos",
        "a driven object was left out, for the method takes fewer, in 3 of 22 videos",
        "prompt_cut in 20 of 22 videos",
        "not made: 2 out of memory, 1 not what was asked for",
    ]


def test_what_the_coding_costs_is_said(printed):
    coded = {"codec": "h264", "pixel_format": "yuv420p", "rate": None, "lossless": False, "videos": 3, "fine": False}
    cost = {"mse": 6.64, "psnr": 40.21}
    lines = printed(
        card(
            codecs=[
                {**coded, "pixel_format": "gbrp", "lossless": True, "fine": True, "videos": 10, "cost": None},
                {**coded, "rate": {"by": "crf", "value": 23.0}, "cost": cost},
                {**coded, "codec": "ffv1", "lossless": True, "cost": cost},
                {**coded, "codec": "mpeg4", "cost": cost},
                {**coded, "codec": "gif", "pixel_format": "pal8", "cost": None},
            ]
        )
    )
    measured = "costs MSE 6.6, PSNR 40.2 dB on the truth of the first clip"
    assert lines[-5:-1] == [
        f"3 of 22 videos are h264 yuv420p, crf 23: that {measured}",
        f"3 of 22 videos are ffv1 yuv420p: that {measured}",
        f"3 of 22 videos are mpeg4 yuv420p: the pixel format alone {measured}; how hard they were compressed the files "
        "do not say",
        "3 of 22 videos are gif pal8: what that costs cannot be measured here",
    ]
    assert "lossless files" in lines[-1]


def test_names_are_printed_as_they_are(printed, capsys):
    names = ("[red]one", "two[/red]:x:")
    lines = printed(card(predictions={"name": names[1], "seeds": [0], "unknown": [], "failed": {}}))
    assert lines[0].startswith(f"{names[1]} on toys")
    estimate = Estimate(1.0, 0.5, 1.5, 25)
    found = Comparison(names, (Difference("mse", 2.0, 1.0, estimate, "second"),), {})
    print_comparison(found, card()["metrics"])
    text = capsys.readouterr().out
    assert text.count(names[0]) == 2
    assert text.count(names[1]) == 3


def test_what_others_wrote_moves_no_cursor(printed):
    """Names in tars and messages of errors are a stranger's: no control character of theirs reaches the terminal."""
    bad = {"key": "k", "seed": 0, "reason": "is missing: \x1b]52;c;eA==\x07", "remedy": "add\nmse 0.0"}
    named = {"name": "mine\x1b[2J", "seeds": [0], "unknown": ["\x9b2J.mp4"], "failed": {}}
    lines = printed(card(unusable=[bad], predictions=named))
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for line in lines for char in line)
    assert any(line.startswith("mine\N{REPLACEMENT CHARACTER}[2J on toys") for line in lines)
    assert any(line.endswith("; add mse 0.0") for line in lines)
