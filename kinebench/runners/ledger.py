"""What waits to be made, and what became of the rest: the same rules whatever runs the samples."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

Job = dict[str, Any]
"""Plain values, as `runners.job` reads them; `key` names the sample."""

ATTEMPTS = 3
HOPELESS = 3
"""So many failed samples, and none finished, end the run: the fault is not in the samples."""


class Watch(Protocol):
    """What a runner tells about its work."""

    def begin(self, clips: int, missing: int, frames: int) -> None:
        """So many of all `clips` are to be made, each of so many frames."""

    def frame(self, key: str, done: int, total: int) -> None:
        """A frame of a sample was rendered."""

    def finished(self, key: str) -> None:
        """A sample is in the spool."""

    def failed(self, key: str, attempt: int, message: str) -> None:
        """An attempt at a sample came to nothing."""


@dataclass(frozen=True)
class Outcome:
    """What became of the samples. Those in none of these were not begun, because nothing worked."""

    finished: frozenset[str]
    refused: dict[str, str]  # key -> message; a user's mistake, the same in every attempt
    failed: dict[str, str]  # key -> last message; crashed or raised `ATTEMPTS` times


@dataclass
class Ledger:
    """The state of one run."""

    waiting: deque[Job]
    watch: Watch
    attempts: dict[str, int] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def take(self) -> Job | None:
        """The next job, or None."""
        return self.waiting.popleft() if self.waiting else None

    def settle(self, job: Job, answer: dict[str, Any]) -> None:
        """Note what an attempt came to; see `runners.job.attempt` for the answers."""
        if answer["kind"] == "done":
            self.finished.add(job["key"])
            self.watch.finished(job["key"])
        elif answer["kind"] == "refused":
            self.refused[job["key"]] = answer["message"]
            self.waiting.clear()  # a mistake in the recipe is the same for every sample
        else:
            self.retry(job, answer["message"])

    def retry(self, job: Job, message: str) -> None:
        """An attempt failed: the job waits for another, unless it was the last."""
        key = job["key"]
        self.attempts[key] = self.attempts.get(key, 0) + 1
        self.watch.failed(key, self.attempts[key], message)
        if self.attempts[key] < ATTEMPTS:
            self.waiting.append(job)
            return
        self.failed[key] = message
        if len(self.failed) >= HOPELESS and not self.finished:
            self.waiting.clear()

    @property
    def outcome(self) -> Outcome:
        """What has become of the samples so far."""
        return Outcome(frozenset(self.finished), self.refused, self.failed)
