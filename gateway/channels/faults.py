"""What went wrong with a channel, as the error family has it and as the model keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from gateway.channels.answers import plain
from gateway.channels.breaker import LeftAloneError
from gateway.model.channels import Fault, FaultCode
from gateway.sdk.errors import (
    AuthError,
    ChannelError,
    ContractError,
    CursorExpiredError,
    ForgedError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)

SHORTEST_SECRET = 4
"""Shorter ones are not looked for: their text would be part of ordinary words."""


class TimedOutError(UnavailableError):
    """A read was not answered within its deadline."""


_CODES: tuple[tuple[type[ChannelError], FaultCode], ...] = (  # the first that fits
    (TimedOutError, FaultCode.TIMEOUT),
    (UnavailableError, FaultCode.UNAVAILABLE),
    (OutcomeUnknownError, FaultCode.TIMEOUT),
    (RateLimitedError, FaultCode.RATE_LIMITED),
    (AuthError, FaultCode.AUTH_FAILED),
    (RejectedError, FaultCode.REJECTED),
    (CursorExpiredError, FaultCode.REJECTED),
    (ContractError, FaultCode.CONTRACT_VIOLATION),
    (ForgedError, FaultCode.REJECTED),
)


def fault_of(error: ChannelError, now: datetime) -> Fault:
    """The error as the model keeps it. While a channel is left alone, its fault is the one that led to that."""
    told = error.reason if isinstance(error, LeftAloneError) else error
    code = next((code for kind, code in _CODES if isinstance(told, kind)), FaultCode.UNAVAILABLE)
    return Fault(code=code, retryable=error.retryable, occurred_at=now, message=plain(error))


def without_secrets(error: ChannelError, secrets: frozenset[str]) -> ChannelError:
    """The same error; where its message holds a secret of the configuration, that is blotted out."""
    message = str(error)
    for secret in secrets:
        message = message.replace(secret, "***")
    if message != str(error):
        error.args = (message,)
    return error


def secrets_of(config: BaseModel) -> frozenset[str]:
    """Every secret in a channel's configuration."""
    return frozenset(secret for secret in _secrets(dict(config)) if len(secret) >= SHORTEST_SECRET)


def _secrets(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case SecretBytes():
            yield value.get_secret_value().decode(errors="ignore")
        case BaseModel():
            yield from _secrets(dict(value))
        case Mapping():
            for item in value.values():
                yield from _secrets(item)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from _secrets(item)
