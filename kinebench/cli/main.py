"""The `kinebench` command. Imports nothing heavy: each command imports what it runs."""

import io
import sys

import typer

from kinebench import __version__
from kinebench.cli.ablate import ablate
from kinebench.cli.animate import animate
from kinebench.cli.bench import app as bench
from kinebench.cli.board import app as board
from kinebench.cli.compare import compare
from kinebench.cli.conditions import conditions
from kinebench.cli.demo import demo
from kinebench.cli.generate import generate
from kinebench.cli.methods import app as methods
from kinebench.cli.pack import pack
from kinebench.cli.plan import plan
from kinebench.cli.preview import preview
from kinebench.cli.printable import printable
from kinebench.cli.publish import publish
from kinebench.cli.realworld import app as realworld
from kinebench.cli.run import run
from kinebench.cli.score import score
from kinebench.cli.stats import stats
from kinebench.cli.studio import studio
from kinebench.cli.submit import app as submit
from kinebench.cli.textures import app as textures
from kinebench.cli.train import app as train
from kinebench.cli.verify import verify
from kinebench.cli.weights import app as weights
from kinebench.errors import KineBenchError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Clips of rigid-body interaction with velocity masks: render them, check them, score predictions of them.",
)
for command in (
    demo,
    plan,
    generate,
    pack,
    verify,
    stats,
    preview,
    publish,
    conditions,
    run,
    score,
    compare,
    animate,
    ablate,
    studio,
):
    app.command()(command)
app.add_typer(methods, name="methods")
app.add_typer(realworld, name="realworld")
app.add_typer(textures, name="textures")
app.add_typer(weights, name="weights")
app.add_typer(train, name="train")
app.add_typer(submit, name="submit")
app.add_typer(board, name="board")
app.add_typer(bench, name="bench")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kinebench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line; a user's mistake ends in one message and a non-zero exit, never in a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: every name can be printed
    try:
        app()
    except KineBenchError as error:
        typer.echo(printable(f"kinebench: {error}"), err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
