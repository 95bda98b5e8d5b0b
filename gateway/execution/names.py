"""What documents are asked for by: hashes of their texts, or names that an app gives them."""

from __future__ import annotations

import hashlib
import re

_NAME = re.compile(r"[A-Za-z0-9._~:-]{1,200}")
"""The characters that the draft on persisted documents allows: they need no escaping in a URL."""

_KINDS = {32: "md5", 40: "sha1", 64: "sha256"}
"""Hashes by their lengths. Bare ones are what Relay, graphql-codegen and Apollo Client call documents by default."""


def canonical(name: str) -> str | None:
    """The name as it is kept: a SHA-256 with its prefix. None: no document can have it."""
    if not _NAME.fullmatch(name):
        return None
    claim = _claimed(name)
    if claim is not None and claim[0] == "sha256":
        return f"sha256:{claim[1]}"
    return None if name.startswith("sha256:") else name


def id_of(text: str) -> str:
    """The id of a text: its hash."""
    return f"sha256:{_digest('sha256', text)}"


def is_hash(name: str) -> bool:
    """Whether the name says what its text is."""
    return _claimed(name) is not None


def fits(name: str, text: str) -> bool:
    """Whether the name may stand for this text: where it is a hash, for no other."""
    claim = _claimed(name)
    return claim is None or claim[1] == _digest(claim[0], text)


def _claimed(name: str) -> tuple[str, str] | None:
    """Which hash a name says to be, and its digits."""
    prefix, _, digits = name.rpartition(":")
    kind = _KINDS.get(len(digits))
    if kind is None or prefix not in ("", kind) or not re.fullmatch("[0-9a-f]+", digits):
        return None
    return kind, digits


def _digest(kind: str, text: str) -> str:
    """Half surrogates keep bytes of their own, or different texts would have one hash."""
    return hashlib.new(kind, text.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()
