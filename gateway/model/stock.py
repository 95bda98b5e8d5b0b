"""Stock: what is counted where, and what of it can be sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class StockStatus(Enum):
    """What a shopper is told. BACKORDER: none left, but the channel sells on."""

    IN_STOCK = "IN_STOCK"
    LOW_STOCK = "LOW_STOCK"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    BACKORDER = "BACKORDER"
    NOT_TRACKED = "NOT_TRACKED"
    UNKNOWN = "UNKNOWN"


class StockReason(Enum):
    """Why a person changed a count."""

    COUNT = "COUNT"
    DAMAGE = "DAMAGE"
    THEFT = "THEFT"
    FOUND = "FOUND"
    CORRECTION = "CORRECTION"
    RECEIVED = "RECEIVED"


class MovementReason(Enum):
    """Why units moved: what a person said, or what the gateway saw or did."""

    COUNT = "COUNT"
    DAMAGE = "DAMAGE"
    THEFT = "THEFT"
    FOUND = "FOUND"
    CORRECTION = "CORRECTION"
    RECEIVED = "RECEIVED"
    SALE = "SALE"
    CANCELLATION = "CANCELLATION"
    TRANSFER = "TRANSFER"


class ReservationState(Enum):
    """What has become of units that were spoken for.

    HELD: kept for somebody until they expire. COMMITTED: sold, and not yet in the authority's own count: a movement.
    SETTLED: in that count. RELEASED, EXPIRED: nobody's any more.
    """

    HELD = "HELD"
    COMMITTED = "COMMITTED"
    SETTLED = "SETTLED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Units of a variant at a location that are spoken for (rules K2, K7).

    Attributes:
        listing_id: the listing by which the variant was found, so that merges and splits move nothing.
        quantity: in the variant's smallest unit.
        owner: the principal that holds it; of what was sold nobody.
        expires_at: when a held one lapses; None: it does not.
    """

    id: str
    owner: str
    listing_id: str
    variant_id: str | None
    location_key: str
    quantity: int
    state: ReservationState
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevel:
    """A variant's stock at one location: the sum over the authority's distinct items.

    Attributes:
        on_hand: None while unknown, or where it is not tracked.
        reserved: held, plus sold and not yet in the authority's own count.
        tracked: False where the authority does not count this variant.
        stale_at: from when on the count is stale.
    """

    variant_id: str
    location_key: str
    version: int
    on_hand: int | None
    reserved: int
    incoming: int
    tracked: bool
    observed_at: datetime | None
    stale_at: datetime | None

    def available(self, buffer: int = 0) -> int | None:
        """What can be promised: max(0, on hand - reserved - buffer); None while that is unknown."""
        return None if self.on_hand is None else max(0, self.on_hand - self.reserved - buffer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A variant's stock as one channel may sell it, over one location or all.

    Attributes:
        location_key: None: all locations that the channel sells from.
        available: None: unknown, or not tracked. Capped for those who may not see the exact figure.
    """

    variant_id: str
    channel_key: str
    location_key: str | None
    status: StockStatus
    available: int | None
    levels: tuple[StockLevel, ...]

    @property
    def on_hand(self) -> int | None:
        """The sum of what is known."""
        known = [level.on_hand for level in self.levels if level.on_hand is not None]
        return sum(known) if known else None

    @property
    def reserved(self) -> int:
        """The sum over the levels."""
        return sum(level.reserved for level in self.levels)

    @property
    def incoming(self) -> int:
        """The sum over the levels."""
        return sum(level.incoming for level in self.levels)

    @property
    def observed_at(self) -> datetime | None:
        """The age of the oldest level."""
        return min((level.observed_at for level in self.levels if level.observed_at), default=None)

    @property
    def stale_at(self) -> datetime | None:
        """When the first level turns stale."""
        return min((level.stale_at for level in self.levels if level.stale_at), default=None)
