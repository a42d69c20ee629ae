"""The middle of a caption: who moves, who strikes whom, what comes of it, and how each ends."""

from kinebench.annotate.claim import Leaves, Stops
from kinebench.annotate.impact import tell_strike
from kinebench.annotate.plot import End, Plot, bodies
from kinebench.annotate.tale import Tale
from kinebench.annotate.wording import Voice, both, eventually, listed, moving, moving_together, passing, where


def tell(plot: Plot, voice: Voice) -> Tale:
    """The story of the plot."""
    tale = Tale(plot, voice)
    groups = plot.strike_groups
    lone = [body for body in plot.moves if not any(body in bodies(strike) for strike in plot.strikes)]
    tangled = any(len(plot.moves.keys() & set().union(*map(bodies, group))) > 1 for group in groups)
    together = len(plot.moves) > 1 and (tangled or voice.chance(0.5))
    if together:
        _open_together(tale, list(plot.moves))
        groups = [list(plot.strikes)]
    for index, group in enumerate(groups):
        for strike in group:
            if strike not in tale.struck:
                tell_strike(tale, strike, meanwhile=index > 0 and strike is group[0])
        if not together:
            _tell_ends(tale, set().union(*map(bodies, group)))
    for body in lone:
        _tell_lone(tale, body)
    _tell_ends(tale, set(plot.ends))
    return tale


def _open_together(tale: Tale, movers: list[int]) -> None:
    """One sentence for the first motions of two or more objects."""
    voice, moves = tale.voice, tale.plot.moves
    tale.opened |= set(movers)
    first = moves[movers[0]]
    if len(movers) == 2 and first.target == movers[1] and moves[movers[1]].target == movers[0]:
        tale.add(f"{both(voice, movers)} move towards each other", *movers)
        return
    if len({(moves[m].direction, moves[m].extent == "slight") for m in movers}) == 1:
        tale.add(f"{both(voice, movers)} {moving_together(voice, first)}", *movers)
        return
    clauses = []
    for rank, body in enumerate(movers):
        phrase = moving(voice, moves[body], aim=False)
        start = tale.start(body) if rank == 0 or voice.chance(0.3) else None
        clauses.append(f"{voice.reference(body)} {f'starts {start} and ' if start else ''}{phrase}")
    tale.add(voice.pick(", while ", ", and ").join(clauses) if len(clauses) == 2 else listed(clauses), *movers)


def _tell_lone(tale: Tale, body: int) -> None:
    """The whole tale of a body that collides with nothing, or what the opening has left untold of it."""
    voice, plot = tale.voice, tale.plot
    subject = tale.subject(body)
    if body not in tale.opened:
        phrases = tale.opening(body, aim=True)
        start = tale.start(body)
        if start and voice.chance(0.5):
            phrases.insert(0, f"starts {start}")
        elif start and subject != "it":
            subject += f", initially positioned {start},"
    else:
        passed = plot.passed(body)
        phrases = [passing(voice, passed)] if passed is not None else []
        phrases += tale.fall(body, None)
    if phrases:
        end = tale.end(body, None, it=None, told=True)
        if isinstance(plot.ends.get(body), Stops):
            end = [eventually(voice, plot.ends[body].time_s, phrase) for phrase in end]
        meanwhile = "meanwhile, " if tale.struck and voice.chance(0.3) else ""
        tale.add(f"{meanwhile}{subject} {listed([*phrases, *end])}", body)


def _tell_ends(tale: Tale, among: set[int]) -> None:
    """The ends of these bodies that are still untold, two in a sentence."""
    voice = tale.voice
    ends = _untold_ends(tale, among)
    for body in list(ends):
        mate = getattr(ends.get(body), "beside", None)
        if mate in ends and getattr(ends[mate], "beside", None) == body:
            pair = both(voice, [body, mate])
            tale.add(f"{pair} {voice.pick('come to rest', 'stop')} next to each other", body, mate)
            tale.ended |= {body, mate}
            del ends[body], ends[mate]
    items = list(ends.items())
    for (body, end), *more in (items[i : i + 2] for i in range(0, len(items), 2)):
        if more and isinstance(end, Stops) and _alike(end, more[0][1]):
            pair = both(voice, [body, more[0][0]])
            tale.add(f"{pair} {voice.pick('come to rest', 'stop')} {where(voice, end.place)}", body, more[0][0])
            tale.ended |= {body, more[0][0]}
            continue
        clauses = [f"{tale.subject(body)} {listed([*_late_fall(tale, body), tale.finish(end)])}"]
        clauses += [f"{voice.reference(b)} {listed([*_late_fall(tale, b), tale.finish(e)])}" for b, e in more]
        tale.add(voice.pick(", while ", ", and ").join(clauses), body, *(b for b, _ in more))
    for body in sorted(among - tale.fallen):
        if body in tale.mentioned and (fall := _late_fall(tale, body)):
            tale.add(f"{tale.subject(body)} {listed(fall)}", body)


def _untold_ends(tale: Tale, among: set[int]) -> dict[int, End]:
    """The ends that are worth a sentence, of bodies that the tale has mentioned."""
    plot, found = tale.plot, {}
    for body in plot.ends:
        if body in among - tale.ended and body in tale.mentioned:
            strikes = plot.strikes_of(body)
            end = plot.end(body, strikes[-1] if strikes else None)
            if isinstance(end, Leaves) or (end is not None and not _dull(plot, body)):
                found[body] = end
    return found


def _alike(a: Stops, b: End) -> bool:
    """Whether two bodies stop in the same part of the image, next to nothing."""
    return isinstance(b, Stops) and a.place == b.place and a.beside is None and b.beside is None


def _late_fall(tale: Tale, body: int) -> list[str]:
    """The body's fall, if nothing has told it yet."""
    strikes = tale.plot.strikes_of(body)
    return [phrase for strike in [None, *strikes] for phrase in tale.fall(body, strike)]


def _dull(plot: Plot, body: int) -> bool:
    """Whether the end of a body that was only pushed a little is not worth a sentence."""
    strikes = plot.strikes_of(body)
    reaction = plot.reaction(body, strikes[-1]) if strikes else None
    return body not in plot.moves and (reaction is None or reaction.slight)
