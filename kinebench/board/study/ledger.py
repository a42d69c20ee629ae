"""Answers in SQLite: each once, on the disk before it is confirmed."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from kinebench.board.study.answer import Given
from kinebench.errors import KineBenchError

_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
  study TEXT NOT NULL, participant TEXT NOT NULL, trial TEXT NOT NULL, question TEXT NOT NULL,
  answer TEXT NOT NULL CHECK (answer IN ('left', 'right', 'same')),
  PRIMARY KEY (study, participant, trial, question)
) WITHOUT ROWID
"""


class Ledger:
    """One file, which several threads may write through one connection."""

    def __init__(self, path: Path, study: str) -> None:
        """Open or make the file. Raises KineBenchError if it is no database or cannot be written."""
        self.path, self.study = path, study
        self._turn = threading.Lock()
        with _told(path):
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(_TABLE)

    def add(self, given: Sequence[Given]) -> tuple[Given, ...]:
        """Keep answers, all or none; those that were there before are left as they were.

        Returns those that differ from what is there. Raises KineBenchError if the disk is full, say.
        """
        differing = []
        with self._turn, _told(self.path), self._transaction() as connection:
            for each in given:
                row = self.study, *each.place
                connection.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)", (*row, each.answer))
                where = "study = ? AND participant = ? AND trial = ? AND question = ?"
                (there,) = connection.execute(f"SELECT answer FROM answers WHERE {where}", row).fetchone()
                if there != each.answer:
                    differing.append(each)
        return tuple(differing)

    def counts(self) -> tuple[int, int]:
        """Answers and participants of this study."""
        asked = "SELECT count(*), count(DISTINCT participant) FROM answers WHERE study = ?"
        with self._turn, _told(self.path):
            answers, participants = self._connection.execute(asked, (self.study,)).fetchone()
        return int(answers), int(participants)

    def close(self) -> None:
        """Fold the journal into the file."""
        with self._turn:
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def read(path: Path, study: str) -> tuple[Given, ...]:
    """All answers of a study, in order; also while it is served. Raises KineBenchError."""
    if not path.is_file():
        raise KineBenchError(f"there is no file {path}; kinebench board study serve writes it")
    with _told(path), contextlib.closing(sqlite3.connect(path)) as connection:
        asked = "SELECT participant, trial, question, answer FROM answers WHERE study = ? ORDER BY 1, 2, 3"
        return tuple(Given(*row) for row in connection.execute(asked, (study,)))


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise KineBenchError(
            f"{path}: {error}; name another file with --db, or look at this one with sqlite3"
        ) from error
