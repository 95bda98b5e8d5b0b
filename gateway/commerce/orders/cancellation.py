"""Order cancellation: stock is returned where it was taken, and goods that have left are not recalled (rule O5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.customers.customer_rows import count_orders
from gateway.commerce.inventory import movements, reservation_changes
from gateway.commerce.orders import order_state, submission
from gateway.commerce.orders.late_payment import decide_late_payment
from gateway.commerce.orders.order_state import SHIPPED_STATES, TERMINAL_STATES, is_placed_here
from gateway.commerce.orders.payment_deadline import has_taken_payment
from gateway.commerce.orders.settlement import stop_counting
from gateway.commerce.outbox.commands import EnqueuedKeys, OutboxCommand, enqueue, merge_keys
from gateway.model.ids import generate_id
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.orders import (
    ChannelOrderState,
    FulfillmentStatus,
    OrderAttention,
    OrderEventKind,
    OrderStatus,
)
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk.records import Ref
from gateway.sdk.writes import CancelOrder
from gateway.storage import outbox
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, orders
from gateway.storage.writes.customers import identities
from gateway.storage.writes.fulfillments import ChannelOrderRow, FulfillmentRow
from gateway.storage.writes.orders import OrderRow
from gateway.storage.writes.reservations import ReservationRow

CANCEL = "cancel"
"""Outbox commands about a cancellation: the channel order after the colon waits for the result."""


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """A request to cancel an order.

    Attributes:
        version: the version of the order that the client last read.
        by_owner: requested by the customer, who may cancel an order for which nothing was paid.
    """

    order_id: str
    version: int
    reason: str | None
    by_owner: bool = False


def cancel_order(
    conn: Connection, request: CancelRequest, context: SellingContext
) -> tuple[MutationResult, EnqueuedKeys]:
    """Cancel an order of which nothing has been handed over. Returns the enqueued commands as well."""
    order_id = request.order_id
    about = MutationResult(subject=order_id)
    order = orders.lock_orders(conn, [order_id]).get(order_id)
    if order is not None and not (request.by_owner or context.permissions.can_see(order.channel)):
        return MutationResult(user_errors=(_build_not_found_error(None),)), {}
    if order is None or not is_placed_here(order):
        return replace(about, user_errors=(_build_not_found_error(order),)), {}
    if order.version != request.version:
        return replace(about, user_errors=(_ORDER_CHANGED,)), {}
    if (refusal := _check_cancelable(conn, order, request)) is not None:
        return replace(about, user_errors=(refusal,)), {}
    enqueued = start_cancellation(conn, order, context.now)
    message = (request.reason or "").strip() or ("Canceled by the customer." if request.by_owner else "Canceled.")
    order_state.append_event(conn, order, OrderEventKind.NOTE, message[:500], context)
    complete_cancellation(conn, order, context)
    order_state.store_and_log(conn, order, context.now)
    return replace(about, done=True), enqueued


def _check_cancelable(conn: Connection, order: OrderRow, request: CancelRequest) -> UserError | None:
    if order.status not in (OrderStatus.PENDING.value, OrderStatus.OPEN.value):
        return _ORDER_NOT_CANCELABLE
    if any(row.status in SHIPPED_STATES for row in fulfillments.find_fulfillments(conn, order.id)):
        return _ORDER_NOT_CANCELABLE
    if request.by_owner and has_taken_payment(fulfillments.find_payments(conn, order.id)):
        return _PAID_ORDER
    return None


def _build_not_found_error(order: OrderRow | None) -> UserError:
    if order is None:
        return UserError(
            code=UserErrorCode.NOT_FOUND, field=("input", "orderId"), message="There is no order with this ID."
        )
    return UserError(
        code=UserErrorCode.NOT_SUPPORTED_BY_CHANNEL,
        field=("input", "orderId"),
        message="The order was not placed through the gateway. Cancel it in its channel.",
        channel_key=order.channel,
    )


_ORDER_CHANGED = UserError(
    code=UserErrorCode.CONFLICT,
    field=("input", "version"),
    message="The order has changed. Read it again and retry with its current version.",
)

_PAID_ORDER = UserError(
    code=UserErrorCode.NOT_ALLOWED_IN_STATE,
    field=("input", "orderId"),
    message="The order is paid, at least in part. Ask the retailer to cancel it.",
)

_ORDER_NOT_CANCELABLE = UserError(
    code=UserErrorCode.NOT_ALLOWED_IN_STATE,
    field=("input", "orderId"),
    message="The order cannot be canceled any more.",
)


def start_cancellation(conn: Connection, order: OrderRow, now: datetime) -> EnqueuedKeys:
    """Start the cancellation of an order: withdraw or recall its channel orders, and return its stock."""
    order.status = OrderStatus.CANCELLING.value
    waiting = [row for row in fulfillments.find_fulfillments(conn, order.id) if row.status not in TERMINAL_STATES]
    enqueued: EnqueuedKeys = {}
    for part in fulfillments.find_channel_orders(conn, order.id):
        enqueued = merge_keys(enqueued, withdraw_or_recall(conn, order, part, now))
    unplaced = [row for row in waiting if row.channel_order_id is None]
    enqueued = merge_keys(enqueued, restock(conn, order, unplaced, now))
    fulfillments.close_fulfillments(conn, unplaced, FulfillmentStatus.CANCELLED, now)
    return enqueued


def withdraw_or_recall(conn: Connection, order: OrderRow, part: ChannelOrderRow, now: datetime) -> EnqueuedKeys:
    """Withdraw a channel order if it was never sent; else recall it."""
    if part.state in (ChannelOrderState.REJECTED.value, ChannelOrderState.CANCELLED.value):
        return {}
    if outbox.withdraw_entries(conn, [part.client_reference], now):
        movements_of_part = store_cancellation(conn, order, part, now)
        reservation_changes.update_reservations(
            conn, [row.id for row in movements_of_part], movements.void_movement, now
        )
        return {}
    return recall(conn, order, part, now)


def recall(conn: Connection, order: OrderRow, part: ChannelOrderRow, now: datetime) -> EnqueuedKeys:
    """Enqueue the cancellation of a channel order. It is sent after the order that it cancels."""
    command = CancelOrder(key=generate_id(now), subject=Ref(part.client_reference), reason="canceled")
    about, subject = f"{CANCEL}:{part.id}", submission.build_subject(part)
    return enqueue(conn, [OutboxCommand(channel=part.channel, command=command, subject=subject, about=about)], now)


def restock(conn: Connection, order: OrderRow, rows: Sequence[FulfillmentRow], now: datetime) -> EnqueuedKeys:
    """Return units to their authorities. Movements that were never posted are voided instead."""
    sold = [row for row in order_state.list_movements(conn, order.id, [row.id for row in rows]) if row.quantity > 0]
    unsent = outbox.withdraw_entries(conn, [row.command for row in sold if row.command is not None], now)
    reservation_changes.update_reservations(
        conn, [row.id for row in sold if row.command in unsent], movements.void_movement, now
    )
    return movements.post_new_movements(
        conn, [build_return(row, now) for row in sold if row.command not in unsent], now
    )


def build_return(row: ReservationRow, now: datetime) -> ReservationRow:
    return replace(
        row,
        id=generate_id(now),
        quantity=-row.quantity,
        state=ReservationState.COMMITTED.value,
        reason=MovementReason.CANCELLATION.value,
        turn=row.turn + 1_000,
        command=None,
        acknowledged_count=None,
        acknowledged_at=None,
        ask_at=None,
        created_at=now,
        updated_at=now,
    )


def store_cancellation(conn: Connection, order: OrderRow, part: ChannelOrderRow, now: datetime) -> list[ReservationRow]:
    """Record that the channel order is canceled. Returns the movements that it stood for."""
    part.state, part.updated_at = ChannelOrderState.CANCELLED.value, now
    fulfillments.update_channel_order(conn, part)
    part_fulfillments = [
        row for row in fulfillments.find_fulfillments(conn, order.id) if row.channel_order_id == part.id
    ]
    fulfillments.close_fulfillments(conn, part_fulfillments, FulfillmentStatus.CANCELLED, now)
    return [
        row
        for row in order_state.list_movements(conn, order.id, [row.id for row in part_fulfillments])
        if row.quantity > 0
    ]


def complete_cancellation(conn: Connection, order: OrderRow, context: SellingContext) -> None:
    """Complete a cancellation once nothing of the order is left anywhere."""
    remaining = [row for row in fulfillments.find_fulfillments(conn, order.id) if row.status not in TERMINAL_STATES]
    if order.status == OrderStatus.CANCELLING.value and not remaining:
        _close_order(conn, order, OrderStatus.CANCELLED, context)


def fail_order(conn: Connection, order: OrderRow, context: SellingContext) -> None:
    """Fail an order: what was placed is canceled, and payments that were taken are due back."""
    placed = [
        part
        for part in fulfillments.find_channel_orders(conn, order.id)
        if part.state != ChannelOrderState.REJECTED.value
    ]
    start_cancellation(conn, order, context.now)
    if not placed:
        _close_order(conn, order, OrderStatus.FAILED, context)
    else:
        complete_cancellation(conn, order, context)


def _close_order(conn: Connection, order: OrderRow, status: OrderStatus, context: SellingContext) -> None:
    order.status, order.cancelled_at = status.value, context.now
    order.pay_by = order.withheld = None
    stop_counting(order)
    for kind in (OrderAttention.STOCK_SHORT, OrderAttention.PAYMENT_OVERDUE, OrderAttention.TOTAL_DIFFERS):
        fulfillments.close_task(conn, order.id, kind)
    message = "Canceled." if status is OrderStatus.CANCELLED else "The order could not be fulfilled."
    order_state.append_event(conn, order, OrderEventKind.CANCELLED, message, context)
    if order.customer is not None and order.customer_channel is not None:
        orders.store_orders(conn, [order], {order.id})
        buyers = identities.lock_customer_ids(conn, order.customer_channel, [order.customer])
        count_orders(conn, buyers, context.config.customers)
    rows = fulfillments.find_payments(conn, order.id)
    if has_taken_payment(rows):
        decide_late_payment(conn, order, rows, context)  # it was taken before, or while a channel gave its part back
