"""Who asks, and what they may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.execution.errors import ForbiddenError, UnauthenticatedError
from gateway.model.channels import Channel, Location

SEES_SCHEMA = "schema:read"
"""The scope of those who are told what the schema has, also where strangers are not."""

Scopes = Sequence[Sequence[str]]
"""Alternatives, each a list of scopes that are needed together; none at all: open to everybody."""


class CallerKind(Enum):
    """Whose token it is."""

    ANONYMOUS = "ANONYMOUS"
    SHOPPER = "SHOPPER"
    STAFF = "STAFF"
    PARTNER = "PARTNER"
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `channel`: the key of her default channel; `principal`: whose idempotency keys are hers."""

    kind: CallerKind
    scopes: tuple[str, ...] = ()
    channel: str | None = None
    principal: str = ""

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def require(self, scopes: Scopes) -> None:
        if not scopes or any(set(needed) <= set(self.scopes) for needed in scopes):
            return
        wanted = " or ".join(" with ".join(needed) for needed in scopes if "self" not in needed)
        if self.kind is CallerKind.ANONYMOUS:
            raise UnauthenticatedError(f"This needs a token with the scope {wanted}.")
        raise ForbiddenError(f"This needs the scope {wanted}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """What a caller is told about herself."""

    kind: CallerKind
    scopes: tuple[str, ...]
    channels: tuple[Channel, ...]
    locations: tuple[Location, ...]
    server_time: datetime


ANONYMOUS = Caller(CallerKind.ANONYMOUS)
