"""What a caption has told so far, and the phrases whose telling it remembers."""

from dataclasses import dataclass, field

from kinebench.annotate.claim import KeepsMoving, Stops, Strikes
from kinebench.annotate.plot import End, Plot
from kinebench.annotate.wording import Voice, ending, moving, passing, reacting, toppling, where


@dataclass(frozen=True)
class Sentence:
    """Without its capital and full stop."""

    text: str
    about: frozenset[int]  # the objects it mentions


@dataclass
class Tale:
    """The sentences so far, and what they have told."""

    plot: Plot
    voice: Voice
    sentences: list[Sentence] = field(default_factory=list)
    opened: set[int] = field(default_factory=set)  # bodies whose first motion is told
    struck: set[Strikes] = field(default_factory=set)  # collisions told
    fallen: set[int] = field(default_factory=set)  # bodies whose fall is told
    ended: set[int] = field(default_factory=set)  # bodies whose end is told
    paired: set[frozenset[int | None]] = field(default_factory=set)  # pairs said to stand beside each other
    settled: set[int] = field(default_factory=set)  # bodies said to stay in place

    def add(self, text: str, *subjects: int) -> None:
        """Append a sentence about the subjects and whatever else it refers to."""
        self.sentences.append(Sentence(text, frozenset(subjects) | self.voice.referred(text)))

    @property
    def last_about(self) -> frozenset[int]:
        """The objects that the sentence before mentions."""
        return self.sentences[-1].about if self.sentences else frozenset()

    @property
    def mentioned(self) -> frozenset[int]:
        """The objects mentioned so far."""
        return frozenset().union(*(sentence.about for sentence in self.sentences))

    def subject(self, body: int) -> str:
        """The object as a subject: "it" where the sentence before is about nothing else."""
        return "it" if self.last_about == {body} else self.voice.reference(body)

    def start(self, body: int) -> str | None:
        """Where the body starts, such as "in the center"; now and then, and not if its name says it already."""
        if not self.plot.detail.starts or self.voice.named_by_place(body) or self.voice.chance(0.4):
            return None
        return where(self.voice, self.plot.narrative.thing(body).place)

    def opening(self, body: int, *, aim: bool) -> list[str]:
        """The body's first motion and what happens in it, as verb phrases; both are then told."""
        self.opened.add(body)
        move, passed = self.plot.moves[body], self.plot.passed(body)
        phrases = [moving(self.voice, move, aim=aim)]
        if passed is not None:
            phrases.append(passing(self.voice, passed, it=move.target if aim else None))
        return phrases + self.fall(body, None)

    def fall(self, body: int, strike: Strikes | None) -> list[str]:
        """The body's fall, if it is in the phase that `strike` begins and untold; it is then told."""
        claim = self.plot.topple(body, strike)
        if claim is None or body in self.fallen:
            return []
        self.fallen.add(body)
        return toppling(self.voice, claim)

    def after(self, body: int, strike: Strikes, *, it: int | None, beside: bool = True) -> list[str]:
        """What the body does after the collision until its next one or its end, as verb phrases; both are then told.

        `it` is the object that "it" would mean; `beside` allows to say next to what it ends.
        """
        reaction, end = self.plot.reaction(body, strike), self.plot.end(body, strike)
        fall = self.fall(body, strike)
        phrases = []
        if reaction is not None:
            stopping = reaction.effect == "halts" or (reaction.effect == "continues" and reaction.slight)
            if not (stopping and isinstance(end, Stops) and not fall):
                phrases.append(reacting(self.voice, reaction))
            if reaction.effect == "unmoved":
                self.settled.add(body)
        phrases += fall
        if reaction is not None and phrases and isinstance(end, Stops | KeepsMoving):
            if reaction.slight or reaction.effect == "unmoved":
                self.ended.add(body)
            elif reaction.effect == "continues" and isinstance(end, KeepsMoving):
                self.ended.add(body)
                return [f"{phrases[0]} until the end", *phrases[1:]]
        return phrases + self.end(body, strike, it=it, told=bool(phrases), beside=beside)

    def end(self, body: int, strike: Strikes | None, *, it: int | None, told: bool, beside: bool = True) -> list[str]:
        """How the body ends, as a verb phrase, if that is to be told and untold; it is then told."""
        end = self.plot.end(body, strike)
        return [] if end is None or body in self.ended else [self.finish(end, it=it, told=told, beside=beside)]

    def finish(self, end: End, *, it: int | None = None, told: bool = False, beside: bool = True) -> str:
        """How a body ends; that one stands beside another is said once for the two, and only if `beside`."""
        self.ended.add(end.body)
        mate = end.beside if isinstance(end, Stops) and beside else None
        pair = frozenset((end.body, mate))
        apart = mate is None or pair in self.paired
        if mate is not None:
            self.paired.add(pair)
        return ending(self.voice, end, it=it, told=told, apart=apart)
