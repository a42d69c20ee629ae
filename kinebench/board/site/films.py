"""Films of the site: those that are there, and where they go."""

import contextlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from kinebench.board.film import place

FOLDER = "films"


@dataclass
class Shelf:
    """Films by name; asked for once, they are taken along."""

    folder: Path
    _known: dict[str, bool] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether there is a film of this name."""
        if name not in self._known:
            self._known[name] = place(self.folder, name).is_file()
        return self._known[name]

    @property
    def taken(self) -> list[str]:
        """Names of all that were asked for and are there."""
        return sorted(name for name, there in self._known.items() if there)

    @property
    def lacking(self) -> int:
        """How many were asked for and are not there."""
        return sum(not there for there in self._known.values())


def bring(shelf: Shelf, name: str, site: Path) -> None:
    """A film into the site's folder: a second name of the same file where the disk allows, else a copy."""
    source, target = place(shelf.folder, name), place(site / FOLDER, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # another disk, or one without links
        os.link(source, target)
        return
    shutil.copyfile(source, target)
