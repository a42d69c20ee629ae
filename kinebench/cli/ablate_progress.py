"""How far an ablation is: a bar over all of it and one for each task, or a line each where there is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from kinebench.cli.ablate_tables import KINDS, duration
from kinebench.cli.printable import printable

if TYPE_CHECKING:
    from kinebench.ablations.executor import Moment
    from kinebench.ablations.foresight import Doing


class Bars:
    """What an execution is told to."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lines = not progress.console.is_terminal
        self._tasks: dict[str, TaskID] = {}
        self._all: TaskID | None = None

    def note(self, moment: "Moment") -> None:
        """Show how far all is, and what has ended."""
        self._news(moment)
        if self._lines:
            return
        far = moment.outlook
        left = f", about {duration(far.left_s)} left" if far.left_s else ""
        said = f"{len(moment.done)} of {moment.tasks} tasks{left}"
        if self._all is None:
            self._all = self._progress.add_task("all", total=far.whole_s, said=said)
        self._progress.update(self._all, completed=far.done_s, total=far.whole_s, said=said)
        for doing in moment.doing:
            self._show(doing)
        for name in set(self._tasks).difference(doing.task.id for doing in moment.doing):
            self._progress.remove_task(self._tasks.pop(name))

    def say(self, line: str) -> None:
        """A line that stays."""
        self._progress.console.print(Text(printable(line)), soft_wrap=True)

    def _news(self, moment: "Moment") -> None:
        for task, seconds in moment.ended:
            left = f"; about {duration(moment.outlook.left_s)} left" if moment.outlook.left_s else ""
            done = f"{len(moment.done)} of {moment.tasks}{left}" if self._lines else ""
            self.say(f"done in {_time(seconds)}: {_kind(task.kind)}{task.title}" + (f" ({done})" if done else ""))
        for failure in moment.failed:
            self.say(f"failed: {_kind(failure.task.kind)}{failure.task.title}: {failure.why}; see {failure.log}")
        for doing in moment.begun if self._lines else ():
            who = "begun" if doing.here else "another process is at work on"
            self.say(f"{who}: {_kind(doing.task.kind)}{doing.task.title}")

    def _show(self, doing: "Doing") -> None:
        task, unit = doing.task, KINDS[doing.task.kind][1]
        said = _time(doing.seconds) if doing.units is None else f"{doing.units:,} of {task.units:,} {unit}"
        said = said if doing.here else f"{said}, by another process"
        if task.id not in self._tasks:
            whole = None if doing.units is None else task.units
            title = printable(f"{_kind(task.kind)}{task.title}")
            self._tasks[task.id] = self._progress.add_task(title, total=whole, said=said)
        self._progress.update(self._tasks[task.id], completed=doing.units or 0, said=said)


@contextmanager
def bars() -> Iterator[Bars]:
    """Progress on standard error."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TaskProgressColumn())
    said = TextColumn("{task.fields[said]}", markup=False)
    console = Console(stderr=True)
    with Progress(*columns, said, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bars(progress)


def _kind(kind: str) -> str:
    """Rows and seeds have videos and scores, which are titled alike."""
    return f"{kind} of " if kind in ("videos", "scores") else ""


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else duration(seconds)
