"""Where KineBench keeps what it can make or fetch again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """$KINEBENCH_CACHE, or ~/.cache/kinebench."""
    return Path(os.environ.get("KINEBENCH_CACHE") or Path.home() / ".cache" / "kinebench")
