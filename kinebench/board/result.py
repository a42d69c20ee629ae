"""A result: what one seed's videos of one submission score, by us. One JSON file in `leaderboard/results`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench.scoring.scorecard import Card

KIND = "kinebench result"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Result:
    """The scores of one seed, and the submission that they are of."""

    statement: Mapping[str, Any]  # submission.json
    submission_sha256: str  # of its SHA256SUMS, which names every other file
    metrics_version: int  # `suite.METRICS_VERSION` of the scoring
    seed: int
    card: Card  # of this seed alone
    withdrawn: str | None = None  # why it is no longer ranked; results are never deleted

    @property
    def method(self) -> str:
        """Name of the method."""
        return str(self.statement["method"]["name"])

    @property
    def revision(self) -> str:
        """Of the method: a number that is submitted again has another."""
        return str(self.statement["method"]["version"])

    @property
    def dataset(self) -> str:
        """Such as `interactions@1.0.0`."""
        return f"{self.card['dataset']['name']}@{self.card['dataset']['version']}"


def place(results: Path, result: Result) -> Path:
    """Where a result is filed; its submission's statement lies in the dataset's folder as `submission.json`."""
    folder = results / result.method / result.revision / result.dataset / f"metrics@{result.metrics_version}"
    return folder / f"seed-{result.seed}.json"
