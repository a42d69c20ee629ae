"""An answer, and how a participant's answers are read: of a request, of an exported file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench import schema
from kinebench.board.study import order
from kinebench.board.study.design import Design
from kinebench.errors import KineBenchError

SCHEMA = Path(__file__).with_name("answers.schema.json")
FILE_BYTES = 4 << 20


@dataclass(frozen=True)
class Given:
    """One answer of one participant."""

    participant: str
    trial: str
    question: str
    answer: str  # left, right, same: as the participant saw it

    @property
    def place(self) -> tuple[str, str, str]:
        """What is answered once."""
        return self.participant, self.trial, self.question


def parse(plain: dict[str, Any], design: Design, source: str) -> tuple[Given, ...]:
    """The answers of one participant to trials of his group. Raises KineBenchError that says what is wrong."""
    schema.demand(plain, SCHEMA, source)
    if plain["study"] != design.study:
        raise KineBenchError(f"{source}: it is of study {plain['study']}, not {design.study}")
    participant = plain["participant"]
    known = frozenset(design.of_group(order.group(design.study, participant, design.groups)))
    for each in plain["answers"]:
        if each["trial"] not in known:
            raise KineBenchError(f"{source}: {each['trial']} is no trial that {participant} is asked")
    return tuple(Given(participant, each["trial"], each["question"], each["answer"]) for each in plain["answers"])


def read(path: Path, design: Design) -> tuple[Given, ...]:
    """The answers of a file that the page exported. Raises KineBenchError."""
    try:
        if path.stat().st_size > FILE_BYTES:
            raise KineBenchError(f"{path} is too large to be answers of a participant")
        plain = json.loads(path.read_bytes())
    except OSError as error:
        raise KineBenchError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise KineBenchError(f"{path} is no JSON: {error}") from error
    if not isinstance(plain, dict):
        raise KineBenchError(f"{path} holds no answers of a participant")
    return parse(plain, design, str(path))
