"""From answers to numbers: who is counted, shares and their intervals, agreement, and the pages of it."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from kinebench.board.study import findings as module
from kinebench.board.study import report, resample
from kinebench.board.study.agreement import alpha
from kinebench.board.study.attendance import attendance
from kinebench.board.study.design import design
from kinebench.board.study.findings import findings
from kinebench.errors import KineBenchError

CLIPS = {f"clip_{number:02d}": 10.0 + number for number in range(30)}
MADE = design("abc123", ["left_out", "middle", "top"], CLIPS, 10, 2)
RANK = {"left_out": 0, "middle": 1, "top": 2}


def better(films, question):
    return max(films, key=lambda film: RANK[MADE.films[film].of])


def of_chance(seed):
    rng = np.random.default_rng(seed)
    return lambda films, question: [*films, None][rng.integers(3)]


def test_alpha_of_krippendorffs_own_example():
    """Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units, holes; 0.743."""
    observers = ["123321412...", "1233224125.3", ".3332342251.", "1233244125 1.".replace(" ", "")]
    units = np.zeros((12, 5))
    for row in observers:
        for unit, value in enumerate(row):
            if value != ".":
                units[unit, int(value) - 1] += 1
    assert alpha(units) == pytest.approx(0.743, abs=0.0005)


def test_alpha_of_two_observers_in_closed_form():
    """Two observers, ten units of zeros and ones, as in the same paper's section A: 0.095."""
    one, two = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    units = np.zeros((10, 2))
    for unit, values in enumerate(zip(one, two, strict=True)):
        for value in values:
            units[unit, value] += 1
    assert alpha(units) == pytest.approx(0.095, abs=0.0005)


def test_alpha_at_its_ends():
    assert alpha(np.array([[3.0, 0], [0, 4.0]])) == 1
    assert alpha(np.array([[3.0, 0], [4.0, 0]])) is None  # nothing to disagree about
    assert alpha(np.array([[1.0, 0], [0, 1.0]])) is None  # no unit has two
    rng = np.random.default_rng(1)
    assert abs(alpha(rng.multinomial(6, [0.3, 0.3, 0.4], 4000).astype(float))) < 0.03


def test_who_fails_or_leaves_is_counted_and_not_heard(answering):
    people = {f"good{n}": answering(MADE, f"good{n}", better) for n in range(4)}
    people["careless"] = answering(MADE, "careless", lambda films, question: films[0], wrong=1)
    early = answering(MADE, "early", better)
    first = next(row for row, each in enumerate(early) if MADE.trials[each.trial].right)
    people["early"] = early[: first + 3]
    found = findings(MADE, [each for answers in people.values() for each in answers])
    assert (len(MADE.catches), MADE.needed) == (3, 3)
    assert (found.kept, found.failed, found.left) == (tuple(f"good{n}" for n in range(4)), ("careless",), ("early",))
    assert found.answers == 4 * 5 * 3 * 3 and sum(found.by_group) == 4
    for each in found.findings:
        assert [(row.prefers_first.value, row.prefers_second.value) for row in each.preferences] == [(0, 1)] * 3
        assert [row.method for row in each.strengths] == ["top", "middle", "left_out"]
        assert all(row.low is None for row in each.strengths)
        assert "no answer prefers middle to top, directly or through others" in each.notes
        assert each.alpha == 1


def test_sides_are_undone(answering):
    """Whoever prefers the left one whatever it shows prefers nothing."""
    given = [each for n in range(40) for each in answering(MADE, f"p{n}", lambda films, question: films[0])]
    for each in findings(MADE, given).findings:
        for row in each.preferences:
            assert row.prefers_first.low < 0.5 < row.prefers_first.high and row.no_difference.value == 0


def test_the_first_of_two_answers_counts(answering):
    good = answering(MADE, "ann", better)
    other = [type(each)(each.participant, each.trial, each.question, "same") for each in good]
    there = attendance(MADE, [*good, *good, *other])
    assert there.differing == len(good) and list(there.answers) == sorted(good, key=lambda each: each.place)


def test_intervals_are_over_people_and_not_over_answers(answering):
    """Ten people who each say one thing throughout: the spread of a share is that of ten answers."""

    def stubborn(number):
        return better if number % 2 else (lambda films, question: min(films, key=lambda f: RANK[MADE.films[f].of]))

    found = findings(MADE, [each for n in range(10) for each in answering(MADE, f"p{n}", stubborn(n))])
    share = found.findings[0].preferences[0].prefers_first
    assert share.value == 0.5 and share.high - share.low == pytest.approx(0.6, abs=0.11)


def test_intervals_cover(answering):
    """Of 200 simulated studies, the true share is in about 95 %: at 25 people, percentile intervals are a bit short."""
    rng = np.random.default_rng(3)
    inside, drawn = [], resample.weights(25, "coverage")[:2000]
    for _ in range(200):
        each = rng.beta(4, 2, 25)  # of each person, how often he prefers the first
        counts = np.stack([rng.binomial(12, each), np.zeros(25), np.zeros(25)], axis=1)
        counts[:, 2] = 12 - counts[:, 0]
        whole = counts.sum(axis=0)
        share = module._share(whole, resample.totals(drawn, counts), 0)
        inside.append(share.low <= 4 / 6 <= share.high)
    assert 0.88 <= np.mean(inside) <= 0.98


def test_the_same_answers_give_the_same_bytes(answering):
    given = [each for n in range(5) for each in answering(MADE, f"p{n}", of_chance(n))]
    one, two = (findings(MADE, answers) for answers in (given, given[::-1]))
    assert report.as_json(one) == report.as_json(two) and report.page(one) == report.page(two)


def test_nobody_one_person_and_no_common_scale(answering):
    nobody = findings(MADE, [])
    assert nobody.findings[0].notes == ("nobody answered",) and nobody.findings[0].preferences[0].answers == 0
    one = findings(MADE, answering(MADE, "ann", of_chance(1)))
    assert one.findings[0].preferences[0].prefers_first.low is None and one.findings[0].strengths
    caught = set(MADE.catches)
    two = {"left_out", "middle"}
    some = [
        each
        for n in range(6)
        for each in answering(MADE, f"p{n}", of_chance(n))
        if each.trial in caught or {MADE.films[film].of for film in MADE.trials[each.trial].films} == two
    ]
    apart = findings(MADE, some).findings[0]
    assert not apart.strengths and "left_out, middle; top" in apart.notes[0]
    for found in (nobody, one, findings(MADE, some)):
        assert not any("nan" in text.split() for text in Page(report.page(found).decode()).texts)
        assert b"NaN" not in report.as_json(found)


class Page(HTMLParser):
    """Texts of a page, and addresses that it asks for."""

    def __init__(self, data):
        super().__init__()
        self.texts, self.asked = [], []
        self.feed(data)

    def handle_data(self, data):
        self.texts.append(data)

    def handle_starttag(self, tag, attributes):
        self.asked += [value for name, value in attributes if name in ("src", "href")]


def test_the_page_says_what_the_numbers_say(answering, tmp_path):
    found = findings(MADE, [each for n in range(12) for each in answering(MADE, f"p{n}", of_chance(n))])
    report.write(found, tmp_path / "report.html")
    report.write(found, tmp_path / "report.json")
    page = Page((tmp_path / "report.html").read_text())
    assert not page.asked
    text = " ".join(page.texts)
    said = json.loads((tmp_path / "report.json").read_text())
    assert said["kind"] == "kinebench study report" and said["kept"] == sorted(f"p{n}" for n in range(12))
    for finding in said["findings"]:
        assert finding["text"] in text
        for row in finding["preferences"]:
            assert f"{100 * row['prefers_first']['value']:.0f} %" in text
    with pytest.raises(KineBenchError, match=r"a page, \.html, or numbers, \.json"):
        report.write(found, tmp_path / "report.pdf")
