"""`kinebench verify`: check a dataset against itself, its recipe and the laws of motion."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kinebench.verify.folder import Report
    from kinebench.verify.inventory import Fault


def verify(
    folder: Annotated[Path, typer.Argument(help="A dataset folder.")],
    sample: Annotated[
        int | None, typer.Option(min=1, help="Decode the pictures of this many samples only, evenly spaced.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; one per core by default.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the whole report, with every fault, to this file.")] = None,
) -> None:
    """Check every hash, tar, record, picture and motion of a dataset; exits with 1 if anything is wrong."""
    from kinebench.cli.tables import print_report
    from kinebench.errors import KineBenchError

    if json is not None and not json.absolute().parent.is_dir():
        raise KineBenchError(f"--json {json}: there is no folder {json.absolute().parent}; make it first")
    report = _checked(folder, sample, workers)
    print_report(report)
    if json is not None:
        _write(json, report)
    if not report.sound:
        raise typer.Exit(1)


def _checked(folder: Path, sample: int | None, workers: int | None) -> "Report":
    """The report; each fault is printed when it is found."""
    from kinebench.cli.progress import progress_bars
    from kinebench.cli.tables import SHOWN, fault_line
    from kinebench.interrupt import stoppable
    from kinebench.runners.cores import available
    from kinebench.verify.folder import verify as check

    shown, stages = [0], {"samples": "no sample was checked"}

    def found(fault: "Fault") -> None:
        shown[0] += 1
        if shown[0] <= SHOWN:
            typer.echo(fault_line(fault, shown[0]))

    def message() -> str:
        return f"interrupted; {stages['samples']}, {shown[0]} faults found. Nothing was changed"

    with stoppable(message), progress_bars() as bar:

        def note(stage: str, done: int, whole: int) -> None:
            stages[stage] = f"{done} of {whole} {stage} were checked"
            bar(stage, done, whole)

        return check(folder, sample, workers or available(), note, found)


def _write(path: Path, report: "Report") -> None:
    import json

    from kinebench.shards.files import disk_room, write_atomic
    from kinebench.verify.folder import plain

    data = json.dumps(plain(report), indent=2, ensure_ascii=False).encode() + b"\n"
    with disk_room("writing the report", path.absolute().parent, len(data)):
        write_atomic(path, data)
