"""Transitions of reservations: release, expiry, settlement (rule K7).

The stock counters are locked first, in the order of their IDs, and the reservations are read after that. So
concurrent transactions decide about a reservation one after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.model.stock import ReservationState
from gateway.storage.database import Connection
from gateway.storage.writes import reservations, stock_counters
from gateway.storage.writes.reservations import ReservationRow, StockCounterKey
from gateway.storage.writes.stock_counters import StockCounter


def update_reservations(
    conn: Connection,
    ids: Collection[str],
    transition: Callable[[ReservationRow], ReservationRow | None],
    now: datetime,
) -> list[ReservationRow]:
    """Update reservations, and the held units of their stock counters. Returns those that changed.

    Args:
        transition: called with the current reservation once the counters are locked. It returns the changed
            reservation, or None to leave it.
    """
    locked = stock_counters.lock_counters_of_reservations(conn, ids)
    before = reservations.find_reservations(conn, ids)
    after = [(row, new) for row in before if (new := transition(replace(row))) is not None]
    return store_changes(conn, after, locked, now)


def store_changes(
    conn: Connection,
    pairs: Sequence[tuple[ReservationRow, ReservationRow]],
    locked: Mapping[StockCounterKey, StockCounter],
    now: datetime,
) -> list[ReservationRow]:
    difference: dict[StockCounterKey, int] = defaultdict(int)
    for old, new in pairs:
        new.updated_at = now
        difference[old.counter] += new.claimed - old.claimed
    reservations.update_reservations(conn, [new for _, new in pairs])
    stock_counters.change_held(conn, locked, difference, now)
    return [new for _, new in pairs]


def release(conn: Connection, ids: Collection[str], now: datetime) -> list[ReservationRow]:
    """Release held reservations. Returns those that were held."""
    return update_reservations(conn, ids, _build_transition(ReservationState.RELEASED), now)


def expire_reservations(conn: Connection, now: datetime, limit: int = 200) -> int:
    """Release reservations whose time is over, at most `limit`. Returns how many there were."""

    def expire(row: ReservationRow) -> ReservationRow | None:
        has_expired = row.expires_at is not None and row.expires_at <= now
        return _build_transition(ReservationState.EXPIRED)(row) if has_expired else None

    return len(update_reservations(conn, reservations.find_expired(conn, now, limit), expire, now))


def _build_transition(state: ReservationState) -> Callable[[ReservationRow], ReservationRow | None]:
    def end(row: ReservationRow) -> ReservationRow | None:
        return replace(row, state=state.value) if row.state == ReservationState.HELD.value else None

    return end
