"""Seasons that were published: which of them are revealed, so that scores of their single clips may be shown.

A folder for each: `season.json` from its release on, and `commitment.txt` from its reveal on.
"""

from pathlib import Path

from kinebench.board.season import commitment, statement
from kinebench.errors import KineBenchError


def opened(seasons: Path) -> frozenset[str]:
    """Datasets of revealed seasons, such as `interactions-2026-autumn@1.0.0`; none if there is no such folder.

    Raises KineBenchError if a season's text is not the one that it was committed to.
    """
    found = set()
    for path in sorted(seasons.glob(f"*/{commitment.NAME}")):
        said = statement.read(path.parent)
        if commitment.commitment(path.read_bytes()) != said["commitment"]:
            raise KineBenchError(
                f"{path} is not what season {said['name']} was committed to; copy {commitment.NAME} from what was "
                f"revealed, and {statement.NAME} from what was released"
            )
        found.add(f"{said['dataset']['name']}@{said['dataset']['version']}")
    return frozenset(found)
