"""The pages in a real browser, from files."""

import base64
import io
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from kinebench.board import site
from kinebench.board.standing import Board

NAME = "toys@1.0.0-test-metrics-1"
FIRST, STEP = 20, 15  # of the films in conftest.py
TITLE = '</script><img src=x onerror="hacked=1">\'"&\ufffdabc'
ROWS = "[...document.querySelectorAll('#table tbody tr:not([hidden])')].map((row) => row.dataset.row.split('@')[0])"
HASH = "Object.fromEntries(new URLSearchParams(location.hash.slice(1)))"
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def page(browser, built):
    """`page("index.html#...")` opens a page of the site, ready; afterwards it must have been quiet."""
    browser.events.clear()

    def opened(name, **how):
        browser.call("Page.navigate", url="about:blank")
        browser.open(built.index.as_uri().removesuffix("index.html") + name, **how)
        browser.until("document.documentElement.dataset.ready === 'yes'")
        return browser

    yield opened
    assert browser.errors() == []
    assert [url for url in browser.requested() if not url.startswith(("file:", "data:", "about:"))] == []
    assert browser.run("window.hacked") is None


def text(browser, selector):
    return browser.run(f"document.querySelector({selector!r}).textContent")


def marks(browser):
    """Columns that say to be sorted, and how."""
    found = browser.run(
        "[...document.querySelectorAll('#table th[aria-sort]')].map((th) => [th.firstChild.dataset.sort, th.ariaSort])"
    )
    return [tuple(each) for each in found if each[1] != "none"]


def middle(browser, script):
    """Left, vertical middle and width of an element."""
    return browser.run(
        f"(() => {{ const box = ({script}).getBoundingClientRect();"
        " return [box.left, box.top + box.height / 2, box.width]; })()"
    )


def test_sort_by_pointer_and_key(page):
    browser = page("index.html")
    assert browser.run(ROWS) == ["alpha", "beta", "gamma", "few", "still", "hostile"]
    assert marks(browser) == [("mse", "ascending")]
    left, top, width = middle(browser, "document.querySelector('[data-sort=iou_flow]')")
    browser.mouse((left + width / 2, top))
    assert browser.run(ROWS)[0] == "alpha" and marks(browser) == [("iou_flow", "descending")]  # the best first
    browser.run("document.querySelector('[data-sort=fvd]').focus()")
    browser.key("Enter", code="Enter", windowsVirtualKeyCode=13)
    assert browser.run(ROWS) == ["hostile", "still", "gamma", "beta", "alpha", "few"]  # without a value: last
    browser.key("Enter", code="Enter", windowsVirtualKeyCode=13)
    assert browser.run(ROWS) == ["alpha", "beta", "gamma", "still", "hostile", "few"]
    assert marks(browser) == [("fvd", "descending")]
    assert browser.run(HASH) == {"sort": "fvd", "order": "descending"}
    assert text(browser, ".dots .name") == TITLE  # the plot goes with it


def test_filter_and_what_is_in_the_address(page):
    browser = page("index.html")
    browser.run("document.getElementById('text').focus()")
    browser.call("Input.insertText", text="GAMMA ada")
    assert browser.run(ROWS) == ["gamma"] and browser.run(HASH) == {"text": "GAMMA ada"}
    assert text(browser, "#count").startswith("1 of 7 rows")
    page(
        "index.html#anchors=hidden&withdrawn=shown&sort=psnr&columns=psnr,mse&chosen=beta@1.0.0,alpha@1.0.0&track=open"
    )
    assert browser.run(ROWS) == ["alpha", "gamma", "few", "gone", "hostile"]
    assert browser.run("[...document.querySelectorAll('#table .metric')].map((head) => head.textContent)") == [
        "MSE",
        "PSNR",
    ]
    assert browser.run("document.querySelectorAll('[data-pick]:checked').length") == 2
    both = f"compare.html#standing={NAME}&a=beta@1.0.0&b=alpha@1.0.0"
    assert browser.run("document.querySelector('#chosen a').getAttribute('href')") == both
    browser.run("location.hash = 'standing=toys@2.0.0-test-metrics-1'")  # a link on the page itself
    browser.until("document.querySelectorAll('#table tbody tr').length === 2")
    csv = "document.getElementById('csv').getAttribute('href')"
    assert browser.run(csv) == "tables/toys%402.0.0-test-metrics-1.csv"
    browser.run(
        "(() => { const all = document.getElementById('standing'); all.selectedIndex = 0;"
        " all.dispatchEvent(new Event('change')); })()"
    )
    browser.until("document.querySelectorAll('#table tbody tr').length === 7")


def test_a_number_without_value_says_why(page):
    browser = page("index.html")
    browser.run("document.querySelector('[data-row^=few] .why').focus()")
    assert text(browser, "#tip") == "FVD needs 9 frames, and these are 4"
    assert "no value: FVD needs 9 frames" in text(browser, "[data-row^=few]")  # for who hears the page


def test_the_papers_rows_stand_apart(page):
    browser = page("index.html")
    assert "theirs" not in browser.run(ROWS)
    assert browser.run("document.querySelectorAll('#standing option').length") == 2
    told = text(browser, "#reported")
    assert "not measured by us" in told and "A row of theirs" in told and "1,504.6" in told


def frames(browser):
    """The frame of the clip that each player shows, read off the screen."""
    browser.run(DRAWN)
    boxes = browser.run(
        "['condition', 'truth', 'a', 'b'].map((name) => [name, document.querySelector(`.${name} canvas`)])"
        ".map(([name, canvas]) => [name, canvas.getBoundingClientRect()])"
        ".map(([name, box]) => [name, box.left, box.top, box.width, box.height])"
    )
    shot = base64.b64decode(browser.call("Page.captureScreenshot", format="png")["data"])
    grey = np.asarray(Image.open(io.BytesIO(shot)).convert("L")).astype(int)
    levels = {name: grey[int(top + high / 2), int(left + wide / 3)] for name, left, top, wide, high in boxes if wide}
    return {name: round((level - FIRST) / STEP) for name, level in levels.items()}


def test_players_are_locked_to_one_frame(page):
    browser = page("compare.html#a=alpha@1.0.0&b=still@1.0.0")
    assert frames(browser) == {"condition": 0, "truth": 0, "a": 0, "b": 0}
    left, top, width = middle(browser, "document.getElementById('scrub')")
    browser.mouse((left + 8, top), (left + 0.3 * width, top), (left + 0.62 * width, top))
    at = int(browser.run("document.getElementById('scrub').value"))
    assert 6 <= at <= 9
    assert frames(browser) == {"condition": 0, "truth": at, "a": at, "b": at}
    for key, expected in (("End", 12), ("ArrowLeft", 11), ("Home", 0), ("ArrowRight", 1)):
        browser.key(key)
        assert frames(browser) == {"condition": 0, "truth": expected, "a": expected, "b": expected}
    browser.run("document.activeElement.blur()")
    browser.key("n")
    browser.until(f"({HASH}).sample === 'toys_test_000001' && ({HASH}).frame === '1'")
    browser.key("ArrowUp")
    browser.until(f"({HASH}).sample === 'toys_test_000000'")
    browser.key(" ")
    browser.until("Number(document.getElementById('scrub').value) > 3")
    browser.key(" ")
    at = int(browser.run("document.getElementById('scrub').value"))
    assert frames(browser) == {"condition": 0, "truth": at, "a": at, "b": at}


def test_fewer_frames_and_missing_films_are_said(page):
    browser = page("compare.html#a=few@1.0.0&b=beta@1.0.0&frame=7&gain=5")
    assert frames(browser) == {"condition": 0, "truth": 7, "a": 4}
    assert text(browser, ".player.a .under") == "its frame 2 of 4, of the clip's frame 5: the nearest before it"
    assert "no film here" in text(browser, ".player.b .note")
    moments = "[...document.querySelectorAll('.difference canvas')].map((canvas) => canvas.dataset.frame)"
    assert browser.run(moments) == ["4", "4"]
    stack = "document.querySelector('.difference .stack')"
    assert browser.run(f"getComputedStyle({stack}).filter") == "brightness(5)"
    assert browser.run(f"getComputedStyle({stack}.lastChild).mixBlendMode") == "difference"
    page("compare.html#a=gamma@1.0.0&b=alpha@1.0.0")
    assert "no video of this clip" in text(browser, ".player.a .note")
    scores = text(browser, ".scores")
    assert "+80.50" in scores and "B is better, p\u00a0<\u00a00.001" in scores


def test_a_plot_goes_to_the_clip_that_is_pressed(page):
    browser = page("compare.html#a=gamma@1.0.0&b=alpha@1.0.0")
    browser.run("document.querySelector('#scatter svg').scrollIntoView({block: 'center'})")
    left, top, width = middle(browser, "document.querySelectorAll('#scatter circle.a')[3]")
    browser.mouse((left + width / 2, top + 12))
    browser.until(f"({HASH}).sample === 'toys_test_000003'")


def test_a_method_has_its_card_and_its_clips(page):
    browser = page("m/alpha@1.0.0.html")
    told = text(browser, "#method")
    for words in ("backbone of alpha", "5,570,000,000", "package19", "Ada Example", "toys 2.0.0, test, metrics 1"):
        assert words in told
    assert "\N{MINUS SIGN}80.50" in told and "this is better" in told and "cannot be told apart" in told
    browser.run("document.querySelector('.clips [data-sort=mse]').click()")
    cells = "[...document.querySelector('.clips').tBodies[0].rows].map((row) => Number(row.cells[1].textContent))"
    values = browser.run(cells)
    assert values == sorted(values, reverse=True) and len(values) == 6
    address = browser.run("document.querySelector('.clips tbody a').getAttribute('href')")
    sample = text(browser, ".clips tbody a")
    page(address.removeprefix("../"))
    assert browser.run("[document.getElementById('a').value, document.getElementById('sample').value]") == [
        "alpha@1.0.0",
        sample,
    ]


def quiet(stage, done, whole):
    pass


@pytest.fixture(scope="module")
def running(board, films, tmp_path_factory):
    """The site of a season that runs."""
    measured = board.standings[0]
    rows = tuple(replace(row, samples={}) for row in measured.rows)
    return site.build(
        Board((replace(measured, rows=rows, hidden=True),)), films, tmp_path_factory.mktemp("running") / "site", quiet
    )


@pytest.mark.parametrize("phone", [False, True])
def test_a_season_that_runs_says_so_on_every_page(browser, running, phone):
    def opened(name):
        browser.call("Page.navigate", url="about:blank")
        place = running.index.as_uri().removesuffix("index.html") + name
        browser.open(place, width=390 if phone else 1280, phone=phone)
        browser.until("document.documentElement.dataset.ready === 'yes'")
        return browser.run("document.body.textContent")

    assert "shown after its reveal" in opened("index.html")
    assert len(browser.run(ROWS)) == 6
    assert "shown after its reveal" in opened("m/alpha@1.0.0.html")
    assert browser.run("document.querySelectorAll('table.clips').length") == 0
    assert browser.run("document.querySelectorAll('table.near tbody tr').length") > 1
    assert "shown after its reveal" in opened("compare.html#a=alpha@1.0.0&b=gamma@1.0.0")
    assert browser.run("document.querySelectorAll('#scatter figure').length") == 0
    assert "not clear" in text(browser, "table.scores") or "is better" in text(browser, "table.scores")
    assert not list(running.index.parent.glob("tables/*/*.csv")) and browser.errors() == []


def test_a_strangers_words_stay_words(page):
    browser = page("m/hostile@1.0.0.html")
    assert browser.run("document.title").startswith("</script><img")
    assert text(browser, "h1") == TITLE
    assert browser.run("document.images.length") == 0
    assert browser.run("[...document.links].every((a) => ['file:', 'https:', 'http:'].includes(a.protocol))")
    assert "javascript:hacked=1" in text(browser, "#method")  # shown, not linked
    assert "constructorof its own" in text(browser, "#method")


def test_of_two_choices_the_later_one_is_shown(page):
    """Also if the data of the first come last."""
    browser = page(f"compare.html#standing={NAME}&a=beta@1.0.0&b=still@1.0.0")
    wanted = text(browser, ".scores")
    page(f"compare.html#standing={NAME}&a=alpha@1.0.0&b=still@1.0.0")
    assert text(browser, ".scores") != wanted
    browser.run("""(async () => {
      const load = board.load, pause = (ms) => new Promise((done) => setTimeout(done, ms));
      let late;
      board.load = async (name) => {
        const found = await load(name);
        if (name.endsWith("rows/few@1.0.0")) await (late = pause(300));
        return found;
      };
      for (const id of ["few", "beta"]) {
        board.at("a").value = `${id}@1.0.0`;
        board.at("a").dispatchEvent(new Event("change"));
        await pause(100);
      }
      await late;
      await pause(100);
    })()""")
    assert text(browser, ".player.a figcaption a") == "Beta" and text(browser, ".scores") == wanted


def test_a_phone_has_numbers_beside_the_names(page):
    browser = page("index.html", width=390, height=844, phone=True)
    number = "document.querySelector('#table tbody td.n').getBoundingClientRect()"
    assert browser.run(f"{number}.width > 0 && {number}.right <= 390")


@pytest.mark.parametrize("name", ["index.html", "compare.html", "m/few@1.0.0.html"])
def test_on_a_phone_in_the_dark(page, name):
    browser = page(name, width=390, height=844, dark=True, phone=True)
    assert browser.run("document.documentElement.scrollWidth") == 390
    colour = "getComputedStyle(document.body).backgroundColor"
    assert browser.run(colour) == "rgb(16, 19, 24)"
    browser.run("document.getElementById('theme').click(), document.getElementById('theme').click()")
    assert browser.run(colour) == "rgb(244, 245, 247)"
    page(name, dark=True)
    assert browser.run(colour) == "rgb(244, 245, 247)"  # as chosen
    browser.run("localStorage.clear()")


@pytest.mark.slow
def test_two_hundred_rows(browser, large, tmp_path):
    """A board of 200 rows x 100 clips is built within a minute of two cores, and sorts in a fifth of a second."""
    before = time.process_time()
    site.build(large, tmp_path / "films", tmp_path / "site", lambda *each: None)
    assert time.process_time() - before < 30
    assert (tmp_path / "site/data" / NAME / "table.js").stat().st_size < 250_000
    browser.call("Performance.enable", timeDomain="threadTicks")  # of its own work, whatever else runs here
    browser.open((tmp_path / "site/index.html").as_uri())
    browser.until("document.documentElement.dataset.ready === 'yes'")
    for name in ("metric_3", "metric_0"):
        start = scripted_s(browser)
        browser.run(f"(document.querySelector('[data-sort={name}]').click(), {DRAWN})")
        assert scripted_s(browser) - start < 0.2
        assert marks(browser)[0][0] == name
    assert len(browser.run(ROWS)) == 200


def scripted_s(browser):
    """Seconds of scripts and of layout so far."""
    found = {each["name"]: each["value"] for each in browser.call("Performance.getMetrics")["metrics"]}
    return found["ScriptDuration"] + found["LayoutDuration"]
