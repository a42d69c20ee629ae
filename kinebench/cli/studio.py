"""`kinebench studio`: a page on this machine for what `kinebench animate` does."""

from typing import Annotated

import typer

PORT = 8765


def studio(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0 takes a free one.")] = PORT,
    method: Annotated[
        list[str] | None,
        typer.Option(help="A folder with a method.toml, offered before those built in; once for each."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="An option of a method; say it once for each.", metavar="METHOD.NAME=VALUE"),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Weights of your own, by method and name.", metavar="METHOD.NAME=PATH"),
    ] = None,
) -> None:
    """Serve a page on this machine alone: drop a photo, click objects, drag arrows, run methods, compare.

    Nothing leaves the machine and nothing is kept: download the conditions you want. Ctrl-C ends it.
    """
    from kinebench.cli.run import pairs, places
    from kinebench.interrupt import stoppable
    from kinebench.studio.offer import offers
    from kinebench.studio.server import serve

    found = offers(method or [], pairs("--set", settings), places(weights))
    with stoppable(lambda: "the studio is closed"):
        serve(port, found, typer.echo)
