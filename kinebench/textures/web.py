"""Reading from a web server: JSON pages and files of a known size. Every failure is one clear `KineBenchError`."""

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from kinebench import __version__
from kinebench.errors import KineBenchError

_TIMEOUT_S = 60.0
_CHUNK_BYTES = 1 << 18
_PAGE_MAX_BYTES = 32 << 20


@contextmanager
def _opened(url: str) -> Iterator[http.client.HTTPResponse]:
    """An open answer, redirects followed; AmbientCG refuses Python's own User-Agent."""
    if not url.startswith(("https://", "http://")):
        raise KineBenchError(f"{url!r} is not a web address")
    request = urllib.request.Request(url, headers={"User-Agent": f"KineBench/{__version__}"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        raise KineBenchError(f"{url} answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise KineBenchError(f"cannot reach {url}: {error.reason}") from error
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise KineBenchError(f"the connection to {url} broke: {error}; try again") from error


def json_page(url: str) -> dict[str, Any]:
    """The JSON object at `url`."""
    with _opened(url) as answer:
        text = answer.read(_PAGE_MAX_BYTES)
    try:
        page = json.loads(text)
    except ValueError as error:
        raise KineBenchError(f"{url} did not answer with JSON: {error}") from error
    if not isinstance(page, dict):
        raise KineBenchError(f"{url} did not answer with a JSON object")
    return page


def download(url: str, target: BinaryIO, size: int, name: str) -> str:
    """Write the `size` bytes at `url` to `target`, rewound after it; returns their sha256 in hex."""
    digest, got = hashlib.sha256(), 0
    with _opened(url) as answer:
        while chunk := answer.read(_CHUNK_BYTES):
            got += len(chunk)
            if got > size:
                break
            digest.update(chunk)
            target.write(chunk)
    if got != size:
        amount = f"more than {size}" if got > size else str(got)
        raise KineBenchError(f"the download of {name} has {amount} bytes instead of the {size} announced; try again")
    target.seek(0)
    return digest.hexdigest()
