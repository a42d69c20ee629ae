"""What tables and rows are called in file names and in addresses of pages."""

import re
from collections.abc import Sequence

from kinebench.board.standing import Row, Standing
from kinebench.errors import KineBenchError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


def tables(standings: Sequence[Standing]) -> tuple[str, ...]:
    """A name for each table, such as `interactions@1.0.0-test-metrics-1`. Raises KineBenchError as `row` does."""
    names: list[str] = []
    for standing in standings:
        if standing.metrics_version is None:
            base = f"paper-{re.sub(r'[^a-z0-9]+', '-', standing.title.lower()).strip('-')[:60] or 'table'}"
        else:
            parts = (standing.dataset, standing.version, standing.split)
            dataset, version, split = (_safe(part, "a dataset's name, version or split") for part in parts)
            base = f"{dataset}@{version}-{split}-metrics-{standing.metrics_version}"
        same = sum(name == base or name.startswith(f"{base}~") for name in names)
        names.append(f"{base}~{same + 1}" if same else base)
    return tuple(names)


def row(of: Row) -> str:
    """`method@revision`. Raises KineBenchError for what cannot be a file's name."""
    return f"{_safe(of.method, 'a method')}@{_safe(of.revision, 'a revision')}"


def _safe(text: str, what: str) -> str:
    if not _SAFE.fullmatch(text) or ".." in text:
        raise KineBenchError(
            f"{text!r} in the results names {what}, and cannot name a file of the site: letters, digits, '.', '_', "
            "'+' and '-' can; mend submission.json in the results"
        )
    return text
