"""Canceling orders: what was taken is given back where it was taken, and what has left is not called back (rule O5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce import ledger, parts, payments
from gateway.commerce.commands import Told, Wish, both, wish
from gateway.commerce.customers import UNCOUNTED
from gateway.commerce.news import News
from gateway.commerce.selling import Selling
from gateway.model.ids import new_id
from gateway.model.orders import (
    ChannelOrderState,
    FulfillmentStatus,
    OrderAttention,
    OrderEventKind,
    OrderStatus,
    PaymentStatus,
)
from gateway.model.outcomes import Outcome, UserError, UserErrorCode
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk.records import Ref
from gateway.sdk.writes import CancelOrder, Command, Done
from gateway.storage import fulfilling, identities, outbox, sales
from gateway.storage.database import Connection
from gateway.storage.fulfilling import ChannelOrderRow, FulfillmentRow
from gateway.storage.outbox import Entry
from gateway.storage.reservations import ReservationRow
from gateway.storage.sales import OrderRow

CANCEL = "cancel"
"""In the outbox: the channel order behind the colon is to be canceled."""

GONE = {
    FulfillmentStatus.IN_TRANSIT.value,
    FulfillmentStatus.OUT_FOR_DELIVERY.value,
    FulfillmentStatus.DELIVERED.value,
    FulfillmentStatus.COLLECTED.value,
}
"""What has left, or is with whoever ordered it."""

OVER = {
    *GONE,
    FulfillmentStatus.REJECTED.value,
    FulfillmentStatus.FAILED.value,
    FulfillmentStatus.CANCELLED.value,
}


def cancel(
    conn: Connection, order_id: str, version: int, reason: str | None, selling: Selling, now: datetime
) -> tuple[Outcome, Told]:
    """Cancel an order of which nothing has left."""
    about = Outcome(subject=order_id)
    order = sales.orders_by_id(conn, [order_id]).get(order_id)
    if order is None or not is_ours(order):
        return replace(about, user_errors=(_no_order(order),)), {}
    if order.version != version:
        return replace(about, user_errors=(_CHANGED,)), {}
    if order.status not in (OrderStatus.PENDING.value, OrderStatus.OPEN.value):
        return replace(about, user_errors=(_TOO_LATE,)), {}
    if any(row.status in GONE for row in fulfilling.fulfillments_of(conn, order.id)):
        return replace(about, user_errors=(_TOO_LATE,)), {}
    told = give_back(conn, order, now)
    message = (reason or "").strip() or "Canceled."
    fulfilling.note(conn, order.id, OrderEventKind.NOTE, message[:500], now, channel=order.channel)
    complete_cancel(conn, order, now)
    parts.touched(conn, order, now)
    return replace(about, done=True), told


def is_ours(order: OrderRow) -> bool:
    """Whether it was placed through the gateway: what a channel sold itself is canceled there."""
    return order.external_id.startswith("gateway:")


def _no_order(order: OrderRow | None) -> UserError:
    if order is None:
        return UserError(code=UserErrorCode.NOT_FOUND, field=("input", "orderId"), message="There is no such order.")
    return UserError(
        code=UserErrorCode.NOT_SUPPORTED_BY_CHANNEL,
        field=("input", "orderId"),
        message="It was not placed here: cancel it in its channel.",
        channel_key=order.channel,
    )


_CHANGED = UserError(
    code=UserErrorCode.CONFLICT, field=("input", "version"), message="The order has changed: look again."
)
_TOO_LATE = UserError(
    code=UserErrorCode.NOT_ALLOWED_IN_STATE, field=("input", "orderId"), message="It is too late to cancel it."
)


# ------------------------------------------------------------------------------------------------ giving back


def give_back(conn: Connection, order: OrderRow, now: datetime) -> Told:
    """Have all that was wished for an order be undone: where it was never sent, it never is."""
    order.status = OrderStatus.CANCELLING.value
    waiting = [row for row in fulfilling.fulfillments_of(conn, order.id) if row.status not in OVER]
    told: Told = {}
    for part in fulfilling.parts_of(conn, order.id):
        told = both(told, recall_if_there(conn, order, part, now))
    unplaced = [row for row in waiting if row.channel_order_id is None]
    told = both(told, put_back(conn, order, unplaced, now))
    for row in unplaced:
        row.status = FulfillmentStatus.CANCELLED.value
    fulfilling.store_fulfillments(conn, unplaced, now)
    return told


def recall_if_there(conn: Connection, order: OrderRow, part: ChannelOrderRow, now: datetime) -> Told:
    """Have a channel not have its part: it is never told, or it is to cancel it."""
    if part.state in (ChannelOrderState.REJECTED.value, ChannelOrderState.CANCELLED.value):
        return {}
    if outbox.withdraw(conn, [part.client_reference], now):
        taken = _given_up(conn, order, part, now)
        ledger.change(conn, [row.id for row in taken], ledger.never_left, now)
        return {}
    return recall(conn, order, part, now)


def recall(conn: Connection, order: OrderRow, part: ChannelOrderRow, now: datetime) -> Told:
    """Have a channel cancel its part, once it is known there: cancels queue behind what they cancel."""
    command = CancelOrder(key=new_id(now), subject=Ref(part.client_reference), reason="canceled")
    about, subject = f"{CANCEL}:{part.id}", parts.subject_of(part)
    return wish(conn, [Wish(channel=part.channel, command=command, subject=subject, about=about)], now)


def prepared(conn: Connection, entry: Entry, command: Command, _: Selling, __: datetime) -> Command | None:
    """The cancel, with the name that the channel has given its order by now; None: it never took it."""
    part = fulfilling.part(conn, entry.about.partition(":")[2])
    if part is None or part.external_id is None:
        return None
    return replace(command, subject=Ref(part.external_id))


def put_back(conn: Connection, order: OrderRow, rows: Sequence[FulfillmentRow], now: datetime) -> Told:
    """Tell those who count of units that stay after all; what they were never told, they never are."""
    gone = [row for row in parts.movements(conn, order.id, [row.id for row in rows]) if row.quantity > 0]
    unsent = outbox.withdraw(conn, [row.command for row in gone if row.command is not None], now)
    ledger.change(conn, [row.id for row in gone if row.command in unsent], ledger.never_left, now)
    return ledger.post_new(conn, [_back(row, now) for row in gone if row.command not in unsent], now)


def _back(row: ReservationRow, now: datetime) -> ReservationRow:
    return replace(
        row,
        id=new_id(now),
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


# ------------------------------------------------------------------------------------------------ answers


def heard(conn: Connection, news: News, selling: Selling, now: datetime) -> None:
    """News of a cancel."""
    part = fulfilling.part(conn, news.entry.about.partition(":")[2])
    order = None if part is None else sales.orders_by_id(conn, [part.order_id]).get(part.order_id)
    if part is None or order is None:
        return
    if news.done is not None:
        never_there = part.external_id is None
        taken = _given_up(conn, order, part, now)
        if never_there:
            ledger.change(conn, [row.id for row in taken], ledger.never_left, now)
        else:
            _counted_again(conn, taken, news.done, selling, now)
        complete_cancel(conn, order, now)
    elif news.refused:
        _kept(conn, order, part, news, now)
    else:
        return
    parts.touched(conn, order, now)


def canceled_there(conn: Connection, order: OrderRow, part: ChannelOrderRow, selling: Selling, now: datetime) -> None:
    """The channel shows its part as canceled: because it was asked to, or because somebody did that there."""
    if part.state == ChannelOrderState.CANCELLED.value:
        return
    asked = order.status == OrderStatus.CANCELLING.value
    _counted_again(conn, _given_up(conn, order, part, now), Done(moved_stock=True), selling, now)
    if not asked:
        note = "Canceled by the channel."
        fulfilling.note(conn, order.id, OrderEventKind.NOTE, note, now, channel=part.channel, location=part.location)
        order.status = OrderStatus.CANCELLING.value
        left = [row for row in fulfilling.fulfillments_of(conn, order.id) if row.status not in OVER]
        if left or any(row.status in GONE for row in fulfilling.fulfillments_of(conn, order.id)):
            order.status = OrderStatus.OPEN.value
            fulfilling.open_task(conn, order.id, OrderAttention.STOCK_SHORT, note, now)
    complete_cancel(conn, order, now)
    parts.touched(conn, order, now)


def _given_up(conn: Connection, order: OrderRow, part: ChannelOrderRow, now: datetime) -> list[ReservationRow]:
    """The channel has nothing to do with its part any more; the movements that it stood for."""
    part.state, part.updated_at = ChannelOrderState.CANCELLED.value, now
    fulfilling.store_part(conn, part)
    mine = [row for row in fulfilling.fulfillments_of(conn, order.id) if row.channel_order_id == part.id]
    for row in mine:
        row.status = FulfillmentStatus.CANCELLED.value
    fulfilling.store_fulfillments(conn, mine, now)
    return [row for row in parts.movements(conn, order.id, [row.id for row in mine]) if row.quantity > 0]


def _counted_again(
    conn: Connection, taken: Sequence[ReservationRow], done: Done, selling: Selling, now: datetime
) -> None:
    """The channel counts the units again, by itself or because it is told to."""
    if done.moved_stock:
        ledger.undone(conn, [row.id for row in taken], selling.ground, now)
        return
    ledger.post_new(conn, [_back(row, now) for row in taken], now)


def _kept(conn: Connection, order: OrderRow, part: ChannelOrderRow, news: News, now: datetime) -> None:
    """It has left meanwhile: that wins, and what is to be done about the rest is a person's business."""
    part.note(news.fault)
    part.updated_at = now
    fulfilling.store_part(conn, part)
    if order.status == OrderStatus.CANCELLING.value:
        order.status = OrderStatus.OPEN.value
    note = "The channel could not cancel its part."
    fulfilling.open_task(conn, order.id, OrderAttention.REFUND_BY_HAND, note, now)
    fulfilling.note(conn, order.id, OrderEventKind.NOTE, note, now, channel=part.channel, location=part.location)


def complete_cancel(conn: Connection, order: OrderRow, now: datetime) -> None:
    """Once nothing of it is left anywhere, an order is canceled."""
    left = [row for row in fulfilling.fulfillments_of(conn, order.id) if row.status not in OVER]
    if order.status == OrderStatus.CANCELLING.value and not left:
        _over(conn, order, OrderStatus.CANCELLED, now)


def fail(conn: Connection, order: OrderRow, now: datetime) -> None:
    """The order is not to be: what was placed is canceled, and money that was taken is due back."""
    placed = [part for part in fulfilling.parts_of(conn, order.id) if part.state != ChannelOrderState.REJECTED.value]
    give_back(conn, order, now)
    if not placed:
        _over(conn, order, OrderStatus.FAILED, now)
    else:
        complete_cancel(conn, order, now)


def _over(conn: Connection, order: OrderRow, status: OrderStatus, now: datetime) -> None:
    order.status, order.cancelled_at = status.value, now
    fulfilling.close_task(conn, order.id, OrderAttention.STOCK_SHORT)
    message = "Canceled." if status is OrderStatus.CANCELLED else "It could not be served."
    fulfilling.note(conn, order.id, OrderEventKind.CANCELLED, message, now, channel=order.channel)
    if payments.taken(conn, order.id):
        note = "Money was taken for it, and is due back."
        fulfilling.open_task(conn, order.id, OrderAttention.PAYMENT_DUE_BACK, note, now)
    if order.customer is not None and order.customer_channel is not None:
        sales.store(conn, [order], {order.id})
        buyers = identities.customers_of(conn, order.customer_channel, [order.customer])
        identities.recount(conn, buyers, UNCOUNTED)


def complete_if_over(conn: Connection, order: OrderRow) -> None:
    """Once everything is handed over and paid, an order is complete."""
    paid = order.payment_status == PaymentStatus.PAID.value or not order.total
    if order.status != OrderStatus.OPEN.value or not paid:
        return
    rows = fulfilling.fulfillments_of(conn, order.id)
    if all(row.status in OVER for row in rows) and any(row.status in GONE for row in rows):
        order.status = OrderStatus.COMPLETED.value
        fulfilling.close_task(conn, order.id, OrderAttention.STOCK_SHORT)
