"""Reads captions as a person would: English sentences back to who did what, in the order told.

It knows the language and the scene's first frame, nothing of the templates: noun phrases are resolved by name and
by place in the image, verbs by a dictionary, pronouns by what was last spoken of. Words that it cannot account for
are an error, so that nothing is said unchecked. Load it by path (`tests` is no package).
"""

import re
from dataclasses import dataclass

import numpy as np

NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
WAY = (
    r"(?P<way>to the (?:left|right)|towards the (?:top|bottom) (?:left|right)|towards the (?:top|bottom) of the frame"
    r"|towards the (?:back|fore)ground|away from the viewer|towards the viewer)"
)
SPOT = (
    r"(?P<spot>in the (?:top|bottom) (?:left|right) part of the frame"
    r"|in the (?:back|fore)ground(?: on the (?:left|right))?"
    r"|in the center(?: of the frame)?|near the center|on the (?:left|right)(?: side of the frame)?)"
)
WHO = r"(?P<who><[\d,]+>|it\b)"
GRAMMAR = {
    "start": rf"(?:starts|initially positioned) {SPOT}",
    "into": rf"pushing it(?: {WAY})? into {WHO}",
    "collide": (
        r"(?:collides?|bumps?|hits?|strikes?|runs?|crash(?:es)?|slams?|brushes|grazes|clips)\b(?: (?:slightly|gently|"
        rf"firmly|hard|lightly))?(?: (?:with|into|against))?(?: (?:{WHO}|each other))?(?: (?:firmly|hard|lightly))?"
        r"(?P<again> again)?"
    ),
    "meet": r"move towards each other",
    "aim": rf"moves (?:{WAY} )?towards {WHO}",
    "still going": rf"is still moving(?: {WAY})? at the end|keeps moving until the end",
    "push": rf"(?:pushing|moving|knocking|sending|nudging|deflecting) it(?: slightly| spinning)? {WAY}",
    "out": r"and out of the frame",
    "go": (
        r"(?:moves?|continues(?: to move)?|keeps moving|is (?:then )?(?:pushed|deflected|sent spinning)|bounces back"
        rf"|rebounds|shifts|veers off)(?: slightly| a short distance| across the frame)? {WAY}(?: across the frame)?"
        r"(?P<on> until the end)?"
    ),
    "part": r"bounce (?:apart|back)",
    "stop": rf"(?:stops?|comes? to rest|comes? to a stop)(?: next to (?:{WHO}|each other)| {SPOT})?",
    "leave": r"(?:leaves|exits|moves out of) the frame(?: (?P<edge>on the (?:left|right)|at the (?:top|bottom)))?",
    "settle": r"remain (?:stationary|still) after the collision",
    "stand": rf"(?:remains?|stays?) (?:stationary|still)(?: {SPOT})?(?: throughout(?: the (?:sequence|clip))?)?",
    "stay": r"stays in place|barely moves?",
    "turn": r"turning it slightly|making it turn in place|turns (?:in place|slightly on the spot)",
    "pass": rf"(?:passes (?:just )?(?P<side>in front of|behind|close to)|(?P<near>narrowly misses)) {WHO}",
    "fall": (
        r"(?:and )?(?:knocking it over|toppling it|tipping it over)"
        r"|(?:falls|tips|tumbles|topples) over|falls onto its side|rolls"
    ),
    "speaker": r"<[\d,]+>|\bit\b|\bwhich\b|\bthey\b|\bboth objects\b",
}
FILLERS = r"after the collision|meanwhile|eventually|in turn|then|while|and|,|\s"


@dataclass(frozen=True)
class Said:
    """One thing that a caption says."""

    kind: str
    who: tuple[int, ...]
    other: tuple[int, ...] = ()
    way: str | None = None  # as worded
    spot: str | None = None
    detail: str | None = None


class Reader:
    """Reads the captions of one scene."""

    def __init__(self, scene):
        self.scene = scene
        centres, depths = scene.camera.project(np.array([body.position_m for body in scene.bodies]))
        self.across, self.depth = centres[:, 0], depths
        self.ids = {}
        for i, body in enumerate(scene.bodies, 1):
            self.ids.setdefault(f"{body.colour} {body.shape}", []).append(i)

    def read(self, caption):
        """Everything said after the first sentence, in order."""
        said, self.mentioned, self.pair, self.topic = [], set(), (), ()
        for sentence in re.split(r"(?<=\.)\s", caption)[1:]:
            said += self._sentence(sentence[0].lower() + sentence[1:].removesuffix("."))
        return said

    def counts(self, caption):
        """Number of objects by name, as listed in the first sentence, and the total it states (None if it does not)."""
        first = re.split(r"(?<=\.)\s", caption)[0]
        first = first[0].lower() + first[1:]
        found = {}
        for name in sorted(self.ids, key=len, reverse=True):
            for match in re.finditer(rf"\b(\w+) {name}(s?)\b", first):
                assert (match[2] == "s") == (match[1] not in ("a", "an")), first
                found[name] = 1 if match[1] in ("a", "an") else NUMBERS[match[1]]
            first = re.sub(rf"\b\w+ {name}s?\b", "", first)
        total = re.search(r"\b(\w+) (?:objects|3D shapes|cubes of different|cylinders of different)", first)
        return found, NUMBERS[total[1]] if total else None

    def _resolve(self, match):
        """The ids of a noun phrase with "the": by name, then by place at the start."""
        ids = self.ids[match["name"]]
        if match["which"] == "other":
            assert len(ids) == 2, match[0]
            return "other", tuple(ids)
        rows = sorted(ids, key=lambda i: self.across[i - 1])
        near = sorted(ids, key=lambda i: self.depth[i - 1])
        ordinal = {"second": 1, "third": 2, "fourth": 3}
        if match["tag"] == " from the left":
            return "one", (rows[ordinal[match["which"]]],)
        if match["tag"]:
            assert len(ids) == 2, match[0]
            return "one", (rows[0 if match["tag"] == " on the left" else -1],)
        if match["which"]:
            words = {"leftmost": rows[0], "rightmost": rows[-1], "middle": rows[len(rows) // 2]}
            words |= {"nearer": near[0], "farther": near[-1]}
            words |= {"nearest": near[0], "second nearest": near[1], "farthest": near[-1]}
            return "one", (words[match["which"]],)
        assert len(ids) == 1, f"ambiguous: {match[0]}"
        return "one", tuple(ids)

    def _mark(self, sentence):
        """The sentence with its noun phrases replaced by <ids>."""
        everyone = set(range(1, len(self.scene.bodies) + 1))
        names = "|".join(sorted(self.ids, key=len, reverse=True))
        shared = "|".join(name for name, ids in self.ids.items() if len(ids) == 2) or "(?!)"
        many = "|".join(name for name, ids in self.ids.items() if len(ids) > 2) or "(?!)"
        rest = everyone - self.mentioned

        def others(match):
            assert not match[1] or NUMBERS[match[1]] == len(rest), sentence
            return _token(rest)

        def plural(match):
            ids = self.ids[match["name"]]
            assert len(ids) == (2 if match["n"] in ("both", "the two") else NUMBERS[match["n"].split()[-1]]), sentence
            return _token(ids)

        def single(match):
            kind, ids = self._resolve(match)
            return _token(ids) if kind == "one" else f"<other:{','.join(map(str, ids))}>"

        sentence = re.sub(r"\b(?:the other(?: (\w+))?|all other) objects\b", others, sentence)
        sentence = re.sub(r"\ball objects\b", lambda m: _token(everyone), sentence)
        sentence = re.sub(rf"\b(?P<n>both|the two|all \w+) (?P<name>{names})s\b", plural, sentence)
        which = (
            r"(?:(?P<which>leftmost|rightmost|middle|second nearest|nearest|nearer|farthest|farther|other"
            r"|second|third|fourth) )?"
        )
        for tag, group in ((r"(?P<tag> on the left| on the right)", shared), (r"(?P<tag> from the left)", many)):
            sentence = re.sub(rf"\bthe {which}(?P<name>{group}){tag}\b(?! side)", single, sentence)
        sentence = re.sub(rf"\bthe {which}(?P<name>{names})(?P<tag>)\b", single, sentence)
        # "the other white cube": not the one last spoken of.
        while (match := re.search(r"<other:(\d+),(\d+)>", sentence)) is not None:
            before = [i for i in re.findall(r"\d+", sentence[: match.start()]) if i in match.groups()]
            latest = before[-1] if before else str(self.topic[0])
            left = match[2] if latest == match[1] else match[1]
            sentence = sentence[: match.start()] + f"<{left}>" + sentence[match.end() :]
        return re.sub(
            r"<[\d,]+>(?:(?:, <[\d,]+>)+,)? and <[\d,]+>(?! (?!then |move |collide|stop|come|remain|stay|bump|crash))",
            _join,
            sentence,
        )

    def _sentence(self, sentence):
        """What one sentence says. It keeps a subject, the main subject (`head`), and the object last named."""
        marked = self._mark(sentence)
        said, end, target, residue = [], 0, (), marked
        head = subject = ()
        for match in VERBS.finditer(marked):
            kind, groups = _entry(match)
            residue = residue.replace(match[0], " ", 1)
            if kind == "speaker":
                before = tuple(
                    sorted({i for token in re.findall(r"<[\d,]+>", marked[: match.start()]) for i in _ids(token)})
                )
                spoken = {"which": target, "they": before or self.pair, "it": self.topic, "both objects": self.pair}
                subject = spoken.get(match[0]) or _ids(match[0])
                head = head if match[0] == "which" else subject
                continue
            if re.search(r", and (?:is )?then $", marked[end : match.start()]):
                subject = head
            who, other = self._roles(kind, match[0], groups.get("who"), subject, target)
            assert who, f"nobody does {match[0]!r} in {sentence!r}"
            if kind in ("collide", "into"):
                self.pair = (*who, *other)
            if kind in ("collide", "into", "aim", "pass", "stop"):
                target = other or target
            detail = groups.get("again") or groups.get("edge") or groups.get("side")
            said.append(Said(kind, who, other, groups.get("way"), groups.get("spot"), detail))
            end = match.end()
        residue = re.sub(FILLERS, "", residue)
        assert not residue, f"cannot read {residue!r} in {sentence!r} ({marked})"
        self._remember({int(i) for token in re.findall(r"<[\d,]+>", marked) for i in _ids(token)})
        return said

    def _roles(self, kind, words, named, subject, target):
        """Who does it to whom."""
        it = target or tuple(i for i in self.pair if i not in subject)
        other = () if named is None else it if named == "it" else _ids(named)
        if kind == "out" or (kind in ("into", "push", "turn", "fall") and "it" in words.split()):
            return target, other
        if kind == "collide" and named is None:
            assert len(subject) == 2, words
            return subject[:1], subject[1:]
        return subject, other

    def _remember(self, about):
        self.mentioned |= about
        if len(about) == 2:
            self.pair = tuple(about)
        if about:
            self.topic = tuple(about) if len(about) == 1 else ()


def _token(ids):
    return f"<{','.join(map(str, sorted(ids)))}>"


def _ids(token):
    return tuple(int(i) for i in re.findall(r"\d+", token))


def _join(match):
    return _token(re.findall(r"\d+", match[0]))


def _entry(match):
    """The kind of a match of `VERBS`, and its groups by their own names."""
    kind = next(kind for kind in GRAMMAR if match[_own("kind", kind)] is not None)
    found = {name: match.groupdict().get(_own(name, kind)) for name in ("who", "way", "spot", "again", "edge", "side")}
    return kind, found


def _own(name, kind):
    return f"{name}_{kind.replace(' ', '_')}"


def _alternative(kind, pattern):
    """The pattern with its group names made its own, so that all can stand in one alternation."""
    return f"(?P<{_own('kind', kind)}>{re.sub(r'[(][?]P<(.*?)>', lambda m: f'(?P<{_own(m[1], kind)}>', pattern)})"


VERBS = re.compile("|".join(_alternative(kind, pattern) for kind, pattern in GRAMMAR.items()))
