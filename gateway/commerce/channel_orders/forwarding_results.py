"""Results of order forwarding: what an authority answers about forwarded and recalled orders (rule K2)."""

from __future__ import annotations

from datetime import datetime

from gateway.commerce.channel_orders.channel_order import is_accepted, lock_channel_order, store_acceptance
from gateway.commerce.channel_orders.forwarding import RECALLED, post_as_adjustment
from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import movements, reservation_changes
from gateway.commerce.outbox.results import CommandResult
from gateway.model.orders import (
    ChannelOrderState,
    OrderAttention,
    OrderStatus,
)
from gateway.sdk.records import OrderRecord
from gateway.sdk.writes import Done
from gateway.storage import outbox
from gateway.storage.database import Connection
from gateway.storage.outbox import OutboxState
from gateway.storage.writes import fulfillments, reservations
from gateway.storage.writes.fulfillments import ChannelOrderRow
from gateway.storage.writes.orders import OrderRow
from gateway.storage.writes.reservations import ReservationRow


def handle_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Handle the result of placing a forwarded order."""
    locked = lock_channel_order(conn, result.entry.about.partition(":")[2])
    if locked is None:
        return
    order, part = locked
    part.attempts, part.updated_at = part.attempts + 1, context.now
    part.set_fault(result.fault)
    if result.done is not None:
        accept_forward(conn, order, part, result.done, context)
        return
    if result.is_refused:
        part.state = ChannelOrderState.REJECTED.value
        post_as_adjustment(conn, order, _list_movements(conn, order, part.client_reference), context)
    elif result.unknown:
        part.state = ChannelOrderState.UNKNOWN.value
    if result.state is OutboxState.DEAD and not result.is_refused:
        _open_task(conn, order, part, "It is unknown whether the order was forwarded.", context.now)
    fulfillments.update_channel_order(conn, part)


def accept_forward(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, done: Done, context: SellingContext
) -> None:
    """Record that the authority has accepted a forwarded order. Only the first report of it has an effect."""
    if is_accepted(part):
        return
    store_acceptance(conn, part, done, context.now)
    fulfillments.close_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN)
    rows = _list_movements(conn, order, part.client_reference)
    if done.moved_stock:
        movements.acknowledge_movements(conn, [row.id for row in rows], context)
    else:
        post_as_adjustment(conn, order, rows, context)


def apply_forwarded_record(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, record: OrderRecord, context: SellingContext
) -> None:
    """Apply the authority's record of a forwarded order: it can be the answer, or show a cancellation there."""
    if not is_accepted(part):
        outbox.mark_done(conn, part.client_reference, context.now)
        accept_forward(conn, order, part, Done(ref=record.ref, moved_stock=record.stock_posted is not False), context)
    is_active = part.state == ChannelOrderState.ACCEPTED.value
    is_recalled = outbox.has_pending_entry(conn, part.channel, f"{RECALLED}:{part.id}")
    if record.status is OrderStatus.CANCELLED and is_active and not is_recalled:
        _open_task(
            conn,
            order,
            part,
            "The forwarded order was canceled here, but not in the channel that sold it.",
            context.now,
        )


def handle_recall_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Handle the result of recalling a forwarded order."""
    locked = lock_channel_order(conn, result.entry.about.partition(":")[2])
    if locked is None or (result.done is None and not result.is_refused):
        return
    order, part = locked
    rows = _list_movements(conn, order, result.entry.key)
    adjusted = part.state == ChannelOrderState.REJECTED.value
    if (
        part.external_id is None and not adjusted and not result.is_refused
    ):  # the authority never accepted it, and no adjustment was posted
        ids = [row.id for row in (*rows, *_list_movements(conn, order, part.client_reference))]
        reservation_changes.update_reservations(conn, ids, movements.void_movement, context.now)
    elif result.done is not None and result.done.moved_stock and not adjusted:
        movements.acknowledge_movements(conn, [row.id for row in rows], context)
    else:
        post_as_adjustment(conn, order, rows, context)
    part.state, part.updated_at = ChannelOrderState.CANCELLED.value, context.now
    part.set_fault(result.fault)
    fulfillments.update_channel_order(conn, part)
    if result.is_refused:
        _open_task(
            conn, order, part, "The order has changed, but its former version could not be canceled here.", context.now
        )


def _list_movements(conn: Connection, order: OrderRow, command: str) -> list[ReservationRow]:
    rows = reservations.find_movements_of_orders(conn, order.channel, [order.external_id])
    return [row for row in rows if row.command == command]


def _open_task(conn: Connection, order: OrderRow, part: ChannelOrderRow, reason: str, now: datetime) -> None:
    fulfillments.open_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN, f"{part.channel}: {reason}", now)
