"""Results of order submission: what a channel answers about its part of an order placed here (rules O1 to O5)."""

from __future__ import annotations

from datetime import datetime

from gateway.commerce.channel_orders.channel_order import is_accepted, lock_channel_order, store_acceptance
from gateway.commerce.context import SellingContext
from gateway.commerce.fulfillment import rerouting
from gateway.commerce.inventory import movements, reservation_changes
from gateway.commerce.orders import cancellation, order_state
from gateway.commerce.outbox.results import CommandResult
from gateway.model.orders import (
    ChannelOrderState,
    FulfillmentStatus,
    OrderAttention,
    OrderEventKind,
    OrderStatus,
)
from gateway.sdk.writes import Done
from gateway.storage.database import Connection
from gateway.storage.outbox import OutboxState
from gateway.storage.writes import fulfillments, reservations
from gateway.storage.writes.fulfillments import ChannelOrderRow
from gateway.storage.writes.orders import OrderRow
from gateway.storage.writes.reservations import ReservationRow
from gateway.storage.writes.shortages import GATEWAY_CHANNEL


def handle_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Handle the result of placing a channel order."""
    locked = lock_channel_order(conn, result.entry.about.partition(":")[2])
    if locked is None:
        return
    order, part = locked
    if result.done is not None:
        accept_channel_order(conn, order, part, result.done, context)
    elif result.is_refused:
        part.set_fault(result.fault)
        reject_channel_order(conn, order, part, context)
    else:
        _record_indefinite(conn, order, part, result, context.now)


def accept_channel_order(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, done: Done, context: SellingContext
) -> None:
    """Record that the channel has accepted its order. Its webhook can arrive before its answer (O4): only the first has
    effect.
    """
    if is_accepted(part):
        return
    was_unknown = part.state == ChannelOrderState.UNKNOWN.value
    part.attempts += 1
    part.set_fault(None)
    store_acceptance(conn, part, done, context.now)
    _move_stock(conn, part, done.moved_stock, context)
    if was_unknown:
        fulfillments.close_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN)
    message = "Accepted by the channel."
    fulfillments.insert_event(
        conn, order.id, OrderEventKind.ACCEPTED, message, context.now, channel=part.channel, location=part.location
    )
    if order.status in (OrderStatus.FAILED.value, OrderStatus.CANCELLED.value):
        cancellation.recall(
            conn, order, part, context.now
        )  # an order that appears after the order has failed is canceled
    _accept_fulfillments(conn, order, part, context.now)
    order_state.store_and_log(conn, order, context.now)


def _accept_fulfillments(conn: Connection, order: OrderRow, part: ChannelOrderRow, now: datetime) -> None:
    """Accept the fulfillments of an accepted channel order, and open the order once all channel orders are decided."""
    pending = [
        row
        for row in fulfillments.find_fulfillments(conn, order.id)
        if row.channel_order_id == part.id and row.status == FulfillmentStatus.PENDING.value
    ]
    for row in pending:
        row.status = FulfillmentStatus.ACCEPTED.value
    fulfillments.update_fulfillments(conn, pending, now)
    order_state.open_if_decided(conn, order)


def _move_stock(conn: Connection, part: ChannelOrderRow, moved_stock: bool, context: SellingContext) -> None:
    """Acknowledge the movements if the channel's count moves with its order; else post them."""
    waiting = _list_movements(conn, part)
    if moved_stock:
        movements.acknowledge_movements(conn, [row.id for row in waiting], context)
    else:
        movements.post_movements(conn, [row for row in waiting if row.acknowledged_count is None], context.now)


def _list_movements(conn: Connection, part: ChannelOrderRow) -> list[ReservationRow]:
    rows = reservations.find_movements_of_orders(conn, GATEWAY_CHANNEL, [part.order_id])
    return [row for row in rows if row.command == part.client_reference]


def reject_channel_order(conn: Connection, order: OrderRow, part: ChannelOrderRow, context: SellingContext) -> None:
    """Record that the channel has rejected its order, and reroute the goods, or fail the order (rule O5)."""
    part.state, part.updated_at = ChannelOrderState.REJECTED.value, context.now
    part.attempts += 1
    fulfillments.update_channel_order(conn, part)
    message = part.fault_message or "Rejected by the channel."
    fulfillments.insert_event(
        conn, order.id, OrderEventKind.REJECTED, message, context.now, channel=part.channel, location=part.location
    )
    refused = [row for row in fulfillments.find_fulfillments(conn, order.id) if row.channel_order_id == part.id]
    ids = [row.id for row in _list_movements(conn, part)]
    reservation_changes.update_reservations(conn, ids, movements.void_movement, context.now)
    if order.status == OrderStatus.PENDING.value:
        if not rerouting.reject_and_reroute(conn, order, refused, context):
            cancellation.fail_order(conn, order, context)
        order_state.open_if_decided(conn, order)
    elif order.status == OrderStatus.CANCELLING.value:
        cancellation.complete_cancellation(conn, order, context)
    order_state.store_and_log(conn, order, context.now)


def _record_indefinite(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, result: CommandResult, now: datetime
) -> None:
    """Record an indefinite result: holds stay. Once the outbox gives up, a task is opened for an operator."""
    part.attempts, part.updated_at = part.attempts + 1, now
    if part.state in (
        ChannelOrderState.QUEUED.value,
        ChannelOrderState.SUBMITTED.value,
        ChannelOrderState.UNKNOWN.value,
    ):
        part.state = (ChannelOrderState.UNKNOWN if result.unknown else ChannelOrderState.SUBMITTED).value
    part.set_fault(result.fault)
    fulfillments.update_channel_order(conn, part)
    if result.state is OutboxState.DEAD:
        message = "It is unknown whether the channel has accepted the order. Check it there."
        fulfillments.open_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN, message, now)
    order_state.store_and_log(conn, order, now)
