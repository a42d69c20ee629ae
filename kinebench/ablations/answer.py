"""What a pair of rows says to its question, in words."""

from kinebench.ablations.results import SIGNIFICANT, Column, Difference, PairResult
from kinebench.ablations.wording import metric, number, probability

ASKED = ("are", "can", "did", "do", "does", "has", "have", "is", "must", "should", "was", "were", "will", "would")
"""Words that begin a question to which yes and no are answers."""


def answer(pair: PairResult, column: Column) -> str:
    """A sentence: which row is better, by how much, how sure that is, and whether the paper's order is the same.

    Yes says that the first row is better. An interval is of this difference alone; p is corrected for the other pairs.
    """
    found = pair.differences[column.name]
    if found.mean is None:
        return f"{_capital(metric(column.name))}: there was nothing to measure."
    ahead = _ahead(found.mean, column)
    said = f"{_compared(pair, column, found, found.mean)}{_sure(found)}{_in_paper(pair, column, ahead, found.better)}."
    return f"{lead}: {said}" if (lead := _lead(pair, found)) else _capital(said)


def _lead(pair: PairResult, found: Difference) -> str:
    if found.better == "not clear":
        return "Not clear"
    asked = pair.pair.asks.split(maxsplit=1)[0].lower() in ASKED
    return "" if not asked else "Yes" if found.better == "first" else "No"


def _ahead(difference: float, column: Column) -> int:
    """0 for the first row, 1 for the second."""
    return 0 if (difference > 0) == (column.better == "higher") else 1


def _compared(pair: PairResult, column: Column, found: Difference, difference: float) -> str:
    first, second = _quoted(pair.labels)
    if difference == 0:
        return f"{first} and {second} are equal in {metric(column.name)}"
    one, other = (first, second) if _ahead(difference, column) == 0 else (second, first)
    unit = f" {column.unit}" if column.unit else ""
    how = "ahead of" if found.better == "not clear" else "better than"
    return f"{one} is {how} {other} in {metric(column.name)} by {number(abs(difference))}{unit}"


def _quoted(labels: tuple[str, str]) -> tuple[str, ...]:
    """Labels with a comma inside are in quotes, so that a reader sees where they end."""
    if not any("," in label for label in labels):
        return labels
    return tuple(f"\N{LEFT DOUBLE QUOTATION MARK}{label}\N{RIGHT DOUBLE QUOTATION MARK}" for label in labels)


def _sure(found: Difference) -> str:
    """Interval and p."""
    if found.mean is None or found.low is None or found.high is None or found.p_holm is None:
        return ", and how sure that is cannot be said of so few clips"
    near, far = sorted((found.low, found.high) if found.mean > 0 else (-found.high, -found.low))
    ends = f"{number(-near)} worse to {number(far)} better" if near < 0 else f"{number(near)} to {number(far)}"
    p = probability(found.p_holm)
    alone = found.p is not None and found.p < SIGNIFICANT <= found.p_holm
    after = " after correction" if alone else ""
    return f" ({ends}), p {p}{after}" if p.startswith("<") else f" ({ends}), p = {p}{after}"


def _in_paper(pair: PairResult, column: Column, ahead: int, better: str) -> str:
    paper = pair.reported.get(column.name)
    if not paper:
        return ""
    theirs = _ahead(paper, column)
    if better != "not clear":
        return ", as in the paper" if theirs == ahead else ", not as in the paper"
    return f"; in the paper {_quoted(pair.labels)[theirs]} is ahead"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
