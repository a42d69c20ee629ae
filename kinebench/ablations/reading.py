"""What a report says of results, in words: how to read them, which row is best, what a question's answer is."""

from collections.abc import Mapping, Sequence

from kinebench.ablations import wording
from kinebench.ablations.answer import answer
from kinebench.ablations.results import Column, PairResult, Results, RowResult
from kinebench.ablations.strips import Sample, Strip
from kinebench.ablations.table import Table
from kinebench.ablations.wording import metric, number

_BESIDE_STRIPS = 2
"""Metrics that stand beside a strip."""


def in_paper(results: Results, column: Column) -> bool:
    """Whether the paper has numbers to stand beside this metric."""
    return column.reported is not None and any(column.name in each.reported for each in results.rows)


def notes(results: Results, table: Table) -> tuple[str, ...]:
    """How to read the table of numbers."""
    seeds = f"{len(results.seeds)} seeds" if len(results.seeds) > 1 else "one seed"
    of = "clips and seeds" if len(results.seeds) > 1 else "clips alone"
    found = [f"Means over {results.clips:,} clips and {seeds}; below them the 95 % interval, over {of}."]
    if best(results):
        found.append(
            "Bold: clearly the best of the rows that are told the first frame's velocities at most; better than each "
            "other one by the test below where the two are a pair, else by intervals that do not meet."
        )
    if any(each.row.told == "all" for each in results.rows):
        found.append("A row that is told the velocities of all frames knows what nobody knows before: a bound.")
    if table.reported:
        found.append(
            "The paper's numbers are of its own models and clips."
            + (" Rows marked “ours” are not in it." if any(not each.row.reported for each in results.rows) else "")
        )
    for column in results.columns:
        if column.reported and not column.same:
            found.append(
                f"* {metric(column.name)} stands beside the paper's {metric(column.reported)} and is "
                "another measure: orders can be compared, values cannot."
            )
    for column in results.columns:
        if left_out := max(each.values[column.name].left_out for each in results.rows):
            found.append(
                f"{metric(column.name)}: up to {left_out} clips of a row have no value with some seed and do not count."
            )
    prompts = {each.row.prompt for each in results.rows}
    found += [f"{prompt}: {words}." for prompt, words in wording.WORDS.items() if prompt in prompts]
    return (*found, *(f"{metric(column.name)}: {column.what}." for column in results.columns))


def best(results: Results) -> Mapping[str, str]:
    """By metric the row that is clearly best of those that are told the first frame alone, where one is.

    Clearly: better than each other one, by the pair of the two if the table has it, else by intervals that lie apart.
    """
    found = {}
    rows = [each for each in results.rows if each.row.told == "first"]
    for column in results.columns:
        for one in rows:
            others = [other for other in rows if other is not one]
            if others and all(_beats(results, column.name, column.better, one, other) for other in others):
                found[column.name] = one.row.id
    return found


def _beats(results: Results, metric: str, better: str, one: RowResult, other: RowResult) -> bool:
    for each in results.pairs:
        ids = (each.pair.first, each.pair.second)
        if ids in ((one.row.id, other.row.id), (other.row.id, one.row.id)):
            won = each.differences[metric].better
            return won != "not clear" and ids[0 if won == "first" else 1] == one.row.id
    mine, its = one.values[metric], other.values[metric]
    if better == "lower":
        return mine.high is not None and its.low is not None and mine.high < its.low
    return mine.low is not None and its.high is not None and mine.low > its.high


def paired(results: Results) -> str:
    """What a pair's numbers are."""
    return (
        "A difference is the first row's value minus the second's, clip by clip and seed by seed. It is clear if p is "
        f"below 0.05; p is two-sided, with Holm's correction for {_counted(len(results.pairs), 'pair')} of this table."
    )


def trained(results: Results, pair: PairResult) -> str:
    """How long the branches of a pair's rows were trained."""
    counts = {each.row.id: each.steps for each in results.rows}
    first, second = (counts[name] for name in (pair.pair.first, pair.pair.second))
    if pair.same_steps:
        return f"both were trained for {first:,} steps" if first else "neither was trained"
    ones, twos = (f"{count:,} steps" if count else "no training" for count in (first, second))
    return f"the first had {ones}, the second {twos}"


def answered(results: Results, pair: PairResult) -> tuple[str, ...]:
    """What a pair says to its question: by the metrics that the paper has too, else by the first."""
    columns = [column for column in results.columns if column.reported] or results.columns[:1]
    return tuple(answer(pair, column) for column in columns)


def shown(samples: Sequence[Sample], results: Results) -> str:
    """Which clips are shown, and what is drawn on them."""
    *most, last = (str(sample.number) for sample in samples)
    numbers = f"clips {', '.join(most)} and {last}" if most else f"clip {last}"
    return (
        f"Test {numbers} of {results.clips:,}: evenly spread, with the first and the last, whatever came out; each "
        f"row with seed {results.seeds[0]}. Objects outlined in yellow move at the first frame, and an arrow leads to "
        "where one slides if nothing is in its way. White ones stand still then."
    )


def of_clips(results: Results) -> tuple[Column, ...]:
    """The metrics that stand beside a clip's strip: the first ones that every clip has."""
    return tuple(column for column in results.columns if column.scope == "clip")[:_BESIDE_STRIPS]


def scored(strip: Strip, columns: Sequence[Column]) -> str:
    """What a strip's video got."""
    return ", ".join(f"{metric(column.name)} {number(strip.values.get(column.name))}" for column in columns)


def fault(strip: Strip) -> str:
    """Why there is no strip."""
    return f"No frames: {strip.fault}. It is scored worst case."


def times(sample: Sample) -> tuple[str, ...]:
    """When the frames of strips are."""
    return tuple(f"{time_s:.2f} s" for time_s in sample.times_s)


def _counted(count: int, what: str) -> str:
    return f"the {count} {what}s" if count > 1 else f"the one {what}"
