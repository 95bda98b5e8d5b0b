"""What stands in the configuration of a channel, and kinds of values that many of them have."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, WithJsonSchema

from gateway.model.money import Money
from gateway.model.values import InvalidValueError

_BASE_URL = re.compile(r"https?://[^\s/?#@]+")


class Config(BaseModel):
    """The base of a channel type's configuration: unknown keys are refused. Secrets are `Secret` or `SecretStr`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _currency(value: str) -> str:
    try:
        return Money(0, value).currency_code
    except InvalidValueError:
        raise ValueError("expected a currency code of ISO 4217 such as GBP") from None


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("expected an IANA time zone such as Europe/London")
    return value


def _secret(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("is empty")
    if not value.get_secret_value().isascii() or not value.get_secret_value().isprintable():
        raise ValueError("has characters that no token has; was it copied with something around it?")
    return value


def _base_url(value: str) -> str:
    if not _BASE_URL.fullmatch(value):
        raise ValueError("expected an address such as http://127.0.0.1:8080, without a path")
    return value


Currency = Annotated[str, AfterValidator(_currency)]
"""A code of ISO 4217."""

TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""An IANA name."""

Secret = Annotated[SecretStr, AfterValidator(_secret)]
"""A secret that is not empty. Nothing prints it."""

BaseUrl = Annotated[
    str, AfterValidator(_base_url), WithJsonSchema({"type": "string", "pattern": f"^{_BASE_URL.pattern}$"})
]
"""What `Context.http` takes: scheme, host and port, of http or https."""
