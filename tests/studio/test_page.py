"""The page in a real browser: real uploads, clicks, brush, arrows, keys, runs."""

import base64
import io
import json
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinebench.annotate import velocity
from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder
from kinebench.photo.arrow import Arrow, motion
from kinebench.photo.camera import View, constants, timing, v_max_mps
from kinebench.photo.realworld import pack
from kinebench.photo.sheet import shown

pytestmark = pytest.mark.slow

TEXT = "document.getElementById('status').textContent"
IDLE = "!studio.busy && (await new Promise(requestAnimationFrame), await new Promise(requestAnimationFrame), true)"


def settled(browser):
    browser.until(f"(async () => {IDLE})()")


def spot(browser, x, y):
    """A point of the canvas on the screen."""
    left, top, width = browser.run(
        "(() => { const box = document.getElementById('ink').getBoundingClientRect();"
        " return [box.left, box.top, box.width]; })()"
    )
    return left + x * width / 720, top + y * width / 720


def upload(browser, path):
    before = browser.run("studio.photo?.photo ?? ''")
    browser.upload("#file", path)
    browser.until(f"!studio.busy && (studio.photo?.photo ?? '') !== '{before}'")
    settled(browser)


def pressed(browser, selector):
    browser.run(f"document.querySelector({json.dumps(selector)}).click()")
    settled(browser)


@pytest.fixture(scope="module")
def page(browser, studio):
    browser.open(studio.address)
    browser.until("window.studio && studio.facts")
    return browser


def test_the_page_computes_what_the_server_computes(page):
    """Arrows and cameras at random: velocities and colours of formula.js are those of Python."""
    rng, (frames, fps) = np.random.default_rng(3), timing()
    facts = {"height_m": constants().height_m, "friction": constants().friction, "frames": frames, "fps": fps}
    cases, expected = [], []
    for _ in range(300):
        view = View(*(float(rng.uniform(*bounds)) for bounds in ((20, 100), (0.3, 5), (-4, 80))))
        arrow = rng.uniform((0, 0, 0, 0), (720, 480, 720, 480)).round(1).tolist()
        speed = float(rng.uniform(0.1, 3)) if rng.random() < 0.3 else None
        cases.append([arrow, vars(view), speed])
        try:
            found = motion(Arrow(tuple(arrow[:2]), tuple(arrow[2:])), view, constants(), (frames - 1) / fps, speed, "")
            expected.append(found.velocity_mps[:2])
        except ValueError:
            expected.append(None)  # no ground there
        except KineBenchError:
            expected.append("fast")
    script = """(async () => {
      const formula = await import("/page/formula.js"), facts = %s;
      return %s.map(([arrow, view, speed]) => {
        const found = formula.motion(arrow, formula.camera(view, [720, 480]), facts, speed);
        return found && [...found.velocity, ...formula.picture(found.velocity, %s)];
      });
    })()""" % (json.dumps(facts), json.dumps(cases), v_max_mps())  # noqa: UP031
    answers = page.run(script)
    counts = [0, 0]
    for answer, velocity_mps in zip(answers, expected, strict=True):
        if velocity_mps is None or answer is None:
            assert velocity_mps is None and answer is None
            counts[0] += 1
        elif velocity_mps != "fast":
            np.testing.assert_allclose(answer[:2], velocity_mps, atol=2e-6)
            colour = velocity.picture(np.array([*velocity_mps, 0.0]), v_max_mps())
            np.testing.assert_allclose(answer[2:], colour, atol=1)
            counts[1] += 1
    assert min(counts) > 40


def test_from_a_photo_to_a_comparison(page, studio, linen_file, tmp_path):
    upload(page, linen_file)
    page.mouse(spot(page, 545, 150))  # click, then drag: two objects with arrows
    page.until("studio.objects.length === 1")
    settled(page)
    page.mouse(spot(page, 545, 150), spot(page, 450, 330))
    page.mouse(spot(page, 170, 215))
    page.until("studio.objects.length === 2")
    settled(page)
    page.mouse(spot(page, 170, 215), spot(page, 350, 240))
    page.until("studio.objects.every((each) => each.arrow)")

    area = "studio.selected.mask.reduce((sum, each) => sum + each, 0)"
    whole = page.run(area)
    page.key("3")  # erase some of the second object, undo, erase again, add some
    page.mouse(spot(page, 150, 190), spot(page, 160, 200))
    less = page.run(area)
    page.key("z", modifiers=2)
    assert page.run("studio.objects[1].mask.reduce((sum, each) => sum + each, 0)") == whole > less
    page.run("studio.selected = studio.objects[1]")
    page.mouse(spot(page, 150, 190), spot(page, 160, 200))
    pressed(page, "[data-tool=paint]")
    page.mouse(spot(page, 215, 230), spot(page, 225, 245))
    assert page.run(area) > less
    settled(page)

    wish = page.run(
        "(async () => { const formula = await import('/page/formula.js'); return { photo: studio.photo.photo,"
        " key: studio.photo.key, camera: studio.view, prompt: '', ground: '', objects: studio.objects.map((each) =>"
        " ({ mask: formula.packed(each.mask), arrow: each.arrow, speed_mps: each.speed, name: each.name })) }; })()"
    )
    condition = studio.session.desk.condition(wish)
    pixels = page.run("document.getElementById('layer').toDataURL('image/png').split(',')[1]")
    live = np.asarray(Image.open(io.BytesIO(base64.b64decode(pixels))).convert("RGB")).astype(int)
    assert np.abs(live - shown(condition, v_max_mps())).max() <= 1
    speeds = page.run("[...document.querySelectorAll('#objects .told')].map((each) => parseFloat(each.textContent))")
    np.testing.assert_allclose(speeds, [np.hypot(*each.velocity_mps[:2]) for each in condition.driven], atol=0.006)

    page.run(
        "document.querySelectorAll('#objects .name').forEach((each, i) => {"
        " each.value = ['pink box', 'green can'][i]; each.dispatchEvent(new Event('input')); })"
    )
    pressed(page, "#write")
    page.until("document.getElementById('prompt').value.includes('green can')")

    for method in ("constant_velocity", "static"):
        page.run(f"document.getElementById('method').value = '{method}'")
        pressed(page, "#run")
    page.until("document.querySelectorAll('video').length === 2", seconds=90)
    page.until("[...document.querySelectorAll('video')].every((each) => each.readyState >= 2)")
    page.run(
        "(() => { const scrub = document.getElementById('scrub'); scrub.value = 40;"
        " scrub.dispatchEvent(new Event('input')); })()"
    )
    page.until("[...document.querySelectorAll('video')].every((each) => !each.seeking && each.currentTime > 1.6)")
    assert page.run("document.getElementById('frame').textContent") == "frame 40, 1.67 s"
    drawn = """(() => [...document.querySelectorAll("video")].map((video) => {
      const canvas = new OffscreenCanvas(720, 480), pen = canvas.getContext("2d");
      pen.drawImage(video, 0, 0);
      return [...pen.getImageData(540, 150, 1, 1).data];
    }))()"""
    moved, still = np.array(page.run(drawn))[:, :3].astype(int)
    assert np.abs(still - condition.first_frame[150, 540]).max() < 12  # the pink box is where it was
    assert np.abs(moved - still).max() > 40  # and there it is gone

    there = {each for each in page.requested() if not each.startswith(("data:", "blob:"))}
    assert all(each.startswith(studio.url) for each in there)
    assert page.errors() == []


def test_the_download_is_a_condition_and_a_photo_of_a_set(page, studio, tmp_path):
    """After the test above: what is on the page goes to a zip, and from there to a Real World set."""
    script = """(async () => {
      const real = window.fetch; let body;
      window.fetch = (path, options) => {
        if (path.includes("export")) body = options.body;
        return real(path, options);
      };
      document.getElementById("export").click();
      while (!body) await new Promise((done) => setTimeout(done, 20));
      window.fetch = real;
      return body;
    })()"""
    data = studio.session.desk.export(json.loads(page.run(script)))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    made = condition_folder.read(tmp_path / "linen")
    assert len(made.driven) == 2 and (tmp_path / "linen.png").is_file()
    pack(tmp_path / "realworld", tmp_path / "set", lambda stage, done, whole: None)
    packed = condition_folder.read(tmp_path / "set" / "linen")
    assert replace(packed, key=made.key).sha256 == made.sha256


def test_keys_do_what_the_mouse_does(page, linen_file):
    upload(page, linen_file)
    page.key("1")
    page.run("document.getElementById('ink').focus(); studio.cursor = [400, 150]")
    page.key("ArrowDown")
    page.key("Enter")
    page.until("studio.objects.length === 1")
    settled(page)
    page.key("Enter")  # the tail
    for _ in range(6):
        page.key("ArrowRight")
    page.key("Enter")  # the head
    assert page.run("studio.objects[0].arrow") == [400, 158, 448, 158]
    page.key("Delete")
    assert page.run("studio.objects.length") == 0
    page.key("z", modifiers=2)
    page.until("studio.objects.length === 1")


def test_what_cannot_be_is_said(page, linen_file, tmp_path):
    (tmp_path / "notes.jpg").write_text("no picture")
    page.upload("#file", tmp_path / "notes.jpg")
    page.until(f"{TEXT}.includes('no picture that can be read')")
    upload(page, linen_file)
    pressed(page, "[data-tool=pick]")
    page.mouse(spot(page, 300, 400))
    page.until(f"{TEXT}.includes('looks like the background')")
    page.mouse(spot(page, 300, 400), spot(page, 400, 420))
    page.until(f"{TEXT}.includes('no object was found in this box')")
    page.mouse(spot(page, 300, 400), spot(page, 400, 402))
    page.until(f"{TEXT}.includes('begins on an object')")
    page.mouse(spot(page, 400, 150))
    page.until("studio.objects.length === 1")
    settled(page)
    page.mouse(spot(page, 400, 150), spot(page, 402, 151))  # no length: no arrow
    assert page.run("studio.objects[0].arrow") is None
    assert page.run("document.getElementById('run').disabled")
    page.mouse(spot(page, 400, 150), spot(page, 800, 150))  # out of the photo: to its edge
    assert page.run("studio.objects[0].arrow") == [400, 150, 719.9, 150]
    page.run("studio.view = { ...studio.view, pitch_deg: -4 }; document.getElementById('grid').click()")
    page.until("document.querySelector('#objects .told').textContent.includes('no ground')")
    pressed(page, "#usual")


def test_arrows_are_moved_and_boxes_hold_objects(page, linen_file):
    upload(page, linen_file)
    page.mouse(spot(page, 345, 75), spot(page, 460, 195))
    page.until("studio.objects.length === 1 && studio.box === null")
    settled(page)
    assert 8000 < page.run("studio.objects[0].mask.reduce((sum, each) => sum + each, 0)") < 115 * 120
    page.mouse(spot(page, 400, 150), spot(page, 300, 300))
    arrow = "studio.objects[0].arrow"
    assert page.run(arrow) == [400, 150, 300, 300]
    page.mouse(spot(page, 302, 299), spot(page, 420, 350))  # its head, nearly
    assert page.run(arrow) == [400, 150, 420, 350]
    page.key("z", modifiers=2)
    assert page.run(arrow) == [400, 150, 300, 300]
    moving = {"button": "left", "clickCount": 1}
    for kind, (x, y) in (("mousePressed", (300, 300)), ("mouseMoved", (500, 320))):
        at = dict(zip("xy", spot(page, x, y), strict=True))
        page.call("Input.dispatchMouseEvent", type=kind, buttons=1, **at, **moving)
    assert page.run(arrow) == [400, 150, 500, 320]  # at once, with its colour
    undo = page.run("studio.undo.length")
    page.key("Escape")
    page.call("Input.dispatchMouseEvent", type="mouseReleased", **at, **moving)
    assert page.run(arrow) == [400, 150, 300, 300] and page.run("studio.undo.length") == undo - 1
    assert page.run("studio.objects.length") == 1


def test_a_page_that_is_loaded_again_is_as_it_was(page, linen_file):
    """After the test above. In another tab nothing of it is seen."""
    page.run("document.getElementById('prompt').value = 'It \"slides\".'")
    page.run("document.getElementById('pitch').value = 30")
    page.run("document.getElementById('pitch').dispatchEvent(new Event('input'))")
    page.run("document.getElementById('method').value = 'static'")
    settled(page)
    pressed(page, "#run")
    page.until("document.querySelectorAll('.result video').length > 0", seconds=90)
    there = (
        "[studio.photo.photo, studio.view.pitch_deg, studio.objects.map((each) => [each.arrow, each.mask.join('')])]"
    )
    shown = "[document.getElementById('prompt').value, document.getElementById('method').value]"
    before, words = page.run(f"JSON.stringify({there})"), page.run(shown)
    page.run("window.studio = null")
    page.call("Page.reload")
    page.until("window.studio?.objects.length === 1")
    assert (page.run(f"JSON.stringify({there})"), page.run(shown)) == (before, words)
    page.until("document.querySelector('.result video')?.readyState >= 2", seconds=30)
    upload(page, linen_file)  # another photo: words told of the first
    assert page.run(shown) == ["", "static"] and page.run("studio.objects.length") == 0
    page.run("sessionStorage.clear()")


def test_what_a_method_lacks_is_said(page):
    page.run("document.getElementById('method').value = 'kinemask'")
    page.run("document.getElementById('method').dispatchEvent(new Event('change'))")
    assert "--weights kinemask.branch=FOLDER" in page.run("document.getElementById('lack').innerText")
    assert page.run("document.getElementById('run').disabled")
    page.run("document.getElementById('method').value = 'static'")
    page.run("document.getElementById('method').dispatchEvent(new Event('change'))")
    assert page.run("document.getElementById('lack').hidden")


def test_an_enormous_photo(page, tmp_path):
    page.run("studio.facts.photo_bytes = 1000")
    page.upload("#file", Path(__file__))
    page.until(f"{TEXT}.includes('save it smaller')")
    page.run("studio.facts.photo_bytes = 1e9")
    path = tmp_path / "enormous.jpg"
    small = Image.new("RGB", (120, 90), (150, 120, 90))
    small.paste((200, 30, 40), (40, 40, 60, 60))
    small.resize((12000, 9000), Image.Resampling.NEAREST).save(path, quality=60)
    began = time.monotonic()
    upload(page, path)
    assert time.monotonic() - began < 60
    assert page.run("[studio.photo.width, studio.photo.height]") == [12000, 9000]
    page.mouse(spot(page, 306, 266))
    page.until("studio.objects.length === 1")
    area = page.run("studio.objects[0].mask.reduce((sum, each) => sum + each, 0)")
    assert area == pytest.approx(106.7**2, rel=0.05)


@pytest.mark.parametrize(("width", "phone"), [(1280, False), (390, True)])
def test_nothing_is_wider_than_the_screen(page, width, phone):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=phone)
    settled(page)
    assert page.run("document.documentElement.scrollWidth") <= width
    page.call("Emulation.clearDeviceMetricsOverride")
