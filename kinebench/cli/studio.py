"""`kinebench studio`: a page on this machine for what `kinebench animate` does."""

from typing import Annotated

import typer

PORT = 8765


def studio(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0 takes a free one.")] = PORT,
) -> None:
    """Serve a page on this machine alone: drop a photo, click objects, drag arrows, run methods, compare.

    Nothing leaves the machine and nothing is kept: download the conditions you want. Ctrl-C ends it.
    """
    from kinebench.interrupt import stoppable
    from kinebench.studio.server import serve

    with stoppable(lambda: "the studio is closed"):
        serve(port, typer.echo)
