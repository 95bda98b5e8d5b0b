"""Drift holds: units that vanished from a follower's own count before their order arrived (rule K6)."""

from __future__ import annotations

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import channel_holds
from gateway.commerce.push import allocation
from gateway.commerce.push.planned_quantity import PlannedQuantity
from gateway.model.ids import generate_id
from gateway.model.locations import Location
from gateway.model.stock import MovementReason, ReservationState
from gateway.storage.database import Connection
from gateway.storage.writes import reservations, stock_counters
from gateway.storage.writes.pushes import FollowerOffer
from gateway.storage.writes.reservations import ReservationRow


def hold_drift(conn: Connection, channel: str, planned: PlannedQuantity, context: SellingContext) -> int:
    """Hold the units that vanished from a follower's count and that it has not reported as sold. Returns how many.

    They were probably sold there. They are held until the order arrives, or until the channel's order latency has
    passed.
    """
    row, offer = planned.row, planned.offer
    traits, location = context.topology.traits.get(channel), context.topology.locations.get(row.location)
    if traits is None or location is None or row.confirmed is None or offer.published is None:
        return 0
    vanished = row.confirmed - offer.published
    located_counter = find_counter(conn, offer, location)
    if vanished <= 0 or located_counter is None:
        return 0
    reported = channel_holds.sum_sold_units(conn, channel, located_counter[1], row.confirmed_at or context.now)
    units = vanished * offer.units - reported
    if units <= 0:
        return 0
    allocation.release_units(conn, planned.allocations, units, context.now)
    held = _build_drift_hold(channel, located_counter, location.key, units, context)
    reservations.insert_reservations(conn, [held])
    locked = stock_counters.lock_counters(conn, [held.counter])
    stock_counters.change_held(conn, locked, reservations.sum_claims([held]), context.now)
    return units


def find_counter(conn: Connection, offer: FollowerOffer, location: Location) -> tuple[str, tuple[str, str, str]] | None:
    """Find the stock counter of an offer at a location, and its listing; None: there is none, or it is not known."""
    counters = stock_counters.find_counters(conn, location.authority, [offer.variant_id]).get(offer.variant_id, {})
    return next(((listing, counter_key) for counter_key, listing in counters.items()), None)


def _build_drift_hold(
    channel: str, located_counter: tuple[str, tuple[str, str, str]], location: str, units: int, context: SellingContext
) -> ReservationRow:
    listing, (authority, item, external_location) = located_counter
    now = context.now
    return ReservationRow(
        id=generate_id(now),
        channel=authority,
        item=item,
        place=external_location,
        location=location,
        listing_id=listing,
        quantity=units,
        state=ReservationState.HELD.value,
        reason=MovementReason.SALE.value,
        owner=channel_holds.format_drift_owner(channel),
        expires_at=now + context.topology.traits[channel].order_latency,
        created_at=now,
        updated_at=now,
    )
