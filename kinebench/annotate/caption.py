"""Narrative -> English: captions in the register of the paper's (appendix A.2), saying only what is claimed.

The first sentence sets the ground and the objects, then comes the story, then who remains stationary. No speeds, no
friction, no angles, no sounds.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from kinebench.annotate.claim import Narrative, Strikes, Thing
from kinebench.annotate.narrative import narrate
from kinebench.annotate.plot import Detail, Plot
from kinebench.annotate.story import tell
from kinebench.annotate.tale import Tale
from kinebench.annotate.wording import VERTICALS, Voice, both, counted, listed, number, where, with_article
from kinebench.physics.rollout import Rollout
from kinebench.scene.sampler import caption_rng
from kinebench.scene.scene import Scene

C0 = "An object moving on a surface"
"""The prompt that tells nothing: the paper's c_0."""
WORDS_AIMED = 95  # detail is dropped above this
WORDS_MAX = 140  # collisions are dropped, the weakest first, above this
SENTENCES_MAX = 6
DETAILS = (
    Detail(starts=True, passes=True, effects=True, stops=True),
    Detail(starts=False, passes=True, effects=True, stops=True),
    Detail(starts=False, passes=False, effects=True, stops=False),
    Detail(starts=False, passes=False, effects=False, stops=False),
)
_GRADES = {"hard": 3, "firm": 2, "plain": 1, "slight": 0}


def captions(scene: Scene, rollout: Rollout) -> dict[str, str]:
    """Both captions of a clip: `c0`, which tells nothing, and `c`, in words that the scene's own generator chooses."""
    return {"c0": C0, "c": caption(narrate(scene, rollout), caption_rng(scene))}


def caption(narrative: Narrative, rng: np.random.Generator, details: tuple[Detail, ...] = DETAILS) -> str:
    """An English caption of 2 to 6 sentences; equal narratives and generator states give equal captions.

    `details` are tried in their order until one gives no more than `WORDS_AIMED` words.
    """
    strikes = tuple(claim for claim in narrative.claims if isinstance(claim, Strikes))
    for detail in details:
        text = _draft(narrative, rng, detail, strikes)
        if _fits(text, WORDS_AIMED):
            return text
    while not _fits(text, WORDS_MAX) and strikes:
        weakest = min(strikes, key=lambda strike: (_GRADES[strike.strength], -strike.time_s))
        strikes = tuple(strike for strike in strikes if strike != weakest)
        text = _draft(narrative, rng, details[-1], strikes)
    return text


def _fits(text: str, words: int) -> bool:
    return len(text.split()) <= words and text.count(".") <= SENTENCES_MAX


def _draft(narrative: Narrative, rng: np.random.Generator, detail: Detail, strikes: tuple[Strikes, ...]) -> str:
    voice = Voice(narrative, rng, VERTICALS[int(rng.integers(len(VERTICALS)))])
    placed = voice.chance(0.1) and _can_be_placed(narrative)
    opening = _placed_intro(voice) if placed else _intro(voice)
    tale = tell(Plot(narrative, replace(detail, starts=detail.starts and not placed), strikes), voice)
    sentences = [opening, *_merged([sentence.text for sentence in tale.sentences]), *_stationary(voice, tale)]
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in sentences)


def _merged(sentences: list[str]) -> list[str]:
    """The sentences of the story, the shortest neighbours joined where there are too many."""
    while len(sentences) > SENTENCES_MAX - 2:
        lengths = [len(a) + len(b) for a, b in pairwise(sentences)]
        i = lengths.index(min(lengths))
        first, second = sentences[i : i + 2]
        joined = f"{first} and {second[3:]}" if second.startswith("it ") else f"{first}, and {second}"
        sentences = [*sentences[:i], joined, *sentences[i + 2 :]]
    return sentences


def _intro(voice: Voice) -> str:
    """The first sentence: the ground and all objects."""
    things, ground = voice.narrative.things, voice.narrative.ground
    if not things:
        return f"the scene shows {ground}"
    ordered = list(things)
    if voice.chance(0.4):
        ordered.sort(key=lambda thing: not thing.driven)
    names = [thing.name for thing in ordered]
    if len(things) == 1:
        one = with_article(names[0])
        return voice.pick(f"on {ground}, there is {one}", f"{one} is on {ground}", f"the scene shows {one} on {ground}")
    if len({thing.shape for thing in things}) == 1 and len({thing.colour for thing in things}) == len(things):
        colours = listed([thing.colour for thing in ordered])
        many = f"{number(len(things))} {things[0].shape}s of different colors ({colours})"
        return voice.pick(f"{many} are on {ground}", f"on {ground}, there are {many}", f"there are {many} on {ground}")
    if len(set(names)) == 1:
        many = counted(names)[0]
        return voice.pick(f"on {ground}, there are {many}", f"{many} are on {ground}", f"there are {many} on {ground}")
    objects, items = f"{number(len(things))} {voice.pick('objects', 'objects', '3D shapes')}", listed(counted(names))
    setting = f"the scene consists of {objects} on {ground}: {items}"
    if " with " not in ground:
        setting = voice.pick(setting, f"the scene is set on {ground} with {objects}: {items}")
    return voice.pick(
        setting,
        f"on {ground}, there are {objects}: {items}",
        f"on {ground}, there are {items}",
        f"{items} {voice.pick('are', 'stand', 'are placed')} on {ground}",
        f"there are {objects} on {ground}: {items}",
        f"the scene shows {items} on {ground}",
    )


def _can_be_placed(narrative: Narrative) -> bool:
    """Whether few objects stand in places of their own, so that a list of names with places reads well."""
    names, places = [{getattr(t, key) for t in narrative.things} for key in ("name", "place")]
    return 1 < len(narrative.things) <= 4 and len(names) == len(places) == len(narrative.things)


def _placed_intro(voice: Voice) -> str:
    """The first sentence, with the place of each object."""
    items = [f"{with_article(thing.name)} {where(voice, thing.place, short=True)}" for thing in voice.narrative.things]
    return f"on {voice.narrative.ground}, there are {listed(items)}"


def _stationary(voice: Voice, tale: Tale) -> list[str]:
    """The last sentence: who never moves; empty if everything does."""
    things, still = voice.narrative.things, [i for i in voice.narrative.stationary if i not in tale.settled]
    if not still:
        return [] if tale.sentences or not things else [_barely(things)]
    for_long = voice.pick(" throughout the sequence", " throughout the clip", " throughout", "")
    remain, still_word = voice.pick(("remain", "stationary"), ("remain", "stationary"), ("stay", "still"))
    others = {thing.id for thing in things} - tale.mentioned
    if len(still) == len(things):
        return ["all objects remain stationary" if len(still) > 1 else "it remains stationary"]
    if others == set(still) and len(still) > 1 and voice.chance(0.5):
        rest = voice.pick("the other objects", f"the other {number(len(still))} objects", "all other objects")
        return [f"{rest} {remain} {still_word}{for_long}"]
    subject = both(voice, still)
    if len(still) > 1:
        return [f"{subject} {remain} {still_word}{for_long}"]
    place = where(voice, voice.narrative.thing(still[0]).place)
    at = f" {place}" if not voice.named_by_place(still[0]) and voice.chance(0.4) else for_long
    return [f"{subject} {remain}s {still_word}{at}"]


def _barely(things: tuple[Thing, ...]) -> str:
    return "the objects barely move" if len(things) > 1 else "it barely moves"
