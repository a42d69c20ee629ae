"""`kinebench verify`: check a dataset against itself."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    folder: Annotated[Path, typer.Argument(help="A dataset folder.")],
    sample: Annotated[
        int | None, typer.Option(min=1, help="Decode the pictures of this many samples only, evenly spaced.")
    ] = None,
) -> None:
    """Check every hash, tar, record, picture and mask of a dataset; exits with 1 if anything is wrong."""
    from kinebench.cli.progress import progress_bars
    from kinebench.cli.tables import print_report
    from kinebench.shards.verify import verify as check

    with progress_bars() as note:
        report = check(folder, sample, note)
    print_report(report)
    if not report.sound:
        raise typer.Exit(1)
