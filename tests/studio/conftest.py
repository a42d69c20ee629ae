"""A studio that serves."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from kinebench.studio import server
from kinebench.studio.jobs import Jobs
from kinebench.studio.offer import offers

PHOTO = Path(__file__).parents[1] / "photo" / "photos" / "linen.jpg"


@pytest.fixture(scope="session")
def linen_file():
    return PHOTO


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """`address` to open, `url` without token, `token`, and the `session` behind it."""
    session = server.Studio(Jobs(tmp_path_factory.mktemp("studio"), offers([], {}, {})))
    with server.opened(session, 0) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        address = server.address(session, listening)
        yield SimpleNamespace(
            session=session, address=address, url=address.partition("?")[0].rstrip("/"), token=session.token
        )
        session.jobs.close()
        listening.shutdown()
        thread.join(10)
