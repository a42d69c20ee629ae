"""`kinebench publish`: a dataset folder for others."""

from pathlib import Path
from typing import Annotated

import typer


def publish(
    folder: Annotated[Path, typer.Argument(help="A packed dataset folder.")],
    push: Annotated[str | None, typer.Option(help="Upload to this dataset on the Hub.", metavar="OWNER/NAME")] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new dataset on the Hub private.")] = False,
    revision: Annotated[str | None, typer.Option(help="Upload to this branch of it, made if need be.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Verify the pictures of this many samples only, evenly spaced.")
    ] = None,
) -> None:
    """Verify a dataset and write its full card, Croissant, licence, citation and pictures; upload it with --push."""
    from kinebench.cli.progress import progress_bars
    from kinebench.errors import KineBenchError
    from kinebench.interrupt import stoppable
    from kinebench.publish.hub import check
    from kinebench.publish.hub import push as upload
    from kinebench.publish.publication import prepare
    from kinebench.shards.files import megabytes

    if push is None and (private or revision is not None):
        raise KineBenchError("--private and --revision go with --push OWNER/NAME")
    if push is not None:
        check(push)
    with stoppable(lambda: "interrupted; run the same command again to go on: what was uploaded is not sent again"):
        with progress_bars() as note:
            ready = prepare(folder, sample, note)
        typer.echo(f"{folder} is ready to publish: {len(ready.files)} files, {megabytes(ready.bytes)}")
        if push is not None:
            typer.echo(f"published at {upload(ready, push, private, revision)}")
