"""Ids of persisted documents: hashes of their texts, or names that an app gives them."""

from __future__ import annotations

import hashlib
import re

_NAME = re.compile(r"[A-Za-z0-9._~:-]{1,200}")
"""Characters that the draft on persisted documents allows. They need no escaping in a URL."""

_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256"}
"""Hash algorithms by length of the digest. Relay, graphql-codegen and Apollo Client use digests without a prefix by
default.
"""


def normalize_id(id_: str) -> str | None:
    """Normalize an id: a SHA-256 digest gets its prefix. Returns None if the id is invalid."""
    if not _NAME.fullmatch(id_):
        return None
    parsed = _parse_hash(id_)
    if parsed is not None and parsed[0] == "sha256":
        return f"sha256:{parsed[1]}"
    return None if id_.startswith("sha256:") else id_


def compute_id(text: str) -> str:
    """Compute the id of a text: its hash."""
    return f"sha256:{_hash_text('sha256', text)}"


def is_hash(id_: str) -> bool:
    """Whether the id is a hash of its text."""
    return _parse_hash(id_) is not None


def is_id_of(id_: str, text: str) -> bool:
    """Whether the id can be that of this text. A hash can be that of one text only."""
    parsed = _parse_hash(id_)
    return parsed is None or parsed[1] == _hash_text(parsed[0], text)


def _parse_hash(id_: str) -> tuple[str, str] | None:
    """Return the algorithm and digest of an id, or None if it is not a hash."""
    prefix, _, digest = id_.rpartition(":")
    algorithm = _ALGORITHMS.get(len(digest))
    if algorithm is None or prefix not in ("", algorithm) or not re.fullmatch("[0-9a-f]+", digest):
        return None
    return algorithm, digest


def _hash_text(algorithm: str, text: str) -> str:
    """Unpaired surrogates keep distinct bytes, or different texts would have the same hash."""
    return hashlib.new(algorithm, text.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()
