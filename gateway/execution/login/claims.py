"""Claims of a verified token (RFC 7519, OpenID Connect Core)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.execution.login.errors import LoginError, LoginExpiredError
from gateway.model.content import normalize_locale
from gateway.model.customers.logins import VerifiedLogin
from gateway.model.validation import InvalidValueError, check_text
from gateway.settings.login import LoginTable

MAX_SUBJECT_LENGTH = 255
"""Characters of a subject (OpenID Connect Core, section 2)."""

MAX_TEXT_LENGTH = 255
"""Characters of a name or an email address; longer ones are left out."""


def read_login(issuer: str, table: LoginTable, claims: Mapping[str, Any], now: datetime) -> VerifiedLogin:
    """Read the claims of a token whose signature is verified.

    Raises:
        LoginExpiredError: it has expired.
        LoginError: it is for others, not valid yet, or lacks a claim.
    """
    _check_audience(table, claims)
    issued_at, expires_at = _read_time(claims, "iat"), _read_time(claims, "exp")
    if issued_at is None or expires_at is None:
        raise LoginError("The token does not say when it was issued and when it expires.")
    _check_times(table, claims, issued_at, expires_at, now)
    email = _read_text(claims, "email")
    return VerifiedLogin(
        issuer=issuer,
        subject=_read_subject(claims),
        email=email,
        email_verified=email is not None and table.asserts_email and _is_true(claims.get("email_verified")),
        given_name=_read_text(claims, "given_name"),
        family_name=_read_text(claims, "family_name"),
        locale=_read_locale(claims),
        auth_time=_read_time(claims, "auth_time"),
        issued_at=issued_at,
        expires_at=expires_at,
    )


def _check_audience(table: LoginTable, claims: Mapping[str, Any]) -> None:
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not any(one in table.audiences for one in named if isinstance(one, str)):
        raise LoginError("The token is for another audience.")


def _check_times(
    table: LoginTable, claims: Mapping[str, Any], issued_at: datetime, expires_at: datetime, now: datetime
) -> None:
    if now - expires_at >= table.leeway:
        raise LoginExpiredError("The token has expired.")
    valid_from = _read_time(claims, "nbf") or issued_at
    if max(valid_from, issued_at) - now > table.leeway:
        raise LoginError("The token is not valid yet.")


def _read_subject(claims: Mapping[str, Any]) -> str:
    try:
        return check_text("sub", claims.get("sub"), MAX_SUBJECT_LENGTH)
    except InvalidValueError as error:
        raise LoginError("The token has no subject, or one that is not valid.") from error


def _read_time(claims: Mapping[str, Any], name: str) -> datetime | None:
    """Read a NumericDate. None: it is missing.

    Raises:
        LoginError: it is not one.
    """
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LoginError(f"The claim {name} of the token is not a time.")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise LoginError(f"The claim {name} of the token is not a time.") from error


def _read_text(claims: Mapping[str, Any], name: str) -> str | None:
    """Read a text that is only shown. An invalid one is left out: it is no reason to refuse the login."""
    try:
        return check_text(name, claims[name].strip(), MAX_TEXT_LENGTH) if isinstance(claims.get(name), str) else None
    except InvalidValueError:
        return None


def _is_true(value: object) -> bool:
    """Whether a claim is true; some issuers send a text."""
    return value is True or value == "true"


def _read_locale(claims: Mapping[str, Any]) -> str | None:
    text = _read_text(claims, "locale")
    try:
        return None if text is None else normalize_locale("locale", text)
    except InvalidValueError:
        return None
