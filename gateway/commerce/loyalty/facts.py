"""Facts of a loyalty account: what happened, each under a key of the real world (rule Y2).

Everything that is shown of an account is a function of the set of its facts, never of the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce.loyalty.program import EarnTerms
from gateway.model.customers.loyalty import LoyaltyEntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact of an account.

    Attributes:
        key: names the event, from whatever source it comes.
        at: when it happened.
        version: a source that reports the same event again, with other content, reports a greater version.
    """

    key: str
    at: datetime
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale(Fact):
    """A purchase. `minor`: the money that is kept of it, by what its own record says; without shipping and points."""

    minor: int
    currency: str
    terms: EarnTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleReturn(Fact):
    """A return of a purchase that has a record of its own. Until the purchase is known it waits (rule S6)."""

    sale_key: str
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit(Fact):
    """Points that were posted. `expires_at`: None: as the program says."""

    points: int
    kind: LoyaltyEntryKind = LoyaltyEntryKind.EARN
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit(Fact):
    """Points that were spent or taken off.

    Attributes:
        is_posted: whether the ledger shows it. A hold, and what was held and released, is not shown (rule Y4).
    """

    points: int
    kind: LoyaltyEntryKind = LoyaltyEntryKind.REDEEM
    is_posted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack(Fact):
    """Spent points that come back, with their old expiry (rule Y8)."""

    debit_key: str
    points: int
    is_posted: bool = True


def collapse_facts(facts: Iterable[Fact]) -> list[Fact]:
    """Return one fact per key, the newest version, by time and key."""
    newest: dict[str, Fact] = {}
    for fact in facts:
        known = newest.get(fact.key)
        if known is None or known.version < fact.version:
            newest[fact.key] = fact
    return sorted(newest.values(), key=lambda fact: (fact.at, fact.key))
