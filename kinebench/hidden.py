"""What a hidden season keeps to itself: its seed, and all that follows from it. See docs/season.md.

A recipe whose [dataset] names a season is generated from a secret seed. Keys and scenes follow from it by HMAC-SHA256,
so that none of them tells the seed, or another.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

KEY_DIGITS = 16


def is_hidden(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe, as plain content, is one of a hidden season."""
    return "season" in recipe["dataset"]


def told_seed(recipe: Mapping[str, Any], seed: int) -> int | None:
    """The seed of a dataset as others may read it: None in a hidden season."""
    return None if is_hidden(recipe) else seed


def secret(seed: int, *purpose: str | int) -> bytes:
    """32 bytes for one purpose: without the seed they are noise, and they say nothing of the seed."""
    return hmac.new(str(seed).encode(), json.dumps(purpose).encode(), hashlib.sha256).digest()


def opaque(seed: int, split: str, index: int) -> str:
    """What stands in a key in place of the index: 16 hexadecimal digits."""
    return secret(seed, "key", split, index).hex()[:KEY_DIGITS]
