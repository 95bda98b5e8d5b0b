"""`[webhooks.NAME]`: endpoints that receive outgoing webhooks (rules N3, N4)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from gateway.model.notices.kinds import NoticeKind
from gateway.settings.table import Table
from gateway.settings.value_types import WebUrl

PREFIX = "whsec_"
"""Prefix of a signing secret, as Standard Webhooks defines."""

MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64
HTTPS_PORT = 443


def _wrap_secret(value: object) -> object:
    """Accept a single secret where a list is expected."""
    return (value,) if isinstance(value, str | SecretStr) else value


def decode_secret(text: str) -> bytes:
    """Decode a signing secret.

    Raises:
        ValueError: it is none.
    """
    encoded = text.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("expected whsec_ and base64, as Standard Webhooks defines") from error
    if encoded == text or not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ValueError(f"expected whsec_ and the base64 of {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} random bytes")
    return key


def _check_secret(secret: SecretStr) -> SecretStr:
    decode_secret(secret.get_secret_value())
    return secret


SigningSecrets = Annotated[
    tuple[Annotated[SecretStr, AfterValidator(_check_secret)], ...],
    BeforeValidator(_wrap_secret),
    Field(min_length=1, max_length=2),
]
"""The secret that signs, or two while it is rotated: then each delivery has a signature of both."""


class WebhookTable(Table):
    """`[webhooks.NAME]`: an endpoint, and the kinds of notices that it takes."""

    url: WebUrl
    secrets: SigningSecrets
    kinds: Annotated[tuple[NoticeKind, ...], Field(min_length=1)]
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = ()  # that url may name, besides 443
    private_addresses: bool = False  # allows url in a private network or on this machine, there also with http

    @model_validator(mode="after")
    def _check_url(self) -> WebhookTable:
        parts = urlsplit(self.url)
        if parts.username is not None or parts.password is not None:
            raise ValueError("url: expected no user and no password; deliveries are signed")
        if self.private_addresses:
            return self
        if parts.scheme != "https":
            raise ValueError("url: expected https, or private_addresses = true for a host in your network")
        if (parts.port or HTTPS_PORT) not in (HTTPS_PORT, *self.ports):
            raise ValueError("url: expected port 443, or one that ports lists")
        return self

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The keys that sign."""
        return tuple(decode_secret(secret.get_secret_value()) for secret in self.secrets)
