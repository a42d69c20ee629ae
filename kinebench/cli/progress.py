"""Progress bars with time left, on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from kinebench.runners.ledger import ATTEMPTS


@contextmanager
def progress_bars(shown: bool = True) -> Iterator[Callable[[str, int, int], None]]:
    """A bar per stage on standard error; yields `note(stage, done, whole)`."""
    columns = (TextColumn("{task.description:>8}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    apart = not sys.stdout.isatty()  # else what is printed meanwhile would go to standard error
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=not apart, disable=not shown) as progress:
        tasks: dict[str, TaskID] = {}

        def note(stage: str, done: int, whole: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=whole)
            progress.update(tasks[stage], completed=done, total=whole)

        yield note


class ClipBar:
    """A bar over all clips that moves with every frame; what a runner tells its work to."""

    def __init__(self, progress: Progress) -> None:
        self.ready = 0
        self._progress = progress
        self._partial: dict[str, int] = {}
        self._clips = self._frames = 0
        self._task = TaskID(0)

    def begin(self, clips: int, missing: int, frames: int) -> None:
        """Show the bar; `clips - missing` are there already."""
        self._clips, self.ready, self._frames = clips, clips - missing, frames
        self._task = self._progress.add_task("", total=missing * frames)
        self._refresh()

    def frame(self, key: str, done: int, total: int) -> None:
        """A frame of a sample was rendered."""
        self._partial[key] = done
        self._refresh()

    def finished(self, key: str) -> None:
        """A sample is in the spool."""
        self._partial[key] = self._frames
        self.ready += 1
        self._refresh()

    def failed(self, key: str, attempt: int, message: str) -> None:
        """An attempt at a sample came to nothing: say so at once."""
        self._partial[key] = 0
        last = message.strip().splitlines()[-1]
        self._progress.console.print(f"{key}: attempt {attempt} of {ATTEMPTS} failed: {last}", markup=False)
        self._refresh()

    def _refresh(self) -> None:
        text = f"rendering, {self.ready} of {self._clips} clips ready"
        self._progress.update(self._task, completed=sum(self._partial.values()), description=text)


@contextmanager
def clip_bar() -> Iterator[ClipBar]:
    """The bar of a run that renders; nothing is shown until it begins."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    left = (TextColumn("left"), TimeRemainingColumn())
    # Ray tells of whole clips only, minutes apart: time left is judged by the last ten minutes.
    with Progress(*columns, *left, console=Console(stderr=True), speed_estimate_period=600) as progress:
        yield ClipBar(progress)
