"""The claims of a narrative, looked up by who and when; and how much of them to tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from kinebench.annotate.claim import KeepsMoving, Leaves, Moves, Narrative, Passes, Reacts, Stops, Strikes, Topples

End = Stops | KeepsMoving | Leaves


@dataclass(frozen=True)
class Detail:
    """What is told besides the motions, the collisions, what is pushed where, and who leaves."""

    starts: bool  # where objects start
    passes: bool  # what they go past
    effects: bool  # what a collision does to a body that it does not clearly move
    stops: bool  # where objects stop, or that they still move at the end


@dataclass(frozen=True)
class Plot:
    """A narrative, indexed. A body's phases begin at the start and at each of its collisions."""

    narrative: Narrative
    detail: Detail
    strikes: tuple[Strikes, ...]  # those to tell, in order of time

    @cached_property
    def moves(self) -> dict[int, Moves]:
        """The motions that no collision began, by body."""
        return {claim.body: claim for claim in self.narrative.claims if isinstance(claim, Moves)}

    @cached_property
    def ends(self) -> dict[int, End]:
        """How each body that moves ends."""
        return {claim.body: claim for claim in self.narrative.claims if isinstance(claim, End)}

    @cached_property
    def strike_groups(self) -> list[list[Strikes]]:
        """The collisions in groups that share no body, in order of time within and between them."""
        groups: list[list[Strikes]] = []
        for strike in self.strikes:
            joined = [group for group in groups if any(bodies(strike) & bodies(other) for other in group)]
            groups = [group for group in groups if group not in joined]
            groups.append(sorted([*chain.from_iterable(joined), strike], key=lambda s: s.time_s))
        return sorted(groups, key=lambda group: group[0].time_s)

    def strikes_of(self, body: int) -> list[Strikes]:
        """All collisions of the body, told or not."""
        return [c for c in self.narrative.claims if isinstance(c, Strikes) and body in bodies(c)]

    def next_strike(self, body: int, strike: Strikes | None) -> Strikes | None:
        """The collision that ends the phase that `strike` (None: the start) begins for the body."""
        later = self.strikes_of(body)
        following = later if strike is None else later[later.index(strike) + 1 :]
        return following[0] if following else None

    def reaction(self, body: int, strike: Strikes) -> Reacts | None:
        """What the collision does to the body, if that is to be told."""
        reactions = [claim for claim in self.narrative.claims if isinstance(claim, Reacts)]
        for claim in reactions:
            if (claim.time_s, claim.body) == (strike.time_s, body) and claim.other in bodies(strike):
                return claim if self.detail.effects or claim.effect in ("pushed", "rebounds") else None
        return None

    def topple(self, body: int, strike: Strikes | None) -> Topples | None:
        """The body's fall, if it is in the phase that `strike` (None: the start) begins."""
        return next((c for c in self._phase_claims(body, strike) if isinstance(c, Topples)), None)

    def passed(self, body: int) -> Passes | None:
        """What the body goes past before its first collision, if that is to be told."""
        first = (c for c in self._phase_claims(body, None) if isinstance(c, Passes))
        return next(first, None) if self.detail.passes else None

    def end(self, body: int, strike: Strikes | None) -> End | None:
        """How the body ends, if no collision follows the phase that `strike` begins, and if that is to be told."""
        if self.next_strike(body, strike) is not None:
            return None
        claim = self.ends.get(body)
        return claim if isinstance(claim, Leaves) or self.detail.stops else None

    def _phase_claims(self, body: int, strike: Strikes | None) -> Iterable[Topples | Passes]:
        following = self.next_strike(body, strike)
        for claim in self.narrative.claims:
            if isinstance(claim, Topples | Passes) and claim.body == body:
                begun = strike is None or claim.time_s >= strike.time_s
                if begun and (following is None or claim.time_s < following.time_s):
                    yield claim


def bodies(strike: Strikes) -> set[int]:
    """The two ids of a collision."""
    return {strike.striker, strike.struck}
