"""Secrets of tokens, and the hashes as which they are stored."""

from __future__ import annotations

import hashlib
import re

MIN_SECRET_LENGTH = 32
"""Characters of a token that is stored unhashed, in production."""

_HASH = re.compile(r"sha256:([0-9a-f]{64})")


def hash_secret(secret: str) -> str:
    """Hash the secret of a token as the configuration stores it: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(secret.encode()).hexdigest()}"


def is_hashed(secret: str) -> bool:
    """Return whether this is the hash of a token rather than the token."""
    return _HASH.fullmatch(secret) is not None
