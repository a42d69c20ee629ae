"""`kinebench stats`: what is in a dataset, in numbers."""

from pathlib import Path
from typing import Annotated

import typer


def stats(folder: Annotated[Path, typer.Argument(help="A dataset folder.")]) -> None:
    """Print what a dataset holds: sizes, objects, speeds, contacts, colours and grounds, split by split."""
    from rich.console import Console

    from kinebench.cli.tables import stats_tables
    from kinebench.shards.stats import stats as summarise

    Console().print(*stats_tables(summarise(folder)), sep="\n")
