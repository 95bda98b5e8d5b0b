"""Signed tokens: credentials and promises that are not stored. Each states its purpose.

The first secret signs. What was signed with one of the others, which it has replaced, is still accepted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from typing import Any

from gateway.model.ids import is_row_id

MAX_TOKEN_LENGTH = 20_000
"""Maximum length of a token in characters; an option for 200 lines fits."""

CODE_DIGITS = 6


def build_cart_token(secret: bytes, cart_id: str, rotation: int) -> str:
    """Build the token of a cart. Another rotation gives another token."""
    return f"{cart_id}.{_compute_mac(secret, 'cart', cart_id, str(rotation))}"


def build_order_token(secret: bytes, order_id: str) -> str:
    """Build the token by which a guest reads their order."""
    return f"{order_id}.{_compute_mac(secret, 'order', order_id)}"


def build_consent_token(secret: bytes, fact_id: str) -> str:
    """Build the token that confirms the grant of a consent."""
    return f"{fact_id}.{_compute_mac(secret, 'consent', fact_id)}"


def is_consent_token(secrets: Sequence[bytes], token: str, fact_id: str) -> bool:
    """Return whether this token confirms the grant of this consent."""
    return is_valid(token, [build_consent_token(secret, fact_id) for secret in secrets])


def extract_row_id(token: str) -> str | None:
    """Extract the row ID from the token of a cart or an order, unverified. Returns None if there is none."""
    id_, dot, _ = token.partition(".")
    return id_ if dot and len(token) < 200 and is_row_id(id_) else None


def is_cart_token(secrets: Sequence[bytes], token: str, cart_id: str, rotation: int) -> bool:
    """Return whether this is the current token of the cart."""
    return is_valid(token, [build_cart_token(secret, cart_id, rotation) for secret in secrets])


def is_order_token(secrets: Sequence[bytes], token: str, order_id: str) -> bool:
    """Return whether this is the token of the order."""
    return is_valid(token, [build_order_token(secret, order_id) for secret in secrets])


def is_valid(token: str, expected: Iterable[str]) -> bool:
    """Return whether a token is one of the expected ones, in a time that does not depend on which."""
    given = token.encode("utf-8", "replace")
    return any([hmac.compare_digest(given, one.encode("utf-8", "replace")) for one in expected])  # noqa: C419 all of them


def compute_pickup_code(secret: bytes, fulfillment_id: str, rotation: int) -> str:
    """Compute the pickup code of a fulfillment: six digits that the customer presents. Another rotation gives another
    code.
    """
    message = f"pickup\0{fulfillment_id}" + (f"\0{rotation}" if rotation else "")
    digest = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return str(int.from_bytes(digest[:8], "big") % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def is_pickup_code(secrets: Sequence[bytes], code: str, fulfillment_id: str, rotation: int) -> bool:
    """Return whether this is the current pickup code of the fulfillment."""
    return is_valid(code, [compute_pickup_code(secret, fulfillment_id, rotation) for secret in secrets])


def digest_network(secret: bytes, network: str) -> str:
    """Digest a network, to count what its clients keep without storing addresses."""
    return _compute_mac(secret, "network", network)


def sign_content(secret: bytes, kind: str, content: Any) -> str:
    """Sign content as a token that can be verified when it comes back."""
    text = base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).rstrip(b"=").decode()
    return f"{text}.{_compute_mac(secret, kind, text)}"


def verify_content(secrets: Sequence[bytes], kind: str, token: str) -> Any:
    """Verify a signed token and return its content; None if the signature is invalid."""
    text, _, _ = token.rpartition(".")
    if len(token) > MAX_TOKEN_LENGTH:
        return None
    if not is_valid(token, [f"{text}.{_compute_mac(secret, kind, text)}" for secret in secrets]):
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None


def _compute_mac(secret: bytes, kind: str, *parts: str) -> str:
    message = "\0".join((kind, *parts)).encode("utf-8", "replace")
    return base64.urlsafe_b64encode(hmac.new(secret, message, hashlib.sha256).digest()).rstrip(b"=").decode()
