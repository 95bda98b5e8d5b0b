"""Loyalty accounts: points of a customer, and the entries of their ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class LoyaltyEntryKind(Enum):
    """What an entry of a loyalty account stands for.

    REVERSE: of a return, of a canceled order, or of a receipt that was corrected. EXPIRE: positive if points that had
    expired are given back, because they were spent before, which was reported late.
    """

    EARN = "EARN"
    REDEEM = "REDEEM"
    REVERSE = "REVERSE"
    EXPIRE = "EXPIRE"
    ADJUST = "ADJUST"


class EarnSource(Enum):
    """What earns points: the orders that channels report, or posts of tills (rule Y2)."""

    ORDERS = "orders"
    POSTS = "posts"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyEntry:
    """An entry of a loyalty account. It never changes; a correction is an entry of its own.

    Attributes:
        points: Negative if the balance becomes lower.
        reason: Human-readable text, in English.
        occurred_at: When it happened, not when it was reported.
        source_key: Key of the event, such as a receipt. Every event counts once (rule Y2).
        channel_key: Key of the channel in which it happened; None: none.
        location_key: Key of the location at which it happened; None: not known.
        source_order_id: Row ID of the order; None: there is none.
        pending_until: Until when earned points cannot be spent; None: they can be.
        expires_at: When earned points expire; None: never.
    """

    id: str
    account_id: str
    kind: LoyaltyEntryKind
    points: int
    reason: str
    occurred_at: datetime
    source_key: str
    channel_key: str | None = None
    location_key: str | None = None
    source_order_id: str | None = None
    pending_until: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyExpiry:
    """Points that expire at the same time."""

    points: int
    expires_at: datetime


class LoyaltyOwnerKind(Enum):
    """By what the accounts of a loyalty account are found. PROVED: accounts that a shopper is proved to own."""

    CUSTOMER = "CUSTOMER"
    PROVED = "PROVED"
    ACCOUNT = "ACCOUNT"


@dataclass(frozen=True, slots=True)
class LoyaltyOwner:
    """Whose accounts are summed: of a customer, or one account that belongs to none."""

    kind: LoyaltyOwnerKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyAccount:
    """The points of a customer: the sum over all accounts of the customer (rule Y1).

    Attributes:
        owner: Whose accounts they are.
        account_ids: Row IDs of the accounts, the oldest first.
        numbers: Numbers of the loyalty cards, the oldest account's first.
        balance: Points that can be spent now. Negative after a purchase with points that a store reported late.
        pending: Points that were earned, and cannot be spent yet.
        tier: Key of the tier; None: there is none.
        next_tier: Key of the next tier; None: it is the highest, or there are no tiers.
        points_to_next_tier: Points that are still to be earned for it.
    """

    owner: LoyaltyOwner
    account_ids: tuple[str, ...]
    numbers: tuple[str, ...]
    balance: int
    pending: int
    tier: str | None = None
    next_tier: str | None = None
    points_to_next_tier: int | None = None

    @property
    def number(self) -> str | None:
        """Number of the oldest account's card."""
        return self.numbers[0] if self.numbers else None
