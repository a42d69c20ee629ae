"""`kinebench board season`: a hidden test split, from its salt to its reveal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinebench.cli.generate import RecipeName

if TYPE_CHECKING:
    from kinebench.board.fault import Fault
    from kinebench.board.season.release import Season

app = typer.Typer(no_args_is_help=True, help="Hidden test seasons: conditions now, ground truth later.")
SHOWN = 50
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes; one per core by default.")]


@app.command()
def new(
    recipe: RecipeName,
    name: Annotated[str, typer.Option(help="Of the season, such as 2026-autumn.")],
    count: Annotated[int, typer.Option(help="Clips.")],
    out: Annotated[Path, typer.Option(help="Folder of the season; made if need be. Only its public/ is for others.")],
    workers: Workers = None,
) -> None:
    """Make a hidden test split from a secret salt, and write what is released of it, with a commitment.

    Run it again to continue after an interrupt. Keep OUT/secret to yourself until the reveal.
    """
    from kinebench.board.season import release
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.recipe import load

    season = release.begin(load(recipe), name, count, out)
    if not season.released:
        _generate(season, workers)
    said = f"interrupted; nothing is released, all in {out} is whole; run the same command again to continue"
    with stoppable(lambda: said), progress_bars() as note:
        commitment = release.publish(season, note)
    typer.echo(f"season {name}: {count} conditions of {season.recipe.dataset.name} in {season.public}")
    typer.echo(f"commitment {commitment}")
    typer.echo(f"publish {season.public}; keep {season.dataset.parent} secret, and a copy of it")


def _generate(season: "Season", workers: int | None) -> None:
    """Render, pack and verify the ground truth."""
    from kinebench.cli.progress import clip_bar, progress_bars
    from kinebench.cli.verify import verify
    from kinebench.generate import Share, finish, missing, render
    from kinebench.runners import Runner

    work, part = season.plan, Share()
    with progress_bars() as note:
        jobs = missing(work, season.dataset, part, Runner.LOCAL, note)
    with clip_bar() as bar:
        outcome = render(work, season.dataset, jobs, part=part, runner=Runner.LOCAL, workers=workers, watch=bar)
    with progress_bars() as note:
        finish(work, season.dataset, outcome, note)
    verify(season.dataset, workers=workers)


@app.command()
def reveal(
    season: Annotated[Path, typer.Argument(help="Folder of a released season, with its secret/.")],
    out: Annotated[Path, typer.Option(help="Write salt, dataset and proof here; made if need be.")],
) -> None:
    """End a season: write what was hidden, for everybody. Run it again to continue after an interrupt."""
    from kinebench.board.season.reveal import reveal as write
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable

    said = f"interrupted; what is in {out} is whole, run the same command again to continue"
    with stoppable(lambda: said), progress_bars() as note:
        dataset = write(season, out, note)
    typer.echo(f"revealed: {dataset}; anyone can prove it: kinebench board season check {season / 'public'} {out}")


@app.command()
def check(
    public: Annotated[Path, typer.Argument(help="What was released of a season.")],
    revealed: Annotated[Path, typer.Argument(help="What was revealed of it.")],
    replay: Annotated[int, typer.Option(min=0, help="Generate this many clips anew, and compare every byte.")] = 0,
    workers: Workers = None,
) -> None:
    """Prove a revealed season: commitment, hashes, seed, ids, conditions. Exits with 1 if anything does not fit."""
    from kinebench.board.season import check as checking
    from kinebench.cli.progress import clip_bar, progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.runners.cores import available

    shown = [0]

    def found(fault: "Fault") -> None:
        shown[0] += 1
        if shown[0] <= SHOWN:
            typer.echo(_line(fault))

    with stoppable(lambda: f"interrupted; {shown[0]} faults found so far. Nothing was changed"):
        with progress_bars() as note:
            done = checking.check(public, revealed, workers or available(), note, found)
        if replay:
            with clip_bar() as bar:
                for fault in checking.replay(public, revealed, replay, workers or available(), bar):
                    found(fault)
    if shown[0] > SHOWN:
        typer.echo(f"and {shown[0] - SHOWN} more")
    if shown[0]:
        typer.echo(f"season {done.season}: {shown[0]} faults; what was revealed is not what was released")
        raise typer.Exit(1)
    again = f", {min(replay, done.clips)} made anew with the same bytes" if replay else ""
    typer.echo(f"season {done.season} is proved: {done.files} released files, {done.clips} clips{again}")


def _line(fault: "Fault") -> str:
    place = ", ".join(filter(None, (fault.sample, fault.file)))
    return f"{place or 'season'}: {fault.what}; {fault.remedy}"
