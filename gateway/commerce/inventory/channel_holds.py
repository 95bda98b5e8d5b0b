"""Stock held for a channel: drift holds and allocations (rule K6).

A drift hold covers units that vanished from a follower's own count before their order arrived. An allocation sets
units aside for a follower's listings. Both are reservations whose owner names the channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from gateway.commerce.inventory.reservation_changes import update_reservations
from gateway.model.stock import ReservationState
from gateway.storage.database import Connection
from gateway.storage.writes import reservations
from gateway.storage.writes.reservations import ReservationRow, StockCounterKey

DRIFT_PREFIX = "drift "


def format_drift_owner(channel: str) -> str:
    """Build the owner of the drift holds of a channel."""
    return f"{DRIFT_PREFIX}{channel}"


def sum_sold_units(conn: Connection, channel: str, counter_key: StockCounterKey, since: datetime) -> int:
    """Sum the units of a stock counter that a channel has reported as sold since then, and the units in its drift
    holds.
    """
    rows = reservations.find_reservations_since(conn, counter_key, since)
    sold = sum(row.quantity for row in rows if row.order_channel == channel)
    held = sum(row.claimed for row in rows if row.owner == format_drift_owner(channel))
    return sold + held


ALLOCATION_PREFIX = "allotted "


def format_allocation_prefix(channel: str) -> str:
    """Build the prefix of the owners of allocations of a channel."""
    return f"{ALLOCATION_PREFIX}{channel} "


def is_channel_hold(row: ReservationRow) -> bool:
    """Whether the reservation is a drift hold or an allocation."""
    return row.owner.startswith((DRIFT_PREFIX, ALLOCATION_PREFIX))


def release_drift_hold(conn: Connection, channel: str, counter_key: StockCounterKey, units: int, now: datetime) -> None:
    """Reduce the holds of a channel by units that it has now reported as sold, or the units would be held twice.

    Drift holds are reduced first, then allocations.
    """
    held = [
        row
        for row in reservations.find_open_reservations(conn, [counter_key])
        if row.owner == format_drift_owner(channel)
    ]
    held += [
        row
        for row in reservations.find_open_reservations(conn, [counter_key])
        if row.owner.startswith(format_allocation_prefix(channel))
    ]
    for row in held if units > 0 else ():
        reduced = min(units, row.claimed)
        units -= reduced
        reduce_hold(conn, row, reduced, now)


def reduce_hold(conn: Connection, row: ReservationRow, units: int, now: datetime) -> None:
    """Reduce a held reservation by some units; release it when none is left."""
    if units > 0:
        update_reservations(conn, [row.id], _build_reduction(units), now)


def _build_reduction(units: int) -> Callable[[ReservationRow], ReservationRow | None]:
    def reduce(row: ReservationRow) -> ReservationRow | None:
        if row.state != ReservationState.HELD.value:
            return None
        if row.quantity <= units:
            return replace(row, state=ReservationState.RELEASED.value)
        return replace(row, quantity=row.quantity - units)

    return reduce
