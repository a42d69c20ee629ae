"""`kinebench board study`: which of two videos people find better."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Ask people which of two videos is better: blinded, side by side.")
Study = Annotated[Path, typer.Argument(help="A folder that `kinebench board study new` made.")]
DB = Path("answers.sqlite")


@app.command()
def new(
    data: Annotated[Path, typer.Option(help="The packed dataset, or the exported conditions, that videos are of.")],
    method: Annotated[
        list[str],
        typer.Option(
            help="What `kinebench run` wrote, or `kinebench score` reads; once for each.", metavar="NAME=PRED"
        ),
    ],
    out: Annotated[Path, typer.Option(help="Write the study here.")],
    samples: Annotated[
        int | None, typer.Option(help="Clips that people are asked about.", show_default="50, or as many as there are")
    ] = None,
    groups: Annotated[int, typer.Option(min=1, help="Of participants; each sees its share of the clips.")] = 5,
    split: Annotated[str, typer.Option(help="The split that the videos are of.")] = "test",
) -> None:
    """Make a study: every pair of methods, three questions, as a folder of pages that any server can serve.

    Run it again to go on where it was interrupted. Keep key.json: without it nobody knows which video is whose.
    """
    from kinebench.board.study.making import new as make
    from kinebench.cli.progress import progress_bars
    from kinebench.cli.run import pairs
    from kinebench.interrupt import stoppable

    methods = {name: Path(text).expanduser() for name, text in pairs("--method", method).items()}
    said = f"interrupted; the films in {out} are whole, run the same command again to go on"
    with stoppable(lambda: said), progress_bars() as note:
        made = make(data, split, methods, samples, groups, out, note)
    trials, caught = len(made.design.of_group(0)), len(made.design.catches)
    if made.without_arrow:
        typer.echo(f"{made.without_arrow} clips where nothing is seen to be driven are left out")
    typer.echo(f"{groups} groups; each participant sees {trials} pairs, {caught} of them to catch who clicks at random")
    typer.echo(f"the page is {made.page}; keep {out / 'key.json'} to yourself")
    typer.echo(f"serve it: kinebench board study serve {out}")


@app.command()
def serve(
    study: Study,
    db: Annotated[Path, typer.Option(help="Answers go into this SQLite file.")] = DB,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0 takes a free one.")] = 8000,
) -> None:
    """Serve a study's page and collect answers until Ctrl-C. What was confirmed to a participant is on the disk."""
    from kinebench.board.study.server import serve as run
    from kinebench.interrupt import stoppable

    said = f"the study is closed; its answers are in {db}: kinebench board study report {study} --db {db}"
    with stoppable(lambda: said):
        run(study, db, host, port, typer.echo)


@app.command()
def report(
    study: Study,
    exported: Annotated[
        list[Path] | None, typer.Argument(help="Files that participants downloaded at the end, .json.")
    ] = None,
    db: Annotated[Path | None, typer.Option(help="What `serve` collected.")] = None,
    out: Annotated[Path, typer.Option(help="A page, .html, or the numbers, .json.")] = Path("study.html"),
) -> None:
    """Print and write what the answers say: shares, strengths and agreement, each question by itself.

    Participants who fail the study's catch trials are left out, and counted.
    """
    from kinebench.board.study import answer, ledger
    from kinebench.board.study import report as reports
    from kinebench.board.study.findings import findings
    from kinebench.board.study.key import read
    from kinebench.cli.board_study_tables import print_findings
    from kinebench.errors import KineBenchError

    if db is None and not exported:
        raise KineBenchError("there are no answers: give --db FILE, exported files, or both")
    reports.check_place(out)
    design = read(study).design
    given = list(ledger.read(db, design.study)) if db else []
    for path in exported or []:
        given += answer.read(path, design)
    found = findings(design, given)
    reports.write(found, out)
    print_findings(found)
    typer.echo(f"the report is {out}")
