"""Movements: sold, canceled, corrected or transferred units that the authority's count does not contain yet (rules K2,
K3).

The stock counters are locked first, in the order of their IDs, and the reservations are read after that. So
concurrent transactions decide about a reservation one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory.reservation_changes import store_changes, update_reservations
from gateway.commerce.outbox.commands import EnqueuedKeys, OutboxCommand, enqueue
from gateway.commerce.topology import Topology
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk.records import Ref
from gateway.sdk.writes import AdjustStock
from gateway.storage.database import Connection
from gateway.storage.sync import source_records
from gateway.storage.writes import reservations, stock_counters
from gateway.storage.writes.reservations import ReservationRow, StockCounterKey

MOVEMENT = "movement"
"""Outbox commands about a movement: the movement with the command's key waits for the result."""


def post_movements(conn: Connection, rows: Iterable[ReservationRow], now: datetime) -> EnqueuedKeys:
    """Post movements to their authorities, each with a command of its own.

    The command's key is the movement's ID, so the authority's ledger can prove that its count contains the movement.
    """
    movements = _assign_commands(rows, now)
    reservations.update_reservations(conn, movements)
    return enqueue(conn, [_build_adjustment(row) for row in movements], now)


def post_new_movements(
    conn: Connection, rows: Sequence[ReservationRow], now: datetime, held_by: str | None = None
) -> EnqueuedKeys:
    """Insert movements and post them to their authorities, as `post_movements` does.

    Args:
        held_by: the order whose payment the commands wait for.
    """
    movements = _assign_commands(rows, now)
    reservations.insert_reservations(conn, rows)
    return enqueue(conn, [_build_adjustment(row, held_by) for row in movements], now)


def _assign_commands(rows: Iterable[ReservationRow], now: datetime) -> list[ReservationRow]:
    movements = [row for row in rows if row.state == ReservationState.COMMITTED.value]
    for row in movements:
        row.command, row.updated_at = row.id, now
    return movements


def _build_adjustment(row: ReservationRow, held_by: str | None = None) -> OutboxCommand:
    command = AdjustStock(
        key=row.id,
        subject=Ref(row.item),
        place=row.place,
        delta=-row.quantity,
        reason=MovementReason(row.reason),
    )
    subject = f"stock {row.item} {row.place}"
    return OutboxCommand(channel=row.channel, command=command, subject=subject, about=MOVEMENT, held_by=held_by)


def acknowledge_movements(conn: Connection, ids: Collection[str], context: SellingContext) -> None:
    """Record that the authority has accepted these movements. They stay open until its count is proved to contain them
    (K3).

    The arrival of a transfer is posted once its departure is acknowledged.
    """
    count = source_records.take_next_count(conn)

    def acknowledge(row: ReservationRow) -> ReservationRow | None:
        if row.state != ReservationState.COMMITTED.value or row.acknowledged_count is not None:
            return None
        ask = context.now + _get_settle_time(context.topology, row.channel)
        return replace(row, acknowledged_count=count, acknowledged_at=context.now, ask_at=ask)

    done = update_reservations(conn, ids, acknowledge, context.now)
    sent = [row.id for row in done if row.reason == MovementReason.TRANSFER.value]
    post_movements(conn, [row for row in reservations.find_following(conn, sent) if row.command is None], context.now)


def acknowledge_reversals(conn: Connection, ids: Collection[str], context: SellingContext) -> None:
    """Record that the authority has reversed these movements itself. The first count read after that settles them."""
    count = source_records.take_next_count(conn)

    def acknowledge(row: ReservationRow) -> ReservationRow | None:
        if row.state != ReservationState.COMMITTED.value:
            return None
        ask = context.now + _get_settle_time(context.topology, row.channel)
        return replace(row, acknowledged_count=count, acknowledged_at=context.now, ask_at=ask)

    update_reservations(conn, ids, acknowledge, context.now)


def void_movement(row: ReservationRow) -> ReservationRow | None:
    """Release a movement that never reached the authority: a transition for `update_reservations`."""
    if row.state != ReservationState.COMMITTED.value:
        return None
    return replace(row, state=ReservationState.RELEASED.value, ask_at=None)


def reject_movements(conn: Connection, ids: Collection[str], now: datetime) -> list[ReservationRow]:
    """Release movements of returning or arriving units that the authority has refused, and the arrivals that follow
    them.

    Sold units stay subtracted until an operator has corrected the authority's count.
    """

    def release(row: ReservationRow) -> ReservationRow | None:
        open_ = row.state == ReservationState.COMMITTED.value
        return replace(row, state=ReservationState.RELEASED.value) if open_ and row.quantity < 0 else None

    waiting = [row.id for row in reservations.find_following(conn, ids)]
    return update_reservations(conn, {*ids, *waiting}, release, now)


def _get_settle_time(topology: Topology, channel: str) -> timedelta:
    traits = topology.traits.get(channel)
    return timedelta(0) if traits is None or traits.read_your_writes else traits.settle


@dataclass(frozen=True, slots=True)
class CountObservation:
    """A read of a stock counter by its authority. `contains`: keys of our commands that its own ledger shows."""

    counter_key: StockCounterKey
    contains: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReadStamp:
    """When a channel was read: the observation counter and the time before the request."""

    begin: int
    begun_at: datetime


def settle_movements(
    conn: Connection, reads: Sequence[CountObservation], stamp: ReadStamp, context: SellingContext
) -> list[ReservationRow]:
    """Settle the movements that these reads are proved to contain (rule K3). The caller has locked the counters.

    It happens in the transaction that applies the reads, so the base and the movement change at the same instant.
    """
    by_counter = {read.counter_key: read for read in reads}
    proved = [
        row
        for row in reservations.find_open_reservations(conn, by_counter)
        if _is_proved(row, by_counter[row.counter], stamp, context.topology)
    ]
    pairs = [(row, replace(row, state=ReservationState.SETTLED.value, ask_at=None)) for row in proved]
    return store_changes(conn, pairs, stock_counters.lock_counters(conn, {row.counter for row in proved}), context.now)


def _is_proved(row: ReservationRow, read: CountObservation, stamp: ReadStamp, topology: Topology) -> bool:
    if row.state != ReservationState.COMMITTED.value:
        return False
    if row.command is not None and row.command in read.contains:
        return True
    if row.acknowledged_count is None or row.acknowledged_at is None or stamp.begin < row.acknowledged_count:
        return False
    if row.command is None:
        return True  # the authority itself reported that its count contains the order
    return stamp.begun_at >= row.acknowledged_at + _get_settle_time(topology, row.channel)
