"""Stock: counts by location, and the quantities that can be sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.validation import clamp_quantity


class StockStatus(Enum):
    """Availability to show to customers. BACKORDER: no units are left, but the channel accepts orders."""

    IN_STOCK = "IN_STOCK"
    LOW_STOCK = "LOW_STOCK"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    BACKORDER = "BACKORDER"
    NOT_TRACKED = "NOT_TRACKED"
    UNKNOWN = "UNKNOWN"


class StockReason(Enum):
    """Reason of a stock adjustment."""

    COUNT = "COUNT"
    DAMAGE = "DAMAGE"
    THEFT = "THEFT"
    FOUND = "FOUND"
    CORRECTION = "CORRECTION"
    RECEIVED = "RECEIVED"


class MovementReason(Enum):
    """Reason of a stock movement: entered by a person, or caused by the gateway."""

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
    """State of a reservation.

    HELD: held until it expires. COMMITTED: sold and not yet subtracted from the authority's count (a movement).
    SETTLED: sold and subtracted from that count. RELEASED, EXPIRED: no longer reserved.
    """

    HELD = "HELD"
    COMMITTED = "COMMITTED"
    SETTLED = "SETTLED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class StockDisclosure:
    """How much of the stock a caller may know (rule K10).

    Attributes:
        cap: The most units that the caller is shown; None: exact quantities.
    """

    cap: int | None = None

    def show_units(self, units: int, asked: int = 0, *, pack: int = 1, shown: int = 0) -> int:
        """Return how many of these units the caller is shown.

        What the caller asked for is shown if there is as much: the caller learns nothing but that. Otherwise, and
        beyond that, at most the cap is.

        Args:
            asked: Units that the caller asks for.
            pack: Units that are sold together. One pack is shown, because the catalog says whether there is one.
            shown: Units of the same stock that the caller has been shown already.
        """
        if self.cap is None:
            return units
        known = max(self.cap, pack) - shown
        return min(units, max(known, asked if units >= asked else 0))


EXACT_STOCK = StockDisclosure()
"""Of callers who may see exact quantities, and of the gateway itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Units of a variant at a location that are reserved (rules K2, K7).

    Attributes:
        owner: Principal that holds it; empty for sold units.
        listing_id: Row ID of the listing through which the variant was reserved, so that merging and splitting variants
            moves no reservation.
        variant_id: Row ID of the variant; None: the catalog does not contain it.
        quantity: In the smallest unit of the variant. Negative: units in transfer to the location.
        expires_at: When a held reservation expires; None: it does not expire.
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
    """Stock of a variant at one location: the sum over the distinct items of the location's authority.

    Attributes:
        on_hand: None: not known yet, or not tracked. May be negative.
        reserved: Units that are held, and units that are sold and not yet subtracted from the authority's count.
        incoming: Units that are expected to arrive.
        tracked: Whether the authority counts the variant.
        observed_at: When the gateway last confirmed the count; None: never.
        stale_at: When the count becomes stale; None: no count is known.
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

    def compute_available(self, buffer: int = 0) -> int | None:
        """Return the units that can be sold: max(0, on hand - reserved - buffer); None: not known."""
        return None if self.on_hand is None else max(0, self.on_hand - self.reserved - buffer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Stock of a variant that one channel can sell, at one location or over all of them.

    Attributes:
        location_key: None: all locations from which the channel sells.
        available: Units that can be sold; None: not known, or not tracked. Capped for callers who may not see exact
            quantities.
        levels: The levels that were added up. Empty if the database has added them up.
    """

    variant_id: str
    channel_key: str
    location_key: str | None
    status: StockStatus
    available: int | None
    levels: tuple[StockLevel, ...]

    @property
    def on_hand(self) -> int | None:
        """Sum of the known counts; None: no count is known."""
        counts = [level.on_hand for level in self.levels if level.on_hand is not None]
        return clamp_quantity(sum(counts)) if counts else None

    @property
    def reserved(self) -> int:
        """Sum of the reserved units."""
        return clamp_quantity(sum(level.reserved for level in self.levels))

    @property
    def incoming(self) -> int:
        """Sum of the incoming units."""
        return clamp_quantity(sum(level.incoming for level in self.levels))

    @property
    def observed_at(self) -> datetime | None:
        """When the oldest of the counts was last confirmed; None: no count is known."""
        return min((level.observed_at for level in self.levels if level.observed_at), default=None)

    @property
    def stale_at(self) -> datetime | None:
        """When the first of the counts becomes stale; None: no count is known."""
        return min((level.stale_at for level in self.levels if level.stale_at), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAvailability:
    """Availability of a variant in one store.

    Attributes:
        available: Units that can be sold; None: not known, or not tracked. Capped for callers who may not see exact
            quantities.
        ready_at: When an item that is ordered now can be collected, including a transfer if needed; None: it cannot be
            collected.
    """

    location_key: str
    status: StockStatus
    available: int | None
    ready_at: datetime | None
