"""One attempt at one sample, in whatever process a runner gives it."""

import traceback
from collections.abc import Callable
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.shards.sample import Sample


def attempt(
    job: dict[str, Any], progress: Callable[[int, int], None], deliver: Callable[[Sample], Any]
) -> dict[str, str]:
    """Make the sample of a job and deliver it; `progress(frames done, frames)`.

    Answers {"kind": "done"}; or "refused", a user's mistake, or "failed", anything else, each with its "message".
    """
    try:
        deliver(_make(job, progress))
    except KineBenchError as error:
        return {"kind": "refused", "message": str(error)}
    except Exception:
        return {"kind": "failed", "message": traceback.format_exc()}
    return {"kind": "done"}


def _make(job: dict[str, Any], progress: Callable[[int, int], None]) -> Sample:
    from kinebench import recipe as recipes
    from kinebench.pipeline import make_sample

    recipe = recipes.parse(job["recipe"], job["source"])
    if recipe.sha256 != job["recipe_sha256"]:
        raise KineBenchError(
            "the KineBench of a worker makes other data than the one that started it; install the same"
        )
    return make_sample(recipe, job["split"], job["index"], job["seed"], job["companions"], progress)
