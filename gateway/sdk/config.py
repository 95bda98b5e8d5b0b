"""Base class and value types of channel configurations."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, WithJsonSchema

from gateway.model.money import check_known_currency
from gateway.model.validation import InvalidValueError

_BASE_URL = re.compile(r"https?://[^\s/?#@]+")


class Config(BaseModel):
    """Base class of a channel type's configuration. Unknown keys are refused. Declare secrets as `Secret` or
    `SecretStr`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _check_currency(value: str) -> str:
    try:
        return check_known_currency("currency", value)
    except InvalidValueError:
        raise ValueError("expected an ISO 4217 currency code such as GBP") from None


def _check_time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("expected an IANA time zone such as Europe/London")
    return value


def _check_secret(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("is empty")
    if not value.get_secret_value().isascii() or not value.get_secret_value().isprintable():
        raise ValueError("contains characters that are not allowed in a token; check for quotes or spaces")
    return value


def _check_base_url(value: str) -> str:
    if not _BASE_URL.fullmatch(value):
        raise ValueError("expected a URL without a path, such as http://127.0.0.1:8080")
    return value


Currency = Annotated[str, AfterValidator(_check_currency)]
"""An ISO 4217 currency code."""

TimeZone = Annotated[str, AfterValidator(_check_time_zone)]
"""An IANA time zone."""

Secret = Annotated[SecretStr, AfterValidator(_check_secret)]
"""A secret that is not empty. It is never printed."""

BaseUrl = Annotated[
    str, AfterValidator(_check_base_url), WithJsonSchema({"type": "string", "pattern": f"^{_BASE_URL.pattern}$"})
]
"""A base URL for `Context.http`: scheme (http or https), host and port."""
