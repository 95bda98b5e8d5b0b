"""The parts of a JWT, before its signature is verified."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.execution.login.errors import LoginError

MAX_LENGTH = 16_000
"""Characters of a token."""

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

TOKEN_TYPES = ("jwt", "at+jwt", "id_token+jwt")
"""Types of tokens that a shopper sends. Others, such as those of a logout, are signed with the same keys."""


@dataclass(frozen=True, slots=True)
class TokenParts:
    """Header and claims of a token; nothing of it is verified."""

    algorithm: str
    key_id: str | None
    claims: dict[str, Any] = field(repr=False)


def is_token(text: str) -> bool:
    """Return whether a bearer token has the form of a JWT."""
    return _SHAPE.fullmatch(text) is not None


def parse_token(text: str) -> TokenParts:
    """Parse a token.

    Raises:
        LoginError: it is too long, malformed, or no token for a login.
    """
    if len(text) > MAX_LENGTH:
        raise LoginError(f"The token has more than {MAX_LENGTH:,} characters.")
    if not is_token(text):
        raise _build_malformed_error()
    header, claims = (_parse_part(part) for part in text.split(".")[:2])
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
        raise _build_malformed_error()
    if "crit" in header or not _is_login(header.get("typ", "JWT"), claims):
        raise LoginError("The token is not one of a login.")
    return TokenParts(algorithm, key_id, claims)


def _parse_part(part: str) -> dict[str, Any]:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, orjson.JSONDecodeError) as error:
        raise _build_malformed_error() from error
    if not isinstance(value, dict):
        raise _build_malformed_error()
    return value


def _is_login(type_: object, claims: dict[str, Any]) -> bool:
    name = type_.lower().removeprefix("application/") if isinstance(type_, str) else ""
    return name in TOKEN_TYPES and "events" not in claims


def _build_malformed_error() -> LoginError:
    return LoginError("The token is malformed.")
