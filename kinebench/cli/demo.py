"""`kinebench demo`: a small verified shard of both datasets, and a page to look at each."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the two datasets.")] = Path("demo"),
    count: Annotated[int, typer.Option(min=1, help="Clips of each dataset.")] = 3,
) -> None:
    """Render a few full-size clips of Simple Motion and Interactions, verify them and write preview pages."""
    from kinebench.cli.generate import generate
    from kinebench.cli.preview import preview

    for name in ("simple_motion", "interactions"):
        typer.echo(f"{name}: {count} clips")
        generate(name, out / name, count=count)
        typer.echo("open in a browser: ", nl=False)
        preview(out / name)
