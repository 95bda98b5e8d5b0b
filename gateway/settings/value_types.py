"""Types of single values in the configuration: durations, keys, time zones, networks, scopes."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib.util import find_spec
from ipaddress import ip_network
from typing import Annotated
from zoneinfo import available_timezones

import uritemplate
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
)

from gateway.model.content import normalize_locale
from gateway.model.record_validation import check_url
from gateway.model.validation import InvalidValueError, check_text

_KEY = re.compile(r"^[a-z][a-z0-9-]{0,39}$")

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}

SCOPES = (
    "stock:read",
    "stock:write",
    "orders:read",
    "orders:write",
    "customers:read",
    "customers:pii",
    "customers:write",
    "customers:admin",
    "customers:erase",
    "carts:write",
    "carts:read",
    "payments:assert",
    "catalogue:admin",
    "channels:admin",
    "schema:read",
    "audit:read",
    "tokens:admin",
    "documents:admin",
    "loyalty:write",
)
"""The scopes that a token can have."""


MAX_HTML, MAX_TAGS = 50_000, 2_000
"""Maximum number of characters and tags of HTML in the configuration."""

IMAGE_VARIABLES = frozenset({"url", "width", "height", "crop", "format"})
"""Variables of the URL template of an image server."""


def _parse_duration(value: object) -> object:
    """Parse a duration, a number with a unit: ``250ms``, ``30s``, ``5m``, ``1h``, ``2d``."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 30s, 5m, 1h or 2d")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError as error:
        raise ValueError("is too long for a duration") from error


def check_web_url(value: str) -> str:
    """Check the URL of a web page or file."""
    try:
        return check_url(value) or ""
    except InvalidValueError as error:
        raise ValueError(error.reason) from error


def _check_html(value: str) -> str:
    if len(value) > MAX_HTML or value.count("<") > MAX_TAGS:
        raise ValueError(f"expected at most {MAX_HTML:,} characters and {MAX_TAGS:,} tags")
    try:
        return check_text("html", value, MAX_HTML, empty=True)
    except InvalidValueError as error:
        raise ValueError(error.reason) from error


def _check_locale(value: str) -> str:
    try:
        return normalize_locale("locale", value)
    except InvalidValueError as error:
        raise ValueError("expected a language tag such as en-GB") from error


def _check_image_template(value: str) -> str:
    names = set(uritemplate.variables(value)) if "{" in value else set()
    if not value.startswith(("http://", "https://", "{+url}")) or "url" not in names:
        raise ValueError("expected a URL template with {url}, such as https://images.example.com/{url}{?width,height}")
    if unknown := sorted(names - IMAGE_VARIABLES):
        raise ValueError(f"unknown variable {unknown[0]}; expected one of {', '.join(sorted(IMAGE_VARIABLES))}")
    return value


def is_key(text: str) -> bool:
    """Return whether this is the key of a channel, a location or a token."""
    return _KEY.fullmatch(text) is not None


def _wrap_secret(value: object) -> object:
    """Accept a single secret where a list is expected."""
    return (value,) if isinstance(value, str | SecretStr) else value


def _check_time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("expected an IANA time zone such as Europe/London")
    return value


def _check_redis(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("redis://", "rediss://")):
        raise ValueError("expected redis://HOST:PORT/NUMBER or rediss://")
    if find_spec("redis") is None:
        raise ValueError("requires the extra redis: pip install 'commerce-gateway[redis]'")
    return value


def _check_network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError as error:
        raise ValueError("expected an IP address or a network such as 10.0.0.0/8") from error
    return value


def _expand_scopes(value: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := sorted(set(value) - {*SCOPES, "*"}):
        raise ValueError(f"unknown scope {unknown[0]}; expected one of {', '.join(SCOPES)}, or * for all")
    return SCOPES if "*" in value else value


Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]

Locale = Annotated[str, AfterValidator(_check_locale)]
"""A BCP 47 language tag."""

Html = Annotated[str, AfterValidator(_check_html)]
"""HTML that can be sanitized."""

WebUrl = Annotated[str, AfterValidator(check_web_url)]
"""The URL of a web page or file."""

ImageTemplate = Annotated[str, AfterValidator(_check_image_template)]
"""A URI template (RFC 6570) of an image server."""

Key = Annotated[str, StringConstraints(pattern=_KEY.pattern)]

TimeZone = Annotated[str, AfterValidator(_check_time_zone)]

Network = Annotated[str, AfterValidator(_check_network)]

RedisUrl = Annotated[SecretStr, AfterValidator(_check_redis)]

Scopes = Annotated[tuple[str, ...], AfterValidator(_expand_scopes)]

TokenSecrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_wrap_secret), Field(min_length=1, max_length=2)]
"""The secret of a token, or two while it is rotated; each as it is or as `token_secrets.hash_secret` returns it."""

WallTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
