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


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCount:
    """What a location's authority says of one inventory item there. All in the variant's smallest unit.

    Attributes:
        on_hand: units in the building; None: unknown. May be negative, as tills have it.
        committed: units among them that the authority itself has promised to orders.
        incoming: units on their way.
        observed_at: when this was last known to be so.
    """

    on_hand: int | None
    committed: int
    incoming: int
    version: int
    observed_at: datetime


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
