"""Sealing of cursors: they say nothing that can be read, and cannot be made by clients.

The same position always gives the same cursor, so that equal responses have equal bytes and ETags.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_PREFIX = "1"
"""The first character of a sealed cursor. Those of earlier versions are Base64 of a JSON array, and begin with W."""

_TAG_BYTES = 16


class CursorSealer:
    """Seals and unseals the texts of cursors with AES-SIV (RFC 5297).

    Args:
        secrets: secrets from which keys are derived; the first one seals.
        readable_until: until when cursors of earlier versions are accepted, which are not sealed. None: not at all.
    """

    def __init__(self, secrets: Sequence[bytes], readable_until: datetime | None = None) -> None:
        self._ciphers = [AESSIV(_derive_key(secret)) for secret in secrets]
        self._readable_until = readable_until

    def seal(self, text: bytes) -> str:
        """Seal the text of a cursor."""
        sealed = self._ciphers[0].encrypt(text, None)
        return _PREFIX + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def unseal(self, cursor: str, now: datetime) -> bytes | None:
        """Return the text of a cursor, or None if it is not one of this gateway."""
        if cursor.startswith(_PREFIX):
            return self._decrypt(_decode(cursor[len(_PREFIX) :]))
        is_readable = self._readable_until is not None and now < self._readable_until
        return _decode(cursor) if is_readable else None

    def _decrypt(self, sealed: bytes | None) -> bytes | None:
        if sealed is None or len(sealed) <= _TAG_BYTES:
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed, None)
            except InvalidTag:
                continue  # sealed with another secret, or not by the gateway
        return None


def _derive_key(secret: bytes) -> bytes:
    return hmac.new(secret, b"cursors", hashlib.sha256).digest()


def _decode(text: str) -> bytes | None:
    """Decode Base64 that is written in the one way in which it is encoded."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() == text else None
