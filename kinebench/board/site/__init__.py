"""The board as static pages: no server, no request to anywhere, the same bytes for the same board."""

from kinebench.board.site.building import Built, build

__all__ = ["Built", "build"]
