"""The caller of a request, and what it may read and change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from gateway.execution.errors import ForbiddenError, UnauthenticatedError
from gateway.model.actors import Actor, CallerKind
from gateway.model.channels import Channel
from gateway.model.locations import Location

SCHEMA_SCOPE = "schema:read"
"""Scope that allows introspection where unauthenticated clients may not introspect."""

Scopes = Sequence[Sequence[str]]
"""Alternatives, each a list of scopes that are required together. No alternative: no scope is required."""


@dataclass(frozen=True)
class Caller:
    """The caller of a request.

    Attributes:
        channel: key of its default channel.
        principal: owner of its idempotency keys. It stays the same when the secret of the token is rotated.
        name: name of its token; empty without one.
        token_id: ID of its token; None: the token is in the configuration.
        channels: keys of the channels that it sees; None: all.
        locations: keys of the locations at which it acts; None: all.
        expires_at: when its token expires; None: never.
        identity_id: of a shopper, the identity that the login is bound to (rule C8).
        home: of a shopper, the customer id that was minted with this identity. It never changes.
        auth_time: when the shopper logged in; None: the token does not say it. That of a refreshed token is older.
    """

    kind: CallerKind
    scopes: tuple[str, ...] = ()
    channel: str | None = None
    principal: str = ""
    name: str = ""
    token_id: str | None = None
    channels: frozenset[str] | None = None
    locations: frozenset[str] | None = None
    expires_at: datetime | None = None
    identity_id: str | None = None
    home: str | None = None
    auth_time: datetime | None = None

    @property
    def is_trusted(self) -> bool:
        """Whether the retailer has given it a token. Anyone may be a shopper who logs in."""
        return self.kind.is_trusted

    @property
    def actor(self) -> Actor:
        """The caller, as audit entries name it."""
        return Actor(self.kind, self.name, self.identity_id or self.token_id)

    @cached_property
    def scope_class(self) -> str:
        """Everything that cached responses to the caller depend on, without its identity."""
        keys = [None if names is None else sorted(names) for names in (self.channels, self.locations)]
        return repr((self.kind.name, sorted(self.scopes), self.channel, *keys))

    def has_scope(self, scope: str) -> bool:
        return scope in self.scopes

    def can_act_at(self, *locations: str | None) -> bool:
        """Return whether it acts at all of these locations. None stands for no location in particular."""
        return self.locations is None or all(key is None or key in self.locations for key in locations)

    def has_scopes(self, scopes: Scopes) -> bool:
        """Return whether the caller has the scopes of one alternative."""
        return not scopes or any(set(needed) <= set(self.scopes) for needed in scopes)

    def require(self, scopes: Scopes) -> None:
        if self.has_scopes(scopes):
            return
        names = " or ".join(" with ".join(needed) for needed in scopes if "self" not in needed)
        if self.kind is CallerKind.ANONYMOUS:
            raise UnauthenticatedError(f"This needs a token with the scope {names}.")
        raise ForbiddenError(f"This needs the scope {names}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The caller, as the field `viewer` shows it."""

    kind: CallerKind
    name: str | None
    scopes: tuple[str, ...]
    default_channel: Channel | None
    channels: tuple[Channel, ...]
    sellable_channels: tuple[Channel, ...]
    locations: tuple[Location, ...]
    expires_at: datetime | None
    customer_id: str | None
    server_time: datetime


ANONYMOUS = Caller(CallerKind.ANONYMOUS)
