"""`kinebench ablate`: the paper's tables, or one's own, at a scale."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kinebench.ablations.executor import Moment
    from kinebench.ablations.folder import Written
    from kinebench.ablations.plan import Plan
    from kinebench.ablations.scale import Scale
    from kinebench.ablations.table import Table
    from kinebench.cli.ablate_progress import Bars

ALL = "all"


def ablate(
    tables: Annotated[
        list[str],
        typer.Argument(
            help="table1, table2, table3, table4, table5a, table5b, all, a TOML file of your own, or a run.json "
            "that an ablation wrote, to repeat it.",
            metavar="TABLE",
        ),
    ],
    scale: Annotated[
        str | None,
        typer.Option(help="tiny, for two cores, paper, for GPUs, or a TOML file.", show_default="tiny"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of all that is made; tables share what is the same.", show_default="ablations/SCALE"),
    ] = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="Say what it costs, and every command; run none.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Tasks at a time.", show_default="one per core or GPU")
    ] = None,
) -> None:
    """Make the data, train, sample and score whatever a table needs, and report it beside the paper's numbers.

    Run it again to go on where it was interrupted. Several processes, or machines that share the folder, may run the
    same command at once, and share out the work.
    """
    from kinebench.ablations import slots
    from kinebench.ablations.before import demand_configurations, demand_measurable, demand_packages
    from kinebench.ablations.cost import cost, demand
    from kinebench.ablations.folder import changes, demand_apart
    from kinebench.ablations.plan import plan
    from kinebench.cli.ablate_tables import print_cost
    from kinebench.cli.printable import printable

    chosen, size = _chosen(tables, scale)
    demand_apart(chosen)
    work = plan(chosen, size)
    demand_configurations(work)
    demand_measurable(work)
    place = out or Path("ablations") / size.name
    if only_plan:
        _print_plan(work, place, jobs)
        return
    at_once = jobs or slots.most(size.processor)
    slots.demand(size.processor, at_once)
    price = cost(work, place, at_once)
    print_cost(price)
    for line in changes(work, place):
        typer.echo(printable(line))
    demand(price, place)
    demand_packages([each.kind for each in price.works if each.done < each.tasks])
    before = _record(tables[0])  # now, since this very file may be written anew
    _execute(work, place, at_once)
    if before is not None:
        _compare(before, place)


def _chosen(names: list[str], scale: str | None) -> tuple["Sequence[Table]", "Scale"]:
    """Tables and scale, by names or from a record. Raises KineBenchError."""
    from kinebench.ablations import record
    from kinebench.ablations import scale as scales
    from kinebench.ablations import table as declared
    from kinebench.errors import KineBenchError

    if any(_is_record(name) for name in names):
        if len(names) > 1:
            raise KineBenchError(f"{', '.join(names)}: a run.json says all by itself; name it alone")
        if scale is not None:
            raise KineBenchError(f"--scale {scale}: {names[0]} has a scale of its own; leave --scale out")
        return record.load(Path(names[0]))
    listed = [each for name in names for each in (declared.built_in() if name == ALL else [name])]
    return tuple(declared.load(name) for name in dict.fromkeys(listed)), scales.load(scale or "tiny")


def _is_record(name: str) -> bool:
    return Path(name).suffix == ".json"


def _record(name: str) -> dict[str, Any] | None:
    """The record that is repeated, if it is one."""
    from kinebench.ablations import record

    return record.read(Path(name)) if _is_record(name) else None


def _compare(before: dict[str, Any], place: Path) -> None:
    """Say what came out otherwise."""
    from kinebench.ablations import record
    from kinebench.cli.ablate_tables import print_repeat

    print_repeat(record.differs(before, record.read(place / before["table"]["name"] / record.RUN)))


def _print_plan(work: "Plan", place: Path, jobs: int | None) -> None:
    """What there is to do, which may be planned where there is no GPU."""
    from kinebench.ablations import slots, stamp
    from kinebench.ablations.cost import cost
    from kinebench.ablations.script import lay_out, script
    from kinebench.cli.ablate_tables import print_cost
    from kinebench.errors import KineBenchError

    try:
        at_once = jobs or slots.most(work.scale.processor)
    except KineBenchError:
        at_once = 1
    done = [task.id for task in work.tasks if stamp.found(place, task)]
    lay_out(work.tasks, place)
    typer.echo(script(work, place, done))
    print_cost(cost(work, place, at_once))


def _execute(work: "Plan", place: Path, jobs: int) -> None:
    """Run what is missing; report each table as soon as it is done, whatever becomes of the others."""
    from kinebench.ablations.executor import demand_done, execute
    from kinebench.cli.ablate_progress import bars
    from kinebench.cli.ablate_results import print_results

    written: dict[str, Written] = {}
    faults: dict[str, Exception] = {}
    with bars() as shown:

        def note(moment: "Moment") -> None:
            shown.note(moment)
            _report(work, place, moment, written, faults, shown)

        outcome = execute(work, place, jobs, note)
    for table in work.tables:
        if table.name in written:
            print_results(table, written[table.name])
    demand_done(outcome, place)
    _demand_reported(faults)


def _report(
    work: "Plan",
    place: Path,
    moment: "Moment",
    written: dict[str, "Written"],
    faults: dict[str, Exception],
    shown: "Bars",
) -> None:
    """Write the tables that are done now and were not before."""
    from kinebench.ablations import folder

    for table in work.tables:
        if table.name in written or table.name in faults or not folder.ready(work, table, moment.done):
            continue
        try:
            written[table.name] = folder.write(work, table, place)
            shown.say(f"{table.name} is done: {written[table.name].page}")
        except Exception as error:  # whatever is wrong with a report must not end trainings: it is raised after them
            faults[table.name] = error
            shown.say(f"{table.name} cannot be reported: {error}")


def _demand_reported(faults: dict[str, Exception]) -> None:
    """Raises what came between a table and its report."""
    from kinebench.errors import KineBenchError

    for error in faults.values():
        if not isinstance(error, KineBenchError):
            raise error
    if faults:
        raise KineBenchError("\n".join(f"{name} cannot be reported: {error}" for name, error in faults.items()))
