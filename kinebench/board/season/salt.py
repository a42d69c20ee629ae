"""The salt of a season: 256 secret bits, from which its seed follows, and from that everything else."""

import hashlib
import hmac
import json
import os
import re
import secrets
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.shards.files import disk_room, sync_folder

NAME = "salt"
BYTES = 32


def keep(path: Path) -> bytes:
    """The salt at `path`; it is drawn if there is none yet, and only its owner may read it. Raises as `read` does."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{os.uname().nodename}.{os.getpid()}.tmp")
        temporary.unlink(missing_ok=True)
        with disk_room("keeping the salt", path.parent, 4096):
            try:
                with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(text(secrets.token_bytes(BYTES)))
                    file.flush()
                    os.fsync(file.fileno())
                if not path.exists():
                    temporary.rename(path)
                    sync_folder(path.parent)
            finally:
                temporary.unlink(missing_ok=True)
    return read(path)


def read(path: Path) -> bytes:
    """The salt in a file. Raises KineBenchError if there is none, or it is damaged."""
    try:
        said = path.read_bytes().decode("ascii", "replace").strip()
    except OSError as error:
        raise KineBenchError(f"{path}: cannot be read: {error.strerror}") from error
    if not re.fullmatch(rf"[0-9a-f]{{{2 * BYTES}}}", said):
        raise KineBenchError(f"{path} is no salt: expected {2 * BYTES} hexadecimal digits")
    return bytes.fromhex(said)


def text(salt: bytes) -> bytes:
    """The file."""
    return salt.hex().encode() + b"\n"


def seed_of(salt: bytes, season: str, recipe_sha256: str) -> int:
    """The seed of a season's dataset, 256 bits: HMAC-SHA256 of its name and recipe, keyed by the salt."""
    said = json.dumps(["kinebench season seed", season, recipe_sha256]).encode()
    return int.from_bytes(hmac.new(salt, said, hashlib.sha256).digest(), "big")
