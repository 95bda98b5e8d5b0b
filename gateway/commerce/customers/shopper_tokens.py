"""Shopper tokens: the gateway signs them in exchange for those of an issuer or a channel. They are not stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.commerce import tokens
from gateway.model.customers.logins import SHOPPER_PREFIX, ShopperToken

CONTENT_LENGTH = 7
"""Values that a token consists of."""

_PURPOSE = "shopper"


def build_shopper_token(secret: bytes, content: ShopperToken) -> str:
    """Build the token with this content."""
    moments = (content.issued_at, content.expires_at, content.auth_time)
    times = [None if moment is None else moment.timestamp() for moment in moments]
    names = [content.identity_id, content.home, content.issuer, content.channel]
    return SHOPPER_PREFIX + tokens.sign_content(secret, _PURPOSE, [*names, *times])


def read_shopper_token(secrets: Sequence[bytes], token: str) -> ShopperToken | None:
    """Read a token. None: the gateway has not signed it."""
    if not token.startswith(SHOPPER_PREFIX):
        return None
    content = tokens.verify_content(secrets, _PURPOSE, token.removeprefix(SHOPPER_PREFIX))
    if not isinstance(content, list) or len(content) != CONTENT_LENGTH:  # another version has signed it
        return None
    identity_id, home, issuer, channel, issued_at, expires_at, auth_time = content
    return ShopperToken(
        identity_id=identity_id,
        home=home,
        issuer=issuer,
        channel=channel,
        issued_at=datetime.fromtimestamp(issued_at, UTC),
        expires_at=datetime.fromtimestamp(expires_at, UTC),
        auth_time=None if auth_time is None else datetime.fromtimestamp(auth_time, UTC),
    )
