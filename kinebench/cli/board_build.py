"""`kinebench board build`: the pages of the board."""

from pathlib import Path
from typing import Annotated

import typer

from kinebench.cli.board_score import FILMS, RESULTS, Films, Results

SEASONS = Path("leaderboard/seasons")


def build(
    out: Annotated[Path, typer.Option(help="The folder of the site; a site that is there is replaced.")],
    results: Results = RESULTS,
    films: Films = FILMS,
    seasons: Annotated[Path, typer.Option(help="What was published of hidden seasons, a folder for each.")] = SEASONS,
) -> None:
    """Write the board as static pages: tables, methods, and players side by side.

    They ask nothing of any other place: look at them from the folder, or put it on any host under any path. Of a season
    that is not revealed, pages hold means only.
    """
    from kinebench.board import results as store
    from kinebench.board import site
    from kinebench.board.season.opening import opened
    from kinebench.board.standings import standings
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.shards.files import megabytes

    with stoppable(lambda: "interrupted; nothing was changed"), progress_bars() as note:
        built = site.build(standings(store.read(results), opened(seasons)), films, out, note)
    typer.echo(
        f"{built.index}: {built.tables} tables, {built.rows} rows, {built.films} films"
        + (f" ({built.lacking} are not there, and the pages say so)" if built.lacking else "")
        + f", {megabytes(built.size_bytes)} without them"
    )
