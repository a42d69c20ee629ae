"""The sentences of a collision: who strikes whom, what comes of it, and what it leads to."""

from kinebench.annotate.claim import Leaves, Reacts, Strikes
from kinebench.annotate.tale import Tale
from kinebench.annotate.wording import (
    both,
    colliding,
    colliding_together,
    eventually,
    listed,
    pushing,
    reacting,
    then,
    whither,
)


def tell_strike(tale: Tale, strike: Strikes, *, meanwhile: bool) -> None:
    """A collision and what comes of it, in one to three sentences."""
    tale.struck.add(strike)
    _tell_openings(tale, strike)
    if strike.mutual:
        _tell_mutual(tale, strike)
        return
    voice, plot, striker, struck = tale.voice, tale.plot, strike.striker, strike.struck
    subject = f"{'meanwhile, ' if meanwhile and voice.chance(0.6) else ''}{tale.subject(striker)}"
    known = striker in tale.mentioned
    phrases, aimed = _approach(tale, strike)
    name = "it" if aimed else voice.reference(struck, striker)
    hit = _timed(tale, strike, colliding(voice, strike, name), fresh=bool(phrases) or meanwhile or not known)
    consequence, chained = _consequence(tale, strike, trailing=hit.endswith(name) and not aimed)
    head = f"{subject} {listed([*phrases, hit])}" + (f", {consequence}" if consequence else "")
    inert = plot.reaction(struck, strike) is None and plot.topple(struck, strike) is None
    relative = consequence.startswith("which")
    following = None if chained or relative or not (consequence or inert) else _following(tale, strike)
    if following is not None and following.striker == striker and voice.chance(0.7):
        _tell_sequel(tale, head, following, it=struck)
        return
    after = [] if chained else tale.after(striker, strike, it=struck)
    if consequence and after and len(phrases) + len(after) < 3 and not relative and voice.chance(0.4):
        tale.add(f"{head}, and {then(after[0])}", striker, struck)
    elif consequence:
        tale.add(head, striker, struck)
        if after:
            outcome = listed(after) if hit.startswith("then") else then(listed(after))
            tale.add(f"{voice.reference(striker)} {outcome}", striker)
    elif inert and after and len(phrases) + len(after) < 4 and voice.chance(0.7):
        tale.add(f"{subject} {listed([*phrases, hit, *after])}", striker, struck)
    else:
        tale.add(head, striker, struck)
        _tell_outcome(tale, strike, after)


def _timed(tale: Tale, strike: Strikes, hit: str, *, fresh: bool) -> str:
    """The verb phrase with a word for when; `fresh` says that the sentence has begun the striker's tale itself."""
    earlier = tale.struck - {strike}
    if not earlier:
        return eventually(tale.voice, strike.time_s, hit)
    if fresh or tale.voice.chance(0.2):
        return hit
    domino = any(other.struck == strike.striker for other in earlier)
    return f"{'in turn' if domino and tale.voice.chance(0.5) else 'then'} {hit}"


def _tell_openings(tale: Tale, strike: Strikes) -> None:
    """First motions that the collision's own sentence will not tell: not the striker's, or not up to this collision."""
    for body in (strike.striker, strike.struck):
        own = body == strike.striker and not strike.mutual and tale.plot.next_strike(body, None) == strike
        if body in tale.plot.moves and body not in tale.opened and not own:
            tale.add(f"{tale.voice.reference(body)} {listed(tale.opening(body, aim=False))}", body)


def _approach(tale: Tale, strike: Strikes) -> tuple[list[str], bool]:
    """What the striker does up to the collision, as verb phrases; and whether they name the one it strikes last."""
    plot, voice, body = tale.plot, tale.voice, strike.striker
    move = plot.moves.get(body)
    if move is None or plot.next_strike(body, None) != strike:
        return [], False
    if body in tale.opened:
        return [f"continues to move {whither(voice, move.direction)}"] if voice.chance(0.3) else [], False
    aimed = move.target == strike.struck and voice.chance(0.6) and plot.passed(body) is None
    phrases = tale.opening(body, aim=aimed)
    start = None if aimed else tale.start(body)
    return ([f"starts {start}"] if start else []) + phrases, aimed


def _consequence(tale: Tale, strike: Strikes, *, trailing: bool) -> tuple[str, bool]:
    """What the collision does to the struck body, to follow a comma; and whether that runs into its next collision.

    `trailing` says that the sentence so far ends with the struck body's name, so that "which" can follow. Empty where
    the consequence is better told in a sentence of its own.
    """
    voice, plot, struck = tale.voice, tale.plot, strike.struck
    reaction, fall = plot.reaction(struck, strike), plot.topple(struck, strike)
    chain = _following(tale, strike) if fall is None else None
    if chain is not None and chain.striker == struck and voice.chance(0.6):
        return _chained(tale, chain, reaction, trailing=trailing), True
    participle = pushing(voice, reaction, strike) if reaction is not None else None
    leaving = isinstance(plot.end(struck, strike), Leaves)
    if participle is not None and voice.chance(0.6):
        if fall is not None:
            tale.fallen.add(struck)
            participle += f" and {voice.pick('toppling it', 'tipping it over')}"
        elif leaving and reaction is not None and reaction.effect == "pushed":
            participle += " and out of the frame"
            tale.ended.add(struck)
        return participle, False
    if reaction is None and fall is not None:
        tale.fallen.add(struck)
        return "knocking it over", False
    if trailing and (reaction is not None or leaving) and voice.chance(0.6):
        # That the two end side by side is left for the striker, whose end is told after.
        return f"which {listed(tale.after(struck, strike, it=None, beside=False))}", False
    return "", False


def _following(tale: Tale, strike: Strikes) -> Strikes | None:
    """The next collision to tell, if it can follow in the same sentence: one runs into another, and all are known."""
    later = [s for s in tale.plot.strikes if s.time_s >= strike.time_s and s != strike]
    if not later or later[0] in tale.struck or later[0].mutual:
        return None
    return later[0] if later[0].struck not in tale.plot.moves.keys() - tale.opened else None


def _chained(tale: Tale, following: Strikes, reaction: Reacts | None, *, trailing: bool) -> str:
    """Two collisions in one breath: "pushing it into the green cube", "which in turn hits the green cube"."""
    voice, plot, third = tale.voice, tale.plot, following.struck
    tale.struck.add(following)
    path = f" {whither(voice, reaction.direction)}" if reaction and reaction.direction and voice.chance(0.5) else ""
    effect = plot.reaction(third, following)
    participle = pushing(voice, effect, following) if effect is not None else None
    reference = voice.reference(third, following.striker)
    if participle is None or not trailing:
        return f"pushing it{path} into {reference}"
    moved = [reacting(voice, reaction)] if reaction is not None else []
    return f"which {listed([*moved, f'in turn {colliding(voice, following, reference)}'])}, {participle}"


def _tell_sequel(tale: Tale, head: str, following: Strikes, *, it: int) -> None:
    """A sentence of two collisions by the same striker, and what comes of the second; `it` is struck in the first."""
    voice, plot, striker, third = tale.voice, tale.plot, following.striker, following.struck
    tale.struck.add(following)
    reaction = plot.reaction(third, following)
    participle = pushing(voice, reaction, following) if reaction is not None else None
    hit = colliding(voice, following, "it" if third == it else voice.reference(third, striker))
    tale.add(f"{head}, and then {hit}" + (f", {participle}" if participle else ""), striker)
    after = tale.after(striker, following, it=None)
    if after:
        tale.add(f"{voice.reference(striker)} {listed(after)}", striker)


def _tell_outcome(tale: Tale, strike: Strikes, striker_after: list[str]) -> None:
    """After the sentence of a collision: what becomes of the two, in a sentence."""
    voice, striker, struck = tale.voice, strike.striker, strike.struck
    halts, stays = tale.plot.reaction(striker, strike), tale.plot.reaction(struck, strike)
    struck_after = tale.after(struck, strike, it=None)
    if stays is not None and stays.effect == "unmoved":
        tale.settled.add(struck)
    if halts and stays and (halts.effect, stays.effect) == ("halts", "unmoved") and voice.chance(0.6):
        pair = both(voice, [striker, struck]) if voice.chance(0.5) else "both objects"
        tale.add(f"{pair} {voice.pick('remain stationary', 'remain still')} after the collision", striker, struck)
    elif struck_after and striker_after:
        opening = voice.pick("after the collision, ", "")
        text = f"{voice.reference(struck)} {listed(struck_after)}, while {voice.reference(striker)} "
        tale.add(f"{opening}{text}{listed(striker_after)}", striker, struck)
    elif struck_after:
        tale.add(f"{voice.pick('after the collision, ', '')}{voice.reference(struck)} {listed(struck_after)}", struck)
    elif striker_after:
        tale.add(f"{voice.reference(striker)} {then(listed(striker_after))}", striker)


def _tell_mutual(tale: Tale, strike: Strikes) -> None:
    """A collision in which each runs at the other."""
    voice, plot, pair = tale.voice, tale.plot, [strike.striker, strike.struck]
    phrases = [colliding_together(voice, strike)]
    if tale.last_about != set(pair):
        subject = both(voice, pair)
        phrases = [then(phrases[0])] if tale.mentioned and voice.chance(0.4) else phrases
    elif tale.sentences[-1].text.endswith(" move towards each other"):
        subject = tale.sentences.pop().text.removesuffix(" move towards each other")
        phrases = ["move towards each other", colliding_together(voice, strike, each_other=False)]
    else:
        subject = "they"
    if all(plot.next_strike(body, strike) is None for body in pair):
        reactions = [plot.reaction(body, strike) for body in pair]
        effects = {reaction.effect if reaction else None for reaction in reactions}
        if effects == {"rebounds"}:
            tale.add(f"{subject} {listed([*phrases, voice.pick('bounce apart', 'bounce back')])}", *pair)
            return
        if effects == {"halts"}:
            tale.ended |= set(pair)
            tale.add(f"{subject} {listed([*phrases, voice.pick('stop', 'come to a stop')])}", *pair)
            return
    tale.add(f"{subject} {listed(phrases)}", *pair)
    after = [(body, tale.after(body, strike, it=None)) for body in pair]
    told = [f"{voice.reference(body)} {listed(verbs)}" for body, verbs in after if verbs]
    if told:
        tale.add(voice.pick("after the collision, ", "") + ", while ".join(told), *(b for b, verbs in after if verbs))
