"""What a channel answers about the part of an order that it was to take (rules O1 to O5)."""

from __future__ import annotations

from datetime import datetime

from gateway.commerce import canceling, ledger, parts, rerouting
from gateway.commerce.news import News
from gateway.commerce.selling import Selling
from gateway.model.orders import (
    ChannelOrderState,
    FulfillmentStatus,
    OrderAttention,
    OrderEventKind,
    OrderStatus,
)
from gateway.storage import fulfilling, reservations, sales
from gateway.storage.database import Connection
from gateway.storage.fulfilling import ChannelOrderRow
from gateway.storage.outbox import OutboxState
from gateway.storage.reservations import ReservationRow
from gateway.storage.sales import OrderRow


def heard(conn: Connection, news: News, selling: Selling, now: datetime) -> None:
    """News of a command that was to place a channel order."""
    found = locked(conn, news.entry.about.partition(":")[2])
    if found is None:
        return
    order, part = found
    if news.done is not None:
        external_id = None if news.done.ref is None else news.done.ref.id
        accept(conn, order, part, external_id, news.done.moved_stock, selling, now)
    elif news.refused:
        part.note(news.fault)
        reject(conn, order, part, selling, now)
    else:
        _wait(conn, order, part, news, now)


def locked(conn: Connection, part_id: str) -> tuple[OrderRow, ChannelOrderRow] | None:
    """A channel order and its order, locked: the order first, as everywhere."""
    order = sales.order_of_part(conn, part_id)
    part = fulfilling.part(conn, part_id)
    return None if order is None or part is None else (order, part)


def accept(
    conn: Connection,
    order: OrderRow,
    part: ChannelOrderRow,
    external_id: str | None,
    moved_stock: bool,
    selling: Selling,
    now: datetime,
) -> None:
    """The channel has taken the part. Its webhook may say so before its own answer does (rule O4): once is enough."""
    if part.state in (ChannelOrderState.ACCEPTED.value, ChannelOrderState.CANCELLED.value):
        return
    doubted = part.state == ChannelOrderState.UNKNOWN.value
    part.state, part.external_id, part.updated_at = ChannelOrderState.ACCEPTED.value, external_id, now
    part.attempts += 1
    part.note(None)
    fulfilling.store_part(conn, part)
    _take_stock(conn, part, moved_stock, selling, now)
    if doubted:
        fulfilling.close_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN)
    message = "Taken by the channel."
    fulfilling.note(conn, order.id, OrderEventKind.ACCEPTED, message, now, channel=part.channel, location=part.location)
    if order.status in (OrderStatus.FAILED.value, OrderStatus.CANCELLED.value):
        canceling.recall(conn, order, part, now)  # an order that appears after all is not left there
    _go_on(conn, order, part, now)
    parts.touched(conn, order, now)


def _go_on(conn: Connection, order: OrderRow, part: ChannelOrderRow, now: datetime) -> None:
    """The goods of an accepted part may go; and once all parts are accepted, the order is open."""
    mine = [
        row
        for row in fulfilling.fulfillments_of(conn, order.id)
        if row.channel_order_id == part.id and row.status == FulfillmentStatus.PENDING.value
    ]
    for row in mine:
        row.status = FulfillmentStatus.ACCEPTED.value
    fulfilling.store_fulfillments(conn, mine, now)
    _open_if_settled(conn, order)


def _open_if_settled(conn: Connection, order: OrderRow) -> None:
    """Once every channel has said what it does, the order is open."""
    states = {one.state for one in fulfilling.parts_of(conn, order.id)}
    if order.status == OrderStatus.PENDING.value and states <= _SETTLED:
        order.status = OrderStatus.OPEN.value
        canceling.complete_if_over(conn, order)


_SETTLED = {
    ChannelOrderState.ACCEPTED.value,
    ChannelOrderState.REJECTED.value,
    ChannelOrderState.CANCELLED.value,
}


def _take_stock(conn: Connection, part: ChannelOrderRow, moved_stock: bool, selling: Selling, now: datetime) -> None:
    """The channel's own count moves with its order; where it does not, it is told."""
    waiting = _movements(conn, part)
    if moved_stock:
        ledger.acknowledged(conn, [row.id for row in waiting], selling.ground, now)
    else:
        ledger.post(conn, [row for row in waiting if row.acknowledged_count is None], now)


def _movements(conn: Connection, part: ChannelOrderRow) -> list[ReservationRow]:
    found = reservations.of_orders(conn, parts.SOLD_HERE, [part.order_id])
    return [row for row in found if row.command == part.client_reference]


def reject(conn: Connection, order: OrderRow, part: ChannelOrderRow, selling: Selling, now: datetime) -> None:
    """A definite no: what was to come from there comes from elsewhere, or the order is not to be (rule O5)."""
    part.state, part.updated_at = ChannelOrderState.REJECTED.value, now
    part.attempts += 1
    fulfilling.store_part(conn, part)
    message = part.fault_message or "The channel has refused it."
    fulfilling.note(conn, order.id, OrderEventKind.REJECTED, message, now, channel=part.channel, location=part.location)
    refused = [row for row in fulfilling.fulfillments_of(conn, order.id) if row.channel_order_id == part.id]
    ids = [row.id for row in _movements(conn, part)]
    ledger.change(conn, ids, ledger.never_left, now)
    if order.status == OrderStatus.PENDING.value:
        if not rerouting.elsewhere(conn, order, refused, selling, now):
            canceling.fail(conn, order, now)
        _open_if_settled(conn, order)
    elif order.status == OrderStatus.CANCELLING.value:
        canceling.complete_cancel(conn, order, now)
    parts.touched(conn, order, now)


def _wait(conn: Connection, order: OrderRow, part: ChannelOrderRow, news: News, now: datetime) -> None:
    """Nothing definite: what is held stays held. Once nobody will look again, a person has to."""
    part.attempts, part.updated_at = part.attempts + 1, now
    if part.state in (
        ChannelOrderState.QUEUED.value,
        ChannelOrderState.SUBMITTED.value,
        ChannelOrderState.UNKNOWN.value,
    ):
        part.state = (ChannelOrderState.UNKNOWN if news.unknown else ChannelOrderState.SUBMITTED).value
    part.note(news.fault)
    fulfilling.store_part(conn, part)
    if news.state is OutboxState.DEAD:
        message = "Whether the channel has this order cannot be told."
        fulfilling.open_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN, message, now)
    parts.touched(conn, order, now)
