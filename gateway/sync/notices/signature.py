"""Signatures of outgoing webhooks: the headers of Standard Webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime


def build_headers(keys: Iterable[bytes], id_: str, now: datetime, body: bytes) -> Mapping[str, str]:
    """Build the headers of a try: the ID is the same in every try, the time is that of this one.

    Args:
        keys: that sign; two while a secret is rotated, so that a receiver may have either.
    """
    timestamp = str(int(now.timestamp()))
    content = b".".join((id_.encode(), timestamp.encode(), body))
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_sign(key, content)}" for key in keys),
    }


def _sign(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
