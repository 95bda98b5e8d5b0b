"""Tokens that are credentials, or promises of ours: each is signed, says what it is for, and stands in no table."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from gateway.model.ids import is_row_id

LONGEST = 20_000
"""Characters of a token: an option for 200 lines fits."""

CODE_DIGITS = 6


def of_cart(secret: bytes, cart_id: str, rotation: int) -> str:
    """The token of a cart. Another rotation is another token."""
    return f"{cart_id}.{_mac(secret, 'cart', cart_id, str(rotation))}"


def of_order(secret: bytes, order_id: str) -> str:
    """The token by which a guest finds her order again."""
    return f"{order_id}.{_mac(secret, 'order', order_id)}"


def named(token: str) -> str | None:
    """The row that a token of a cart or an order names, whoever made it up; None: none."""
    id_, dot, _ = token.partition(".")
    return id_ if dot and len(token) < 200 and is_row_id(id_) else None


def is_right(token: str, right: str) -> bool:
    """Whether this is the token, found out in the same time whatever it is."""
    return hmac.compare_digest(token.encode("utf-8", "replace"), right.encode())


def pickup_code(secret: bytes, fulfillment_id: str) -> str:
    """What whoever collects has to say: six digits."""
    digest = hmac.new(secret, f"pickup\0{fulfillment_id}".encode(), hashlib.sha256).digest()
    return str(int.from_bytes(digest[:8], "big") % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def promise(secret: bytes, kind: str, content: Any) -> str:
    """A token that says this, so that it can be believed when it comes back."""
    text = base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).rstrip(b"=").decode()
    return f"{text}.{_mac(secret, kind, text)}"


def promised(secret: bytes, kind: str, token: str) -> Any:
    """What a token of ours says; None: it is none."""
    text, _, _ = token.rpartition(".")
    if len(token) > LONGEST or not is_right(token, f"{text}.{_mac(secret, kind, text)}"):
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None


def _mac(secret: bytes, kind: str, *parts: str) -> str:
    signed = "\0".join((kind, *parts)).encode("utf-8", "replace")
    return base64.urlsafe_b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).rstrip(b"=").decode()
