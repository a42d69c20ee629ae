"""Uploading a published folder to the Hugging Face Hub."""

import re
from typing import Any

from kinebench.errors import KineBenchError, require
from kinebench.publish.publication import Publication

_REPO = re.compile(r"[\w.-]+/[\w.-]+")


def check(repo: str) -> None:
    """Raise KineBenchError if nothing could be pushed: no library, a wrong name, no token. Asks no server."""
    hub = require("huggingface_hub", "hub")
    if not _REPO.fullmatch(repo):
        raise KineBenchError(f"--push {repo}: expected OWNER/NAME, such as my-lab/interactions")
    if hub.get_token() is None:
        raise KineBenchError(
            "there is no token for the Hub: run 'hf auth login', or set HF_TOKEN to a token that may write"
        )


def push(publication: Publication, repo: str, private: bool, revision: str | None) -> str:
    """Upload a folder as the dataset `repo`, "owner/name", made if need be; returns its address.

    What the Hub already has is not sent again, so a push that broke off is continued by the same call. Raises
    KineBenchError if the Hub cannot be reached or refuses.
    """
    check(repo)
    hub = require("huggingface_hub", "hub")
    network = hub.errors.HfHubHTTPError.__bases__[0]  # the base of all errors of the library that it speaks HTTP with
    api = hub.HfApi(library_name="kinebench")
    try:
        address = api.create_repo(repo, repo_type="dataset", private=private or None, exist_ok=True)
        if revision is not None:
            api.create_branch(repo, repo_type="dataset", branch=revision, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            repo_type="dataset",
            folder_path=publication.folder,
            allow_patterns=list(publication.files),
            revision=revision,
            commit_message=f"{publication.title}, published with KineBench",
        )
    except hub.errors.HfHubHTTPError as error:
        raise KineBenchError(_refusal(repo, error)) from error
    except (network, ConnectionError, TimeoutError) as error:
        raise KineBenchError(
            f"the Hub at {api.endpoint} cannot be reached: {error}; run the same command again when it can: what was "
            "uploaded is not sent again"
        ) from error
    return str(address)


def _refusal(repo: str, error: Any) -> str:
    status = int(error.response.status_code)
    reasons = {
        401: "the token is wrong or has expired: run 'hf auth login', or set HF_TOKEN anew",
        403: f"the token may not write to {repo}: use one with write access to {repo.split('/')[0]}, or another OWNER",
        404: f"there is no {repo}, or the token may not see it: check OWNER/NAME and the token's access",
        429: "too many requests: wait a while, then run the same command again; what was uploaded is not sent again",
    }
    said = str(error.server_message or str(error).strip().splitlines()[0])
    return f"the Hub refused {repo} ({status}): {reasons.get(status, said)}"
