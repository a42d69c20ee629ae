"""The study in a real browser: taken part in to the end by keys and clicks, exported, and read back."""

import json
import threading
from types import SimpleNamespace

import pytest

from kinebench.board.study import answer, ledger, order, server
from kinebench.board.study.design import QUESTIONS

pytestmark = pytest.mark.slow

PLACE = "document.getElementById('place').textContent"
SHOWN = (
    "(async () => { const films = await Promise.all(names(study.current).map(player.load));"
    " return films.map((film) => film.src.split('/').pop().split('.')[0]); })()"
)


@pytest.fixture(scope="module")
def serving(made, tmp_path_factory):
    db = tmp_path_factory.mktemp("db") / "answers.sqlite"
    table = server.desk(made.folder, db)
    listening = server.opened(table, "127.0.0.1", 0)
    port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{port}/", db=db)
    listening.shutdown()
    listening.server_close()
    thread.join(10)
    table.ledger.close()


def click(page, selector):
    """As a person does: into the middle of what is there."""
    script = f"""(() => {{
      const it = document.querySelector({json.dumps(selector)});
      it.scrollIntoView({{block: "center"}});
      const box = it.getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
    }})()"""
    page.mouse(page.run(script))


def begun(page, address, **look):
    page.open(address, **look)
    page.until("!document.getElementById('welcome').hidden")
    click(page, "#begin")


def trial(design, name, participant):
    left, right = design.trials[name].films
    return [right, left] if order.swapped(design.study, participant, name) else [left, right]


def test_a_study_to_its_end(browser, serving, made):
    """By keys and clicks, with a reload in the middle; sides and order are those that Python computes."""
    design, expected = made.design, {}
    names = order.ordered(design.study, "ann", design.of_group(0))
    begun(browser, serving.url + "?participant=ann")
    for number, name in enumerate(names):
        browser.until(f"{PLACE} === 'Pair {number + 1} of {len(names)}' && study.ready === study.current")
        assert browser.run("study.current.name") == name and browser.run(SHOWN) == trial(design, name, "ann")
        assert browser.run("[...document.querySelectorAll('input')].every((each) => each.matches(':disabled'))")
        browser.key("1")
        assert browser.run("document.querySelector(':checked')") is None  # not before the videos have ended
        browser.until("study.unlocked")
        picks = [(number + row) % 3 for row in range(3)]
        if number % 2:
            for row, pick in enumerate(picks):
                click(browser, f"fieldset:nth-of-type({row + 1}) label:nth-of-type({pick + 1})")
            click(browser, "#next")
        else:
            browser.key("r")
            browser.until("!player.playing")
            for pick in picks:
                browser.key(str(pick + 1))
            browser.key("Enter")
        given = dict(zip(QUESTIONS, (("left", "same", "right")[pick] for pick in picks), strict=True))
        expected |= {("ann", name, question): said for question, said in given.items()}
        browser.until(f"{PLACE} !== 'Pair {number + 1} of {len(names)}' || study.current === null")
        if number == 1:
            browser.open(serving.url + "?participant=ann")
            browser.until("document.getElementById('back').textContent.includes('answered 2 of 5')")
            browser.key("Tab")
            browser.key("Enter")
    browser.until("document.getElementById('sent').textContent === 'All your 15 answers are sent.'")
    assert {each.place: each.answer for each in ledger.read(serving.db, design.study)} == expected
    text = browser.run("document.getElementById('text').value")
    assert {each.place: each.answer for each in answer.parse(json.loads(text), design, "export")} == expected
    assert not browser.errors()
    assert all(each.startswith((serving.url, "data:")) for each in browser.requested())


def test_the_export_is_a_file(browser, serving, made, tmp_path):
    """What `ann` downloads at the end, opened again, is what is reported on."""
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.open(serving.url + "?participant=ann")
    browser.until("!document.getElementById('end').hidden")
    click(browser, "#download")
    path = tmp_path / f"answers-{made.design.study}-ann.json"
    for _ in range(200):
        if path.is_file() and path.stat().st_size:
            break
        browser.run("new Promise((done) => setTimeout(done, 50))")
    kept = ledger.read(serving.db, made.design.study)
    assert sorted(answer.read(path, made.design), key=lambda each: each.place) == [
        each for each in kept if each.participant == "ann"
    ]


def test_both_films_are_always_at_the_same_frame(browser, serving):
    """In every step that the browser draws, both canvases show the same frame's place of their sheets."""
    begun(browser, serving.url + "?participant=ben")
    browser.until("study.unlocked")
    frames = browser.run(
        """(async () => {
          const drawn = { left: [], right: [] }, own = CanvasRenderingContext2D.prototype.drawImage;
          CanvasRenderingContext2D.prototype.drawImage = function (image, x, y, ...rest) {
            drawn[this.canvas.id].push([x, y, Math.round(performance.now() / 4)]);
            return own.call(this, image, x, y, ...rest);
          };
          await new Promise((done) => player.play(done));
          CanvasRenderingContext2D.prototype.drawImage = own;
          return drawn;
        })()"""
    )
    places = [(x, y) for x, y, _ in frames["left"]]
    assert places == [(x, y) for x, y, _ in frames["right"]]
    assert places[0] == (0, 0) and places[-1] == (96, 64) and places == sorted(places, key=lambda p: (p[1], p[0]))


def test_answers_wait_for_a_server_that_is_away(browser, serving, made):
    begun(browser, serving.url + "?participant=cal")
    browser.until("study.unlocked")
    browser.call(
        "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    for key in ("2", "2", "2", "Enter"):
        browser.key(key)
    browser.until("document.getElementById('trouble').textContent.includes('kept here, and sent again')")
    assert not [each for each in ledger.read(serving.db, made.design.study) if each.participant == "cal"]
    browser.call(
        "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    browser.until("memory.read().sent === 3")
    found = [each for each in ledger.read(serving.db, made.design.study) if each.participant == "cal"]
    assert [each.answer for each in found] == ["same"] * 3


def test_a_browser_that_is_full_loses_no_answer(browser, serving, made):
    """Full after the first trial: the others are remembered by the page, and sent once."""
    begun(browser, serving.url + "?participant=fay")
    for number in (1, 2):
        browser.until(f"{PLACE} === 'Pair {number} of 5' && study.unlocked")
        for key in ("1", "1", "1", "Enter"):
            browser.key(key)
        browser.until(f"{PLACE} === 'Pair {number + 1} of 5' && memory.read().sent === {3 * number}")
        browser.events.clear()
        browser.run("Storage.prototype.setItem = () => { throw new Error('full'); }; 0")
    assert browser.run("document.getElementById('trouble').textContent") == ""  # the server has them all
    browser.run("new Promise((done) => setTimeout(done, 200))")
    assert not [each for each in browser.requested() if each.endswith("answers")]
    found = [each for each in ledger.read(serving.db, made.design.study) if each.participant == "fay"]
    assert [each.answer for each in found] == ["left"] * 6


def test_as_a_file_it_keeps_answers_and_asks_for_nothing(browser, made):
    """No server: the page plays, unlocks and remembers, and says that the answers are to be sent by hand."""
    browser.events.clear()
    address = (made.folder / "public" / "index.html").as_uri()
    begun(browser, address + "?participant=dee", width=390, height=844, phone=True)
    browser.until("study.unlocked")
    assert browser.run("document.documentElement.scrollWidth <= 390")
    for key in ("1", "2", "3", "Enter"):
        browser.key(key)
    browser.until(f"{PLACE} === 'Pair 2 of 5'")
    browser.open(address + "?participant=dee")
    browser.until("document.getElementById('where').textContent.includes('you download them')")
    assert "answered 1 of 5" in browser.run("document.getElementById('back').textContent")
    assert not browser.errors() and all(each.startswith(("file:", "data:")) for each in browser.requested())


def test_who_wants_no_motion_starts_the_videos_himself(browser, serving):
    browser.open(serving.url + "?participant=eve")
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    browser.until("!document.getElementById('welcome').hidden")
    click(browser, "#begin")
    browser.until("study.ready && study.ready === study.current")
    assert not browser.run("player.playing || study.unlocked")
    browser.key("r")
    browser.until("study.unlocked")


def test_an_id_that_is_none_and_a_stranger(browser, serving):
    browser.open(serving.url + "?participant=a%20b")
    browser.until("!document.getElementById('wrong').hidden")
    browser.open(serving.url)
    browser.until("!document.getElementById('welcome').hidden")
    drawn = browser.run("document.getElementById('participant').textContent")
    assert len(drawn) == 20
    browser.open(serving.url)
    browser.until("!document.getElementById('welcome').hidden")
    assert browser.run("document.getElementById('participant').textContent") == drawn
