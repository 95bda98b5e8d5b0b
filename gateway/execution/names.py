"""What documents are asked for by: hashes of their texts, or names that an app gives them."""

from __future__ import annotations

import hashlib
import re

_NAME = re.compile(r"[A-Za-z0-9._~:-]{1,200}")
_BARE = {"md5": 32, "sha1": 40, "sha256": 64}
"""Hashes that documents are known by without a word on which it is, and their lengths; by default Relay takes the first,
graphql-codegen the second and Apollo the third."""

_HASH = re.compile(r"(?:(md5|sha1|sha256):)?([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})")


def canonical(name: str) -> str | None:
    """The name as it is kept: a SHA-256 with its prefix; None: it can be no document's name."""
    if not _NAME.fullmatch(name) or (name.startswith("sha256:") and not _HASH.fullmatch(name)):
        return None
    return f"sha256:{name}" if re.fullmatch("[0-9a-f]{64}", name) else name


def id_of(text: str) -> str:
    """The id of a text: its hash."""
    return f"sha256:{_digest('sha256', text)}"


def is_hash(name: str) -> bool:
    """Whether the name says what the text is."""
    found = _HASH.fullmatch(name)
    return found is not None and found[1] in (None, _kind(found[2]))


def fits(name: str, text: str) -> bool:
    """Whether the name may stand for this text: where it is a hash, the text's own."""
    found = _HASH.fullmatch(name)
    return found is None or not is_hash(name) or _digest(_kind(found[2]), text) == found[2]


def _kind(digest: str) -> str:
    return next(kind for kind, length in _BARE.items() if length == len(digest))


def _digest(kind: str, text: str) -> str:
    """Half surrogates have their own bytes, or two texts would have one hash."""
    data = text.encode(errors="surrogatepass")
    return hashlib.new(kind, data, usedforsecurity=False).hexdigest()
