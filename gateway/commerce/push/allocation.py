"""Allocation: the last units of a variant, set aside for a follower that reports its sales late (rule K6).

Some of the last units are offered by one follower alone. They are held, so no other channel sells them, and the
follower is offered more only when it shows none. Whatever it has sold and not reported yet comes out of its own
allocation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import channel_holds, reservation_changes
from gateway.commerce.inventory.reservations import (
    InsufficientStockError,
    ReservationTemplate,
    StockRequest,
    reserve_stock,
)
from gateway.model.locations import Location
from gateway.model.stock import ReservationState
from gateway.storage.database import Connection
from gateway.storage.writes import listings, reservations, stock_counters
from gateway.storage.writes.reservations import ReservationRow

OfferKey = tuple[str, str]
"""A listing ID, and the external location that it is offered from."""


def format_owner(channel: str, listing_id: str) -> str:
    """Build the owner of the reservations that are allocated to a listing."""
    return f"{channel_holds.format_allocation_prefix(channel)}{listing_id}"


def load_allocations(
    conn: Connection, channel: str, location: Location, variant_ids: Collection[str]
) -> Mapping[str, Sequence[ReservationRow]]:
    """Load the reservations of these variants that are allocated to a channel at a location, by listing ID."""
    counters = stock_counters.find_counters(conn, location.authority, variant_ids)
    counter_keys = {counter_key for counters_of_variant in counters.values() for counter_key in counters_of_variant}
    prefix = channel_holds.format_allocation_prefix(channel)
    allocations: dict[str, list[ReservationRow]] = {}
    for row in reservations.find_open_reservations(conn, counter_keys):
        if row.owner.startswith(prefix):
            allocations.setdefault(row.owner.removeprefix(prefix), []).append(row)
    return allocations


def compute_offer(free: int, allocated: int, published: int, units: int, threshold: int) -> int:
    """Compute how many units of a listing a follower should offer.

    Args:
        free: units that are not reserved; negative if more is reserved than there is.
        allocated: units that are allocated to the follower.
        published: units of the listing that it offers now.
        units: stock units in one unit of the listing.
        threshold: up to this many stock units are allocated rather than offered by all followers.
    """
    total = max(0, free + allocated)
    if total > threshold:
        return total // units
    if allocated:
        return min(total, allocated) // units
    half = (total // units + 1) // 2
    return min(published, half) if published else half


def allocate_units(
    conn: Connection, requests: Mapping[OfferKey, StockRequest], channel: str, context: SellingContext
) -> Collection[OfferKey]:
    """Allocate units to listings. Returns the keys of those for which too threshold units are available."""
    unavailable = set()
    for key, request in requests.items():
        template = ReservationTemplate(state=ReservationState.HELD, owner=format_owner(channel, key[0]))
        try:
            reserve_stock(conn, [request], template, context)
        except InsufficientStockError:
            unavailable.add(key)
    return unavailable


def release_units(conn: Connection, rows: Sequence[ReservationRow], units: int, now: datetime) -> None:
    """Release some allocated units."""
    for row in rows:
        released = min(units, row.claimed)
        units -= released
        channel_holds.reduce_hold(conn, row, released, now)


def release_stale_allocations(conn: Connection, context: SellingContext) -> int:
    """Release allocations of listings that a channel does not offer any more. Returns how many there were."""
    current_prefixes = {
        channel_holds.format_allocation_prefix(channel)
        for channel, threshold in context.topology.allocation_thresholds.items()
        if threshold
    }
    rows = reservations.find_holds_of_owner(conn, channel_holds.ALLOCATION_PREFIX)
    ids = {row.id: row.owner.rpartition(" ")[2] for row in rows}
    live = listings.filter_listed(conn, set(ids.values()))
    stale = [
        row.id for row in rows if ids[row.id] not in live or row.owner.removesuffix(ids[row.id]) not in current_prefixes
    ]
    return len(reservation_changes.release(conn, stale, context.now))
