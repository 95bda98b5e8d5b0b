"""External sales: what channels sell themselves from stock that an authority counts (rules K2, K4).

A sale at a location that another channel counts opens a movement, in the transaction that applies the order, and the
movement is posted to the authority. Edits and cancellations open further movements, so that the movements of a line
add up to what was sold. If a channel sells at its own location and has not counted the sale itself, the movement is
not posted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce.channel_orders import forwarding
from gateway.commerce.channel_orders.line_locations import ExternalSaleLine
from gateway.commerce.channel_orders.sale_lines import LineMovement, plan_line
from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import channel_holds, movements, reservation_changes
from gateway.commerce.topology import Topology
from gateway.model.stock import ReservationState
from gateway.sdk.writes import CancelOrder
from gateway.storage.database import Connection
from gateway.storage.sync import source_records
from gateway.storage.writes import listings, orders, reservations, stock_counters
from gateway.storage.writes.fulfillments import ChannelOrderRow
from gateway.storage.writes.orders import OrderRow
from gateway.storage.writes.reservations import ReservationRow


def retry_unplaced(conn: Connection, order_ids: Sequence[str], context: SellingContext) -> int:
    """Retry orders with unplaced lines. Returns how many orders have none left."""
    order_rows = orders.lock_orders(conn, order_ids)
    lines = orders.find_lines(conn, order_ids).values()
    sale_lines = [ExternalSaleLine(order_rows[line.order_id], line) for line in lines if line.order_id in order_rows]
    return len(order_rows) - len(follow_sales(conn, sale_lines, source_records.take_next_count(conn), context))


def follow_sales(
    conn: Connection, sale_lines: Sequence[ExternalSaleLine], count: int, context: SellingContext
) -> set[str]:
    """Open and post the movements of sale lines. Returns the IDs of orders with lines that cannot be placed yet."""
    followed = [sale for sale in sale_lines if sale.order.followed]
    if not followed:
        return set()
    by_line = _load_movements(conn, followed[0].order.channel, followed)
    moves, unplaced = _plan_lines(conn, followed, by_line, context.topology)
    _open_movements(conn, [move for move in moves if move.source.posting_mode != "order"], context.now)
    _forward_orders(conn, [move for move in moves if move.source.posting_mode == "order"], context)
    _acknowledge_posted(conn, followed, by_line, count, context.now)
    _store_unplaced(conn, {sale.order.id: sale.order for sale in followed}, unplaced)
    return unplaced


def _plan_lines(
    conn: Connection,
    followed: Sequence[ExternalSaleLine],
    by_line: Mapping[tuple[str, str], list[ReservationRow]],
    topology: Topology,
) -> tuple[list[LineMovement], set[str]]:
    """Compare lines with their movements. Returns also the IDs of orders with units that cannot be placed yet."""
    sold = orders.find_sold_variants(conn, [sale.line for sale in followed])
    moved = {row.listing_id for rows in by_line.values() for row in rows}
    units_of_measure = listings.find_units_of_measure(conn, moved)
    moves: list[LineMovement] = []
    unplaced: set[str] = set()
    for sale in followed:
        rows = by_line.get((sale.order.external_id, sale.line.external_id), [])
        plan = plan_line(conn, sale, sold.get(sale.line.id), rows, topology, units_of_measure)
        moves += plan.movements
        unplaced |= {sale.order.id} if plan.is_unplaced else set()
    return moves, unplaced


def _store_unplaced(conn: Connection, order_rows: Mapping[str, OrderRow], unplaced: Collection[str]) -> None:
    changed = [order for order in order_rows.values() if bool(order.unplaced) != (order.id in unplaced)]
    for order in changed:
        order.unplaced = order.id in unplaced
    orders.store_orders(conn, changed, order_rows)


def _load_movements(
    conn: Connection, channel: str, sale_lines: Sequence[ExternalSaleLine]
) -> dict[tuple[str, str], list[ReservationRow]]:
    rows = reservations.find_movements_of_orders(conn, channel, {sale.order.external_id for sale in sale_lines})
    by_line: dict[tuple[str, str], list[ReservationRow]] = {}
    for row in rows:
        by_line.setdefault((row.order_ref or "", row.line_ref or ""), []).append(row)
    return by_line


def _open_movements(conn: Connection, moves: Sequence[LineMovement], now: datetime) -> None:
    """Open movements for sold units, whether or not there was enough stock (rule K8)."""
    moved = [
        (move, move.build_movement(move.missing_units, move.next_number, now)) for move in moves if move.missing_units
    ]
    insert_movements(conn, [row for _, row in moved], now)
    for move, row in moved:
        channel_holds.release_drift_hold(conn, move.sale.order.channel, row.counter, move.missing_units, now)
    movements.post_movements(conn, [row for move, row in moved if move.source.posting_mode == "adjust"], now)


def insert_movements(conn: Connection, rows: Sequence[ReservationRow], now: datetime) -> None:
    """Insert movements, and hold their units on the stock counters."""
    if rows:
        locked = stock_counters.lock_counters(conn, {row.counter for row in rows})
        reservations.insert_reservations(conn, rows)
        stock_counters.change_held(conn, locked, reservations.sum_claims(rows), now)


def _forward_orders(conn: Connection, moves: Sequence[LineMovement], context: SellingContext) -> None:
    """Forward changed orders as a whole: the former order is canceled, and the order is forwarded anew."""
    by_order: dict[tuple[str, str], list[LineMovement]] = {}
    for move in moves:
        by_order.setdefault((move.sale.order.id, move.share.location.key), []).append(move)
    for (order_id, location), order_moves in by_order.items():
        if not any(move.missing_units for move in order_moves):
            continue
        forward = forwarding.find_active_forward(conn, order_id, location)
        was_adjusted = forward is None and any(move.moved_units for move in order_moves)
        came_back = any(move.share.units.restocked for move in order_moves)  # what was handed over is not canceled
        if (
            was_adjusted
            or came_back
            or (forward is not None and not context.topology.can_execute(forward.channel, CancelOrder))
        ):
            _post_changes(conn, order_moves, context)
        else:
            _forward_anew(conn, order_moves, forward, context)


def _forward_anew(
    conn: Connection, moves: Sequence[LineMovement], forward: ChannelOrderRow | None, context: SellingContext
) -> None:
    """Recall the former version of an order, if it was forwarded, and forward what is sold now."""
    now, order = context.now, moves[0].sale.order
    returning = [move.build_movement(-move.moved_units, move.next_number, now) for move in moves if move.moved_units]
    leaving = [
        move.build_movement(move.quantity * move.source.units, move.next_number + bool(move.moved_units), now)
        for move in moves
        if move.quantity
    ]
    insert_movements(conn, [*returning, *leaving], now)
    for move in moves:
        channel_holds.release_drift_hold(conn, order.channel, move.source.counter_key, move.missing_units, now)
    if forward is not None:
        forwarding.recall_order(conn, forward, returning, now)
    if leaving:
        lines = [(move.sale.line, move.quantity) for move in moves if move.quantity]
        forwarded = forwarding.ForwardedOrder(order, moves[0].share.location, lines, leaving)
        forwarding.forward_order(conn, forwarded, context)


def _post_changes(conn: Connection, moves: Sequence[LineMovement], context: SellingContext) -> None:
    """Post the changes of an order as adjustments: its authority cancels no orders, or learned of the former sale
    otherwise.
    """
    rows = [
        move.build_movement(move.missing_units, move.next_number, context.now) for move in moves if move.missing_units
    ]
    insert_movements(conn, rows, context.now)
    forwarding.post_as_adjustment(conn, moves[0].sale.order, rows, context)


def _acknowledge_posted(
    conn: Connection,
    followed: Sequence[ExternalSaleLine],
    movements_by_line: Mapping[tuple[str, str], Sequence[ReservationRow]],
    count: int,
    now: datetime,
) -> None:
    """Acknowledge the movements of orders that the channel reports as counted: the next count read after this settles
    them (K3).
    """
    posted = [sale for sale in followed if sale.posted]
    ids = [
        row.id
        for sale in posted
        for row in movements_by_line.get((sale.order.external_id, sale.line.external_id), ())
        if row.channel == sale.order.channel
    ]
    _acknowledge_reported(conn, ids, count, now)


def _acknowledge_reported(conn: Connection, ids: Sequence[str], count: int, now: datetime) -> None:
    """Acknowledge movements that the authority learned of without a command of ours."""

    def acknowledge(row: ReservationRow) -> ReservationRow | None:
        waits = row.state == ReservationState.COMMITTED.value and row.command is None
        if not waits or row.acknowledged_count is not None:
            return None
        return replace(row, acknowledged_count=count, acknowledged_at=now, ask_at=now)

    reservation_changes.update_reservations(conn, ids, acknowledge, now)


def acknowledge_mirrored(conn: Connection, originals: Sequence[OrderRow], count: int, now: datetime) -> None:
    """Acknowledge the movements of orders that another connector has copied into the authority."""
    by_channel: dict[str, list[str]] = {}
    for order in originals:
        by_channel.setdefault(order.channel, []).append(order.external_id)
    for channel, refs in by_channel.items():
        _acknowledge_reported(
            conn, [row.id for row in reservations.find_movements_of_orders(conn, channel, refs)], count, now
        )
