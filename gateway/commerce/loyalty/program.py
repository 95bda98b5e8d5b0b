"""The loyalty program: what purchases earn, how long points last, what they are worth, and the tiers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from decimal import ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from gateway.model.customers.loyalty import EarnSource
from gateway.model.money import get_exponent
from gateway.model.validation import MAX_AMOUNT

RESTORED_FOR = timedelta(days=30)
"""How long points last at least that come back with a return (rule Y8)."""

MAX_POINTS = 1_000_000_000
"""Maximum number of points of a fact."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier.

    Attributes:
        points: what has to be earned in a period to reach it.
        multiplier: of the points that a purchase earns in it.
    """

    key: str
    points: int
    multiplier: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class EarnTerms:
    """At what rate a purchase earns. Frozen when it first earns (rule Y3)."""

    rate: Decimal
    multiplier: Decimal = Decimal(1)

    def compute_points(self, minor: int, currency: str) -> int:
        """Compute the points that this money earns, as a whole, rounded down."""
        if minor <= 0:
            return 0
        exact = self.rate * self.multiplier * Decimal(minor).scaleb(-get_exponent(currency))
        return min(int(exact.to_integral_value(ROUND_FLOOR)), MAX_POINTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyProgram:
    """The loyalty program.

    Attributes:
        issuer: the channel that issues the cards: an account belongs to the identity which that channel reports.
        opening: the channel whose points of cards are taken over; None: none.
        earn: what earns points.
        since: purchases before do not earn.
        rates: points per unit of a currency. Purchases in other currencies do not earn.
        worth: what a point is worth, in units of a currency. In other currencies no points are redeemed.
        pending: how long earned points cannot be spent.
        expires_after: how long points last; None: for ever.
        zone: the time zone whose calendar days end an expiry and a period.
        tiers: from the lowest to the highest.
        location_keys: keys of locations, by channel and external location.
        tier_months: length of the period in which points for a tier are counted; divides a year.
    """

    since: datetime
    issuer: str | None = None
    opening: str | None = None
    earn: EarnSource = EarnSource.ORDERS
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    worth: Mapping[str, Decimal] = field(default_factory=dict)
    pending: timedelta = timedelta(0)
    expires_after: timedelta | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    tiers: tuple[Tier, ...] = ()
    tier_months: int = 12
    location_keys: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def compute_start(self, at: datetime) -> datetime:
        """Compute from when on points can be spent that were earned at this time (rule Y10)."""
        return at + self.pending

    def compute_expiry(self, at: datetime) -> datetime | None:
        """Compute when points expire that were earned at this time: at the end of a calendar day (rule Y6)."""
        return None if self.expires_after is None else self.compute_day_end(at + self.expires_after)

    def compute_day_end(self, at: datetime) -> datetime:
        """Compute the end of the calendar day in the zone of the program."""
        return self._start_day(at.astimezone(self.zone).date() + timedelta(days=1))

    def find_period(self, at: datetime) -> int:
        """Find the number of the period in which points count for a tier."""
        day = at.astimezone(self.zone)
        return (day.year * 12 + day.month - 1) // self.tier_months

    def compute_period_end(self, period: int) -> datetime:
        """Compute the end of a period."""
        months = (period + 1) * self.tier_months
        return self._start_day(date(months // 12, months % 12 + 1, 1))

    def compute_worth(self, points: int, currency: str) -> int | None:
        """Compute what points are worth, in the smallest unit of a currency, rounded down; None: nothing in it."""
        if currency not in self.worth:
            return None
        exact = self.worth[currency] * Decimal(points).scaleb(get_exponent(currency))
        return max(-MAX_AMOUNT, min(int(exact.to_integral_value(ROUND_FLOOR)), MAX_AMOUNT))

    def _start_day(self, day: date) -> datetime:
        return datetime.combine(day, wall_time(), self.zone).astimezone(ZoneInfo("UTC"))
