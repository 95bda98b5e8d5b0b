"""Shopper tokens: the gateway signs them in exchange for those of an issuer or a channel. They are not stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.commerce import tokens
from gateway.model.customers.logins import SHOPPER_PREFIX, ShopperToken

_PURPOSE = "shopper"


def build_shopper_token(secret: bytes, content: ShopperToken) -> str:
    """Build the token with this content."""
    times = [content.issued_at.timestamp(), content.expires_at.timestamp()]
    names = [content.identity_id, content.home, content.issuer, content.channel]
    return SHOPPER_PREFIX + tokens.sign_content(secret, _PURPOSE, [*names, *times])


def read_shopper_token(secrets: Sequence[bytes], token: str) -> ShopperToken | None:
    """Read a token. None: the gateway has not signed it."""
    if not token.startswith(SHOPPER_PREFIX):
        return None
    content = tokens.verify_content(secrets, _PURPOSE, token.removeprefix(SHOPPER_PREFIX))
    if content is None:
        return None
    identity_id, home, issuer, channel, issued_at, expires_at = content
    return ShopperToken(
        identity_id=identity_id,
        home=home,
        issuer=issuer,
        channel=channel,
        issued_at=datetime.fromtimestamp(issued_at, UTC),
        expires_at=datetime.fromtimestamp(expires_at, UTC),
    )
