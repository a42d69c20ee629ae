"""What is still to be made, and who is to blame when a worker dies."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kinebench.errors import KineBenchError
from kinebench.methods.protocol.answer import STARTED
from kinebench.methods.protocol.job import Order
from kinebench.methods.protocol.log import Log
from kinebench.methods.task import Failed

ATTEMPTS = 2
"""Of a task at which a worker dies."""
LIFELESS, FRUITLESS = 2, 3
"""So many workers in a row that did not begin with anything, or did not finish anything, end the run."""
_LINES, _FEW_LINES = 20, 6
"""Of the log, in a message that ends a run, and in that of one task."""


@dataclass
class Tally:
    """The orders that have no result yet, in the order of work."""

    waiting: list[Order]
    alive: bool = False  # the present worker has begun with something
    _seen: dict[Order, tuple[str, ...]] = field(default_factory=dict)
    _began_s: dict[Order, float] = field(default_factory=dict)
    _since_s: float = 0.0  # of the last result, or of the launch
    _deaths: Counter[Order] = field(default_factory=Counter)
    _finished: int = 0  # by the present worker
    _whole: int = 0  # by all
    _lifeless: int = 0
    _fruitless: int = 0

    def launch(self) -> None:
        """A new worker begins."""
        self.alive, self._finished, self._since_s = False, 0, time.monotonic()
        self._seen.clear()
        self._began_s.clear()

    def saw(self, order: Order, names: Sequence[str]) -> bool:
        """These files of an order are there; True if they were not before: the worker lives."""
        if self._seen.get(order, ()) == tuple(names):
            return False
        if tuple(names) == (STARTED,):
            self._began_s[order] = time.monotonic()
        self._seen[order] = tuple(names)
        self.alive = True
        return True

    def took_s(self, order: Order) -> float:
        """How long it was in work, as far as that can be seen."""
        return time.monotonic() - self._began_s.get(order, self._since_s)

    def settle(self, order: Order) -> None:
        """There is a result."""
        self.waiting.remove(order)
        self._finished += 1
        self._whole += 1
        self._since_s = time.monotonic()

    def ended(self, how: str, log: Log, by_itself: bool) -> Iterator[Failed]:
        """The worker is gone: who has had attempts enough has failed, the rest waits for the next one.

        Blamed is the task that it had begun with, else the first; if it ended `by_itself`, all that it has left out.
        They come last at the next launch. Raises KineBenchError if that would be no better.
        """
        self._lifeless = 0 if self.alive else self._lifeless + 1
        self._fruitless = 0 if self._finished else self._fruitless + 1
        begun = [order for order in self.waiting if STARTED in self._seen.get(order, ())]
        blamed = begun[:1] or (list(self.waiting) if by_itself else self.waiting[:1])
        self._deaths.update(blamed)
        lost = [order for order in blamed if self._deaths[order] >= ATTEMPTS]
        if blamed and not (lost and self._whole):
            self._give_up(how, log)
        for order in blamed:
            self.waiting.remove(order)
        self.waiting += [order for order in blamed if order not in lost]
        for order in lost:
            said = " | ".join(log.last(_FEW_LINES).splitlines())
            printed = f"its log ends: {said}" if said else "it printed nothing"
            yield Failed(order.task, "model", f"run.py {how}, {self._deaths[order]} times at this task; {printed}")

    def _give_up(self, how: str, log: Log) -> None:
        if self._lifeless >= LIFELESS:
            what = f"{self._lifeless} times in a row it did not begin with anything"
        elif self._fruitless >= FRUITLESS:
            what = f"{self._fruitless} times in a row it did not finish anything"
        else:
            return
        said = log.last(_LINES)
        printed = f"{log.path} ends:\n{said}" if said else "It printed nothing"
        raise KineBenchError(f"run.py comes to nothing: {what}; the last time it {how}. {printed}")
