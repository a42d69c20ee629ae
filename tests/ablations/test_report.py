import copy
import io
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

from kinebench.ablations import account, charts, reading, report, scale, strips, table, wording
from kinebench.ablations.plan import plan
from kinebench.ablations.record import record
from kinebench.ablations.results import Column, Difference, PairResult, Results, RowResult, Value, results
from kinebench.ablations.table import Pair, Row
from kinebench.scoring import scorecard
from kinebench.scoring.predictions import Place, Predictions
from kinebench.scoring.scorer import score
from kinebench.scoring.sidecar import Told
from kinebench.scoring.truths import open_truths
from kinebench.shards import video

LABEL = '1st & "<i>2nd</i>" | stage*, {{title}}'
TABLE = {
    "title": "Stages <2>",
    "question": "Is a & b better?",
    "reported": "table1_training",
    "test": "interactions",
    "choices": ["Not said: <how long>."],
    "trainings": {"two": {"data": "interactions"}},
    "rows": [
        {"id": "none", "label": "no control", "prompt": "c0", "reported": "cogvideox"},
        {"id": "two", "label": LABEL, "prompt": "c0", "training": "two", "reported": "stage1_stage2"},
        {"id": "all", "label": "told all", "prompt": "c", "training": "two", "stage": 1, "told": "all"},
    ],
    "pairs": [{"first": "two", "second": "none", "asks": "Is <one> better?"}],
}
SEEDS = (4, 9)
SHIFT_PX = {"none": 9, "two": 3, "all": 1}
LOST = "two", 4, 1
"""Row, seed and number of a clip without a video."""


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on tags that do not close."""

    VOID = frozenset({"meta", "br", "img", "hr"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag, kind=None):
        return [each for name, each in self.tags if name == tag and kind in (None, each.get("class"))]


@pytest.fixture(scope="module")
def planned(synthetic):
    content = copy.deepcopy(dict(scale.load("tiny").content)) | {"seeds": list(SEEDS), "metrics": ["mse", "ssim"]}
    content["data"]["interactions"] |= {"recipe": synthetic.recipe(), "train": 5, "test": 3}
    return plan([table.parse(TABLE, "mine", "mine.toml")], scale.parse(content, "toys", "toys.toml"))


@pytest.fixture(scope="module")
def clips(packed):
    shards = open_truths(packed, "test")
    return {key: video.decode_rgb(shards.member(key, "rgb.mkv")) for key in shards.keys("test")}


def made(row, frames, seed):
    """The clip, shifted more and more from frame to frame; the first frame is as it was."""
    return np.stack([np.roll(frame, i * SHIFT_PX[row] + (seed if i else 0), axis=1) for i, frame in enumerate(frames)])


@pytest.fixture(scope="module")
def out(planned, packed, clips, tmp_path_factory):
    """Videos and scores of all rows; one video could not be made."""
    folder = tmp_path_factory.mktemp("ablation")
    for task in planned.tasks:
        if task.kind == "data" and "test" in task.id:
            shutil.copytree(packed, folder / task.made)
    (folder / "scores").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        for cell in planned.cells:
            place = folder / planned.task(cell.videos).made / f"seed-{cell.seed}"
            place.mkdir(parents=True)
            for number, (key, frames) in enumerate(clips.items()):
                if (cell.row, cell.seed, number) == LOST:
                    said = {"kind": "oom", "message": "48 GB < 49 GB"}
                    (place / f"{key}.error.json").write_text(json.dumps(said))
                else:
                    shifted = made(cell.row, frames, cell.seed)
                    (place / f"{key}.mkv").write_bytes(video.encode_lossless_rgb(shifted, 12))
            card = score(place.parent, packed, "test", ("mse", "ssim"))
            scorecard.write(card, folder / planned.task(cell.scores).made)
    return folder


@pytest.fixture(scope="module")
def found(planned, out):
    return results(planned, planned.tables[0], out)


@pytest.fixture(scope="module")
def written(planned, found, out):
    """The folder of the report."""
    (out / "mine").mkdir()
    (out / "mine" / "run.json").write_text(json.dumps(record(planned, out, planned.tables[0])))
    assert report.write(found, planned, planned.tables[0], out) == out / "mine" / "report.html"
    return out / "mine"


@pytest.fixture(scope="module")
def page(written):
    return Page((written / "report.html").read_text())


@pytest.fixture(scope="module")
def shown(planned, out):
    return strips.samples(planned, planned.tables[0], out)


def test_the_page_holds_everything_itself(written, page):
    text = (written / "report.html").read_text()
    sources = [each[name] for _, each in page.tags for name in ("src", "href") if name in each]
    assert len(sources) == 3 * (2 + 3) - 1
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not re.search(r"url\(|@import|fetch\(|http", text)
    assert len(text) < 3e6


def test_the_page_says_what_the_table_says(page, found):
    for words in (TABLE["title"], TABLE["question"], TABLE["choices"][0], TABLE["pairs"][0]["asks"]):
        assert words in page.words
    for row in TABLE["rows"]:
        assert sum(words.strip() == row["label"] for words in page.words) >= 4  # table, chart, strips, costs
    for row in found.rows:
        for value in row.values.values():
            assert wording.number(value.mean) in page.words
            assert wording.interval(value.low, value.high) in page.words
    assert "158.3" in page.words
    assert f"{wording.MINUS}111.1" in page.words  # the paper's difference: 47.2 - 158.3
    assert len(page.all("i")) == 0
    assert page.words.count("ours") == 1 + 2 + 2  # a row that the paper has not, heads of the table and of charts


def test_pictures_have_the_size_that_the_page_says(page):
    from base64 import b64decode

    for image in page.all("img"):
        size = Image.open(io.BytesIO(b64decode(image["src"].partition(",")[2]))).size
        assert size == (int(image["width"]), int(image["height"]))
        assert image["alt"]


def test_strips_show_the_frames_that_are_there(shown, clips):
    """Each picture of a strip is nearest to the frame it stands for, among all frames of all rows."""
    everything = {"truth": {}}
    assert [sample.key for sample in shown] == list(clips)
    for sample in shown:
        frames = clips[sample.key]
        everything = {row: made(row, frames, SEEDS[0]) for row in SHIFT_PX} | {"truth": frames}
        numbers = np.linspace(0, 8, strips.FRAMES).round().astype(int)
        assert sample.times_s == pytest.approx(numbers / 12)
        for strip, name in [(each, each.row) for each in sample.strips] + [(sample, "truth")]:
            picture = strip.truth if name == "truth" else strip.picture
            if picture is None:
                continue
            pixels = np.asarray(Image.open(io.BytesIO(picture.data))).astype(float)
            for place, number in enumerate(numbers):
                cell = pixels[::2, place * 196 : place * 196 + 192 : 2]
                far = {
                    (who, i): np.abs(cell - frame).mean()
                    for who, video in everything.items()
                    for i, frame in enumerate(video)
                }
                assert far[name, number] == pytest.approx(min(far.values()))
                assert far[name, number] < 6


def test_a_video_that_failed_is_shown_as_such(shown, page, written):
    (lost,) = [(sample, strip) for sample in shown for strip in sample.strips if strip.picture is None]
    assert (lost[1].row, lost[0].number) == (LOST[0], LOST[2] + 1)
    said = reading.fault(lost[1])
    assert "48 GB < 49 GB" in said
    assert "out of memory" in said
    assert said in page.words
    assert len(page.all("img", "made")) == 8
    assert len(page.all("img", "truth")) == 3
    assert len(page.all("div", "none")) == 1
    assert not (written / "strips" / "2-two.jpg").exists()


def test_values_beside_strips_are_of_the_clip(shown, planned, out):
    cell = next(each for each in planned.cells if (each.row, each.seed) == ("two", SEEDS[0]))
    card = scorecard.load(out / planned.task(cell.scores).made)
    for sample in shown:
        strip = next(each for each in sample.strips if each.row == "two")
        assert strip.values == card["clips"][sample.key]["predictions"][str(SEEDS[0])]["values"]


def test_frames_of_a_video_with_fewer_frames(clips, tmp_path):
    """The nearest one is shown."""
    key, frames = next(iter(clips.items()))
    (tmp_path / "v.mkv").write_bytes(video.encode_lossless_rgb(frames[::4], 3))
    places = {(key, 0): Place(tmp_path / "v.mkv", "v.mkv")}
    card = {"clips": {key: {"predictions": {"0": {"values": {}}}}}}
    maker = strips._Maker("r", 0, Predictions("p", places, (0,), ()), Told(frames=(0, 4, 8)), card)
    found = strips._strip(maker, key, frames.shape[:3], [0, 3, 8])
    pixels = np.asarray(Image.open(io.BytesIO(found.picture.data))).astype(float)
    for place, number in enumerate((0, 4, 8)):
        assert np.abs(pixels[::2, place * 196 : place * 196 + 192 : 2] - frames[number]).mean() < 6


def test_frames_are_enlarged_by_whole_numbers_or_shrunk():
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (2, 10, 60, 3), dtype=np.uint8)
    wide = strips.strip(small)
    assert wide.shape == (30, 2 * 180 + 4, 3)
    assert (wide[:, :180] == small[0].repeat(3, 0).repeat(3, 1)).all()
    assert (wide[:, 184:] == small[1].repeat(3, 0).repeat(3, 1)).all()
    assert strips.strip(np.zeros((3, 480, 720, 3), np.uint8)).shape == (128, 3 * 192 + 8, 3)


def test_samples_are_evenly_spread():
    assert strips.spread(96, 5) == [0, 24, 48, 71, 95]
    assert strips.spread(100, 5) == [0, 25, 50, 74, 99]
    assert strips.spread(3, 5) == [0, 1, 2]
    assert strips.spread(1, 5) == [0]


def test_markdown_shows_the_same(written, found):
    text = (written / "report.md").read_text()
    page = Page(MarkdownIt("commonmark").enable("table").render(text))
    for words in (TABLE["title"], TABLE["question"], TABLE["choices"][0], TABLE["pairs"][0]["asks"]):
        assert words in page.words
    assert sum(words.strip() == LABEL for words in page.words) >= 3
    assert len(page.all("i")) == 0
    images = [each["src"] for each in page.all("img")]
    assert sorted(images) == sorted(f"strips/{path.name}" for path in (written / "strips").iterdir())
    assert len(images) == 3 * (2 + 3) - 1
    rows = [line for line in text.splitlines() if line.startswith("| no control |")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [8, 5]  # of numbers, and of costs
    assert str(written.parent) not in text + (written / "report.html").read_text()


def test_again_the_same_bytes_and_nothing_old(written, planned, found, out):
    before = {path: path.read_bytes() for path in written.rglob("*") if path.is_file()}
    (written / "strips" / "9-gone.jpg").write_bytes(b"of another run")
    report.write(found, planned, planned.tables[0], out)
    assert {path: path.read_bytes() for path in written.rglob("*") if path.is_file()} == before


def test_the_page_in_a_browser(browser, written):
    """It asks for nothing, is no wider than a phone, and a strip that is held down is the truth."""
    browser.open((written / "report.html").as_uri(), width=390, height=800, phone=True)
    assert browser.run("document.documentElement.scrollWidth") == 390
    assert browser.run("[...document.images].every((image) => image.naturalWidth > 0)")
    box = "document.querySelector('img.made').getBoundingClientRect()"
    browser.run("document.querySelector('img.made').scrollIntoView({block: 'center'})")
    x, y = browser.run(f"[{box}.left + 40, {box}.top + 20]")
    same = "document.querySelector('img.made').src === document.querySelector('img.truth').src"
    assert not browser.run(same)
    at = {"x": x, "y": y, "button": "left", "clickCount": 1}
    browser.call("Input.dispatchMouseEvent", type="mousePressed", **at)
    browser.until(same)
    browser.call("Input.dispatchMouseEvent", type="mouseReleased", **at)
    browser.until(f"!({same})")
    assert browser.errors() == []
    assert [address for address in browser.requested() if not address.startswith(("data:", "file:"))] == []


def values(low, mean, high):
    return {"m": Value(mean, low, high, {0: mean}, 0)}


def handmade(rows, pairs=(), better="lower", **told):
    """Results of rows as (low, mean, high); `pairs` as (first, second, better)."""
    column = Column("m", "a measure", "", better, "clip", 1, None, False)
    lines = [
        RowResult(Row(name, name, "c0", "t", told=told.get(name, "first")), values(*each), {}, 5, 1.0, 1.0)
        for name, each in rows.items()
    ]
    asked = [
        PairResult(Pair(one, two, "?"), {"m": Difference(1.0, 0.0, 2.0, 0.1, 0.1, who, 0)}, {}, True, (one, two))
        for one, two, who in pairs
    ]
    return Results("t", 9, (0,), (column,), tuple(lines), tuple(asked))


@pytest.mark.parametrize(
    ("best", "told"),
    [
        ("a", handmade({"a": (1, 2, 3), "b": (4, 5, 6)})),
        (None, handmade({"a": (1, 2, 4), "b": (4, 5, 6)})),
        ("b", handmade({"a": (1, 2, 3), "b": (4, 5, 6)}, better="higher")),
        (None, handmade({"a": (1, 2, 3), "b": (4, 5, 6)}, [("a", "b", "not clear")])),
        ("a", handmade({"a": (1, 4, 7), "b": (4, 5, 6)}, [("b", "a", "second")])),
        (None, handmade({"a": (1, 4, 7), "b": (4, 5, 6), "c": (3, 4, 5)}, [("b", "a", "second")])),
        ("b", handmade({"a": (1, 2, 3), "b": (4, 5, 6), "c": (7, 8, 9)}, a="all")),
        (None, handmade({"a": (None, 2, None), "b": (4, 5, 6)})),
        (None, handmade({"a": (1, 2, 3)})),
    ],
)
def test_best_is_what_is_clearly_best(best, told):
    """Rows that are told everything do not compete; a pair's own test goes before intervals."""
    assert reading.best(told).get("m") == best


def spots(svg, kind):
    return [float(x) for x in re.findall(rf'class="{kind}" (?:cx|x1)="([-\d.]+)%"', svg)]


def test_charts_put_values_in_their_places():
    told = handmade({"a": (1, 2, 3), "b": (0, 4, 8)})
    drawn = charts.chart(told, told.columns[0])
    ours, zero, end = spots(drawn, "mean"), 3.0, 97.0
    assert ours == pytest.approx([zero + (end - zero) * 2 / 8, zero + (end - zero) * 4 / 8], abs=0.01)
    ticks = re.findall(r"<text[^>]*>([^<]*)<", drawn)
    assert ticks == ["0", "2", "4", "6", "8"]
    assert "the paper" not in drawn


@pytest.mark.parametrize(("better", "side"), [("lower", -1), ("higher", 1)])
def test_right_is_where_the_first_is_better(better, side):
    told = handmade({"a": (1, 2, 3)}, better=better)
    one = Difference(5.0, 2.0, 8.0, 0.01, 0.02, "first" if better == "higher" else "second", 0)
    drawn = charts.fork(one, told.columns[0], 10.0)
    assert side * (spots(drawn, "mean")[0] - spots(drawn, "zero")[0]) == pytest.approx(0.94 * 25, abs=0.05)
    assert 'class="fork clear"' in drawn
    assert 'class="fork unclear"' in charts.fork(replace(one, better="not clear"), told.columns[0], 10.0)


def test_numbers_for_people():
    assert [wording.number(x) for x in (None, 0.05, 12.34, 312.44, 1504.6)] == ["-", "0.050", "12.34", "312.4", "1,505"]
    assert wording.number(-0.0001, signed=True) == "+0.000"
    assert wording.number(-3.5, signed=True) == f"{wording.MINUS}3.500"
    assert [wording.reported(x) for x in (86.3, 1504.6, 201.0, 0.12, None)] == [
        "86.3",
        "1,504.6",
        "201.0",
        "0.120",
        "-",
    ]
    assert wording.reported(47.2 - 158.3, signed=True) == f"{wording.MINUS}111.1"
    assert [wording.probability(p) for p in (None, 0.0004, 0.031, 0.4)] == ["-", "< 0.001", "0.031", "0.40"]
    assert [wording.duration(s) for s in (0.2, 45, 200, 9000, 400000)] == [
        "0.20 s",
        "45 s",
        "3.3 min",
        "2.5 h",
        "111 h",
    ]


@pytest.mark.parametrize("size", ["tiny", "paper"])
@pytest.mark.parametrize("name", table.built_in())
def test_every_table_is_told_in_sentences(name, size):
    declared, chosen = table.load(name), scale.load(size)
    work = plan([declared], chosen)
    told = " ".join(account.account(work, declared))
    assert f"{chosen.data[declared.test].test:,} test clips" in told
    for role in {declared.backbone(row) for row in declared.rows}:
        assert chosen.backbones[role].title in told
    for training in declared.trainings.values():
        assert (
            f"{chosen.data[training.data].train:,} clips of {chosen.data[training.data].recipe.dataset.title}" in told
        )
    assert ("what each row says" in told) == (name == "table5b")
    assert chosen.title in account.limits(work)
    assert account.repeat(work, declared)[0] == f"kinebench ablate {name} --scale {size}"
    other = replace(chosen, content={**chosen.content, "seeds": [8]})
    assert len(account.repeat(plan([declared], other), declared)) == 1
