"""The report of a study: one HTML page that needs no other file and no net, or the same as JSON."""

import json
from dataclasses import asdict
from html import escape
from pathlib import Path

from kinebench import __version__
from kinebench.board.study import chart
from kinebench.board.study.design import CATCH_QUESTION
from kinebench.board.study.findings import Finding, Findings, Preference, Share, Strength
from kinebench.board.study.wording import counted, interval, number, percent
from kinebench.errors import KineBenchError
from kinebench.shards.files import disk_room, write_atomic
from kinebench.template import filled

TEMPLATE = Path(__file__).with_name("report_page.html")
KIND = "kinebench study report"
SUFFIXES = (".html", ".json")


def check_place(out: Path) -> None:
    """Raises KineBenchError if a report cannot be written here."""
    if out.suffix not in SUFFIXES:
        raise KineBenchError(f"--out {out}: a report is a page, .html, or numbers, .json")
    if not out.resolve().parent.is_dir():
        raise KineBenchError(f"--out {out}: there is no folder {out.parent}")


def write(found: Findings, out: Path) -> None:
    """Write .html or .json, as `out` ends. The same findings give the same bytes."""
    check_place(out)
    data = page(found) if out.suffix == ".html" else as_json(found)
    with disk_room("writing the report", out.parent, len(data)):
        write_atomic(out, data)


def as_json(found: Findings) -> bytes:
    """All numbers."""
    plain = {"kind": KIND, "schema_version": 1, "kinebench": __version__, **asdict(found)}
    return json.dumps(plain, indent=2, ensure_ascii=False).encode() + b"\n"


def page(found: Findings) -> bytes:
    """A page for people."""
    fields = {
        "title": escape(f"{', '.join(found.methods)}: which videos people find better"),
        "account": escape(account(found)),
        "findings": "".join(_finding(each) for each in found.findings),
        "people": "".join(f"<li>{escape(line)}</li>" for line in people(found)),
        "foot": escape(f"study {found.study}, KineBench {__version__}"),
    }
    return filled(TEMPLATE.read_text(), fields)


def account(found: Findings) -> str:
    """What was done, in two sentences."""
    return (
        f"{counted(len(found.kept), 'person', 'people')} compared {len(found.methods)} methods in pairs, blinded, and "
        f"gave {counted(found.answers, 'answer')} that count. Each answer prefers one video, or finds no difference."
    )


def people(found: Findings) -> list[str]:
    """Who took part, and who is not counted."""
    rule = (
        f"{found.right_needed} of {found.catch_trials} catch trials must be answered rightly: a moving video against "
        f"one that stands still, by the question of {CATCH_QUESTION}. The rule was fixed with the study."
    )
    lines = [
        f"{counted(len(found.kept), 'participant is', 'participants are')} counted: "
        + ", ".join(f"{count} in group {number}" for number, count in enumerate(found.by_group, 1)),
        f"{counted(len(found.failed), 'participant', 'participants')} failed the catch trials, and "
        f"{len(found.left)} left before enough of them: they are not counted",
        rule,
    ]
    if found.differing:
        lines.append(f"{counted(found.differing, 'answer')} came twice, otherwise: the first one counts")
    return lines


def _finding(found: Finding) -> str:
    agreed = "not defined: too few answers, or all the same" if found.alpha is None else number(found.alpha)
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return (
        f'<section><h2>{escape(found.question.capitalize())}</h2><p class="question">{escape(found.text)}</p>'
        f"{chart.bars(found.preferences)}{_preferences(found.preferences)}"
        f"{_strengths(found.strengths, found.nu)}"
        f"{f'<ul class=notes>{notes}</ul>' if notes else ''}"
        f"<p>Agreement between people, Krippendorff's alpha: <strong>{agreed}</strong></p></section>"
    )


def _preferences(rows: tuple[Preference, ...]) -> str:
    lines = "".join(
        f"<tr><th scope=row>{escape(row.first)}</th><th scope=row>{escape(row.second)}</th>"
        f"{_share(row.prefers_first)}{_share(row.no_difference)}{_share(row.prefers_second)}"
        f"<td class=n>{row.answers}</td></tr>"
        for row in rows
    )
    names = ("first", "second", "first preferred", "no difference", "second preferred", "answers")
    head = "".join(f"<th scope=col{'' if i < 2 else ' class=n'}>{name}</th>" for i, name in enumerate(names))
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _share(share: Share) -> str:
    span = interval(share.low, share.high, percent)
    return f"<td class=n>{percent(share.value)}{f'<small>{span}</small>' if span else ''}</td>"


def _strengths(rows: tuple[Strength, ...], nu: float | None) -> str:
    if not rows:
        return ""
    told = "" if nu is None else f" Between equals, “no difference” has {number(nu)} times the weight of either side."
    return (
        "<h3>Strength</h3><p class=soft>Bradley-Terry with ties (Davidson), in logits around the mean of all methods: "
        f"one more is preferred e = 2.7 times as often as the other.{told}</p>{chart.dots(rows)}"
    )
