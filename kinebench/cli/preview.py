"""`kinebench preview`: one page to look at a dataset."""

from pathlib import Path
from typing import Annotated

import typer


def preview(
    folder: Annotated[Path, typer.Argument(help="A dataset folder.")],
    out: Annotated[Path | None, typer.Option(help="The page to write; FOLDER/previews/index.html by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Samples on the page, evenly spaced over the dataset.")] = 12,
) -> None:
    """Write one self-contained HTML page of clips, velocity masks, motions and captions."""
    from kinebench.cli.progress import progress_bars
    from kinebench.preview.page import preview as write

    with progress_bars() as note:
        page = write(folder, out, limit, note)
    typer.echo(page)
