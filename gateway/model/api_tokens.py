"""Tokens that operators create through the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class ApiTokenState(Enum):
    """State of a token. ROTATING: its former secret is still accepted."""

    ACTIVE = "ACTIVE"
    ROTATING = "ROTATING"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token that an operator created.

    Attributes:
        kind: Name of a `CallerKind`.
        prefix: First characters of the secret, to tell tokens apart.
        channel_key: Key of the default channel; None: that of the configuration.
        channel_keys: Keys of the channels that it sees; None: all.
        location_keys: Keys of the locations at which it acts; None: all.
        created_by: Name of the token that created it.
        rotates_at: When the former secret was or is no longer accepted; None: it was never rotated.
        last_used_at: When it was last used, to the minute; None: never.
    """

    id: str
    name: str
    kind: str
    state: ApiTokenState
    prefix: str
    secret_hash: str = field(repr=False)
    scopes: tuple[str, ...]
    channel_key: str | None
    channel_keys: tuple[str, ...] | None
    location_keys: tuple[str, ...] | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    rotates_at: datetime | None
    last_used_at: datetime | None
