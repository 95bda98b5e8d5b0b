"""Actors: who sends a request, as audit entries and events of orders name them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class CallerKind(Enum):
    """The kind of a caller."""

    ANONYMOUS = "ANONYMOUS"
    SHOPPER = "SHOPPER"
    STAFF = "STAFF"
    PARTNER = "PARTNER"
    ADMIN = "ADMIN"

    @property
    def is_trusted(self) -> bool:
        """Whether the retailer has given the caller a token. Anyone may be a shopper who logs in."""
        return self not in (CallerKind.ANONYMOUS, CallerKind.SHOPPER)


@dataclass(frozen=True, slots=True)
class Actor:
    """The sender of a request. It names no person.

    Attributes:
        name: Name of the token; empty without one.
        token_id: ID of the token; of a shopper, of the identity. None: it is in the configuration, or there is none.
    """

    kind: CallerKind
    name: str = ""
    token_id: str | None = None

    @property
    def identity_id(self) -> str | None:
        """ID of the identity of a shopper; None: another caller."""
        return self.token_id if self.kind is CallerKind.SHOPPER else None
