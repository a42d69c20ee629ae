"""`kinebench board`: score submissions, write the pages; one file for each command."""

import typer

from kinebench.cli.board_build import build
from kinebench.cli.board_score import score
from kinebench.cli.board_season import app as season
from kinebench.cli.board_study import app as study

app = typer.Typer(no_args_is_help=True, help="The leaderboard: score submissions, write its pages.")
app.command()(score)
app.command()(build)
app.add_typer(study, name="study")
app.add_typer(season, name="season")
