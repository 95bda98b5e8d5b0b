"""Errors of channels: conversion to faults of the model, and removal of secrets from messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from gateway.channels.circuit_breaker import CircuitOpenError
from gateway.model.channels import Fault, FaultCode
from gateway.model.validation import sanitize_message
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

MIN_SECRET_LENGTH = 4
"""Characters. Shorter secrets are not searched for, because their text occurs in ordinary words."""


class CallTimeoutError(UnavailableError):
    """A read exceeded its deadline."""


_CODES: tuple[tuple[type[ChannelError], FaultCode], ...] = (  # the first match counts
    (CallTimeoutError, FaultCode.TIMEOUT),
    (UnavailableError, FaultCode.UNAVAILABLE),
    (OutcomeUnknownError, FaultCode.TIMEOUT),
    (RateLimitedError, FaultCode.RATE_LIMITED),
    (AuthError, FaultCode.AUTH_FAILED),
    (RejectedError, FaultCode.REJECTED),
    (CursorExpiredError, FaultCode.REJECTED),
    (ContractError, FaultCode.CONTRACT_VIOLATION),
    (ForgedError, FaultCode.REJECTED),
)


def build_fault(error: ChannelError, now: datetime) -> Fault:
    """Build the fault of an error. While the circuit is open, its code is that of the failure that opened it."""
    cause = error.reason if isinstance(error, CircuitOpenError) else error
    code = next((code for kind, code in _CODES if isinstance(cause, kind)), FaultCode.UNAVAILABLE)
    return Fault(code=code, retryable=error.retryable, occurred_at=now, message=sanitize_message(error))


def redact_secrets(error: ChannelError, secrets: frozenset[str]) -> ChannelError:
    """Replace secrets of the configuration in the error's message."""
    message = hide_secrets(str(error), secrets)
    if message != str(error):
        error.args = (message,)
    return error


def hide_secrets(text: str, secrets: frozenset[str]) -> str:
    """Replace secrets in a text."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def collect_secrets(config: BaseModel) -> frozenset[str]:
    """Collect all secrets of a channel's configuration."""
    return frozenset(secret for secret in _iterate_secrets(dict(config)) if len(secret) >= MIN_SECRET_LENGTH)


def _iterate_secrets(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case SecretBytes():
            yield value.get_secret_value().decode(errors="ignore")
        case BaseModel():
            yield from _iterate_secrets(dict(value))
        case Mapping():
            for item in value.values():
                yield from _iterate_secrets(item)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from _iterate_secrets(item)
