"""`kinebench pack`: finished samples into tars."""

from pathlib import Path
from typing import Annotated

import typer


def pack(folder: Annotated[Path, typer.Argument(help="A dataset folder that workers have rendered into.")]) -> None:
    """Pack what `generate --worker I --of N` has finished; refused while planned clips are missing."""
    from kinebench.cli.progress import progress_bars
    from kinebench.generate import pack as pack_planned
    from kinebench.shards.files import megabytes

    with progress_bars() as note:
        manifest = pack_planned(folder, note)
    samples = sum(split.count for split in manifest.splits.values())
    tars = len(manifest.all_shards)
    size = megabytes(sum(shard.bytes for shard in manifest.all_shards))
    typer.echo(f"{samples} clips in {tars} tar{'s' if tars > 1 else ''}, {size}; next: kinebench verify {folder}")
