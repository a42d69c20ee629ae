import base64
import copy
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.preview import drawing
from kinebench.preview.overlay import overlay
from kinebench.preview.page import preview
from kinebench.scene.camera import look_at
from kinebench.shards import record as records
from kinebench.shards import video


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on tags that do not close."""

    VOID = frozenset({"meta", "link", "br", "img", "input"})

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

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_holds_everything_itself(dataset, samples):
    path = preview(dataset)
    assert path == dataset / "previews" / "index.html"
    text = path.read_text()
    page = Page(text)
    sources = [a[name] for _, a in page.tags for name in ("src", "href") if name in a]
    assert len(sources) == 8 * 3
    assert all(source.startswith("data:") for source in sources)
    assert not re.search(r"url\(|@import|fetch\(|http", text)
    assert "{{" not in text
    for sample in samples:
        assert sample.record["captions"]["c"] in page.words


def test_the_videos_are_the_clip_and_its_mask(dataset, samples):
    videos = Page(preview(dataset, limit=1).read_text()).all("video")
    clip, mask = (base64.b64decode(v["src"].removeprefix("data:video/mp4;base64,")) for v in videos)
    first = min(samples, key=lambda sample: sample.key)
    assert clip == first.members["mp4"]
    assert video.decode_rgb(mask).shape == video.decode_rgb(clip).shape
    assert all("loop" in v and "muted" in v for v in videos)


def test_limit_spreads_over_the_dataset(dataset):
    cards = Page(preview(dataset, limit=3).read_text()).all("article")
    assert [card["data-split"] for card in cards] == ["test", "train", "train"]


def test_same_dataset_same_page(dataset, tmp_path):
    assert (
        preview(dataset, tmp_path / "a" / "x.html").read_bytes() == preview(dataset, tmp_path / "y.html").read_bytes()
    )


def test_a_caption_cannot_run_as_code(tmp_path, samples, synthetic, make):
    record = copy.deepcopy(samples[0].record)
    record["captions"]["c"] = '<script>alert("{{cards}}")</script> & co'
    make(tmp_path, [synthetic.change(samples[0], json=record, txt=record["captions"]["c"].encode())])
    page = Page(preview(tmp_path).read_text())
    assert record["captions"]["c"] in page.words
    assert len(page.all("script")) == 1


def test_no_dataset(tmp_path):
    with pytest.raises(KineBenchError, match="no packed dataset"):
        preview(tmp_path)


def numbers(text):
    return np.array([float(n) for n in re.findall(r"-?\d+\.?\d*", text)]).reshape(-1, 2)


def test_top_view_goes_right_and_up_as_the_camera_sees_it(samples):
    """A box that moves right and away from the camera: its path goes right and up, whatever the azimuth."""
    record = copy.deepcopy(samples[0].record)
    for azimuth in (0.3, 2.0, 4.5):
        position = 3 * np.array([np.cos(azimuth), np.sin(azimuth), 0.6])
        camera = look_at(position, np.zeros(3), width_px=96, height_px=64, field_of_view_rad=0.9)
        record["camera"]["rotation"] = [list(row) for row in camera.rotation]
        record["camera"]["translation_m"] = list(camera.translation_m)
        way = np.linspace(0, 1, 9)[:, None] * (camera.ground_axes.T @ [0.5, 0.3, 0.0])
        record["objects"][0]["positions_m"] = (way + np.array([0, 0, 0.15])).tolist()
        path = re.search(r'class="path" points="([^"]*)"', drawing.top_view(record)).group(1)
        step = numbers(path)[-1] - numbers(path)[0]
        assert step[0] > 0 > step[1]
        assert step[0] / -step[1] == pytest.approx(5 / 3, rel=0.02)


def test_outlines_have_the_objects_size(samples):
    record = samples[0].record
    plot = drawing.top_view(record)
    bar = float(re.search(r"v4h([\d.]+)v-4", plot).group(1))
    metres = float(re.search(r">([\d.]+) m<", plot).group(1))
    for outline in re.findall(r'class="end" points="([^"]*)"', plot):
        corners = numbers(outline)
        assert len(corners) == 4
        edges = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
        np.testing.assert_allclose(edges / bar * metres, 0.3, rtol=0.02)


def test_speed_plot_marks_touches_and_leaves_out_what_stands(samples):
    alone, struck = drawing.speed_plot(samples[0].record), drawing.speed_plot(samples[1].record)
    assert (struck.count('class="path"'), alone.count('class="path"')) == (2, 1)
    assert (struck.count('class="event"'), alone.count('class="event"')) == (1, 0)
    assert struck.count('class="playhead"') == 1


def test_overlay_colours_driven_objects_and_dims_the_rest(samples):
    record = samples[0].record
    rgb = np.full((9, 64, 96, 3), 100, np.uint8)
    ids = video.decode_gray(samples[0].members["segmentation.mkv"])
    rollout, camera = records.rollout(record), records.camera(record)
    shown = overlay(rgb, ids, rollout, (1,), camera, 1.5)
    assert shown.dtype == np.uint8
    corner_dim = shown[:, :3, :3]
    np.testing.assert_array_equal(corner_dim, 45)
    coloured = shown[0][ids[0] == 1].astype(int)
    assert (coloured.max(axis=1) - coloured.min(axis=1) > 80).mean() > 0.5
    other = shown[0][ids[0] == 3].astype(int)
    assert np.median(other.max(axis=1) - other.min(axis=1)) == 0
    assert (shown == 255).all(axis=-1).any(), "an arrow is drawn"
    still = overlay(rgb, ids, rollout, (), camera, 1.5)
    np.testing.assert_array_equal(still, 45)
