"""Reading what belongs to orders that were placed through the gateway: parts, fulfillments, payments, events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import FulfillmentMethod
from gateway.model.money import Money
from gateway.model.orders import (
    ChannelOrder,
    ChannelOrderState,
    Fulfillment,
    FulfillmentStatus,
    LineQuantity,
    OrderAttention,
    OrderEvent,
    OrderEventKind,
    Payment,
    PaymentKind,
    PaymentStatus,
    Tracking,
)
from gateway.storage.channels import fault
from gateway.storage.paging import Rows, Sort, among
from gateway.storage.rows import load
from gateway.storage.tables import channel_orders, fulfillments, order_events, order_tasks, payments


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentQuery:
    """Which fulfillments of a location."""

    location: str
    statuses: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None


def fulfillments_matching(query: FulfillmentQuery) -> Rows[Fulfillment]:
    """The fulfillments of a location, the longest waiting first."""
    statement = sa.select(fulfillments).where(fulfillments.c.location == query.location)
    if query.statuses is not None:
        statement = statement.where(fulfillments.c.status.in_(query.statuses))
    if query.methods is not None:
        statement = statement.where(fulfillments.c.method.in_(query.methods))
    return Rows(statement, Sort(fulfillments.c.created_at, fulfillments.c.id), fulfillment)


def fulfillments_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, Fulfillment]:
    """Fulfillments, by id."""
    statement = sa.select(fulfillments).where(among(conn, fulfillments.c.id, ids))
    return {row.id: fulfillment(row) for row in conn.execute(statement)}


def fulfillments_of(conn: Connection, order_ids: Collection[str]) -> Mapping[str, list[Fulfillment]]:
    """The fulfillments of each order, in the order in which they were made."""
    return _by_order(conn, fulfillments, order_ids, fulfillment)


def channel_orders_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, ChannelOrder]:
    """Channel orders, by id."""
    statement = sa.select(channel_orders).where(among(conn, channel_orders.c.id, ids))
    return {row.id: channel_order(row) for row in conn.execute(statement)}


def channel_orders_of(conn: Connection, order_ids: Collection[str]) -> Mapping[str, list[ChannelOrder]]:
    """The parts of each order that channels have as orders of their own."""
    return _by_order(conn, channel_orders, order_ids, channel_order)


def payments_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, Payment]:
    """Payments, by id."""
    statement = sa.select(payments).where(among(conn, payments.c.id, ids))
    return {row.id: payment(row) for row in conn.execute(statement)}


def payments_of(conn: Connection, order_ids: Collection[str]) -> Mapping[str, list[Payment]]:
    """How each order was, or is to be, paid."""
    return _by_order(conn, payments, order_ids, payment)


def events_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, OrderEvent]:
    """Events, by id."""
    statement = sa.select(order_events).where(among(conn, order_events.c.id, ids))
    return {row.id: event(row) for row in conn.execute(statement)}


def events_of_orders() -> Rows[OrderEvent]:
    """What happened to each of many orders, the first things first."""
    sort = Sort(order_events.c.number, order_events.c.id)
    return Rows(sa.select(order_events), sort, event, parent=order_events.c.order_id)


def attention_of(conn: Connection, order_ids: Collection[str]) -> Mapping[str, list[OrderAttention]]:
    """What a person has to look at, by order."""
    statement = sa.select(order_tasks).where(among(conn, order_tasks.c.order_id, order_ids))
    found: dict[str, list[OrderAttention]] = {key: [] for key in order_ids}
    for row in conn.execute(statement.order_by(order_tasks.c.kind)):
        found[row.order_id].append(OrderAttention(row.kind))
    return found


def _by_order(conn: Connection, table: sa.Table, order_ids: Collection[str], read: Any) -> Mapping[str, list[Any]]:
    statement = sa.select(table).where(among(conn, table.c.order_id, order_ids)).order_by(table.c.id)
    found: dict[str, list[Any]] = {key: [] for key in order_ids}
    for row in conn.execute(statement):
        found[row.order_id].append(read(row))
    return found


def fulfillment(row: sa.Row[Any]) -> Fulfillment:
    """A row of `fulfillments`; who collects it learns the code elsewhere."""
    return Fulfillment(
        id=row.id,
        version=row.version,
        order_id=row.order_id,
        channel_key=row.channel,
        method=FulfillmentMethod(row.method),
        status=FulfillmentStatus(row.status),
        location_key=row.location,
        lines=_quantities(row.lines),
        tracking=tuple(Tracking(carrier=one[0], number=one[1], url=one[2]) for one in load(row.tracking)),
        ready_at=row.ready_at,
        collect_by=row.collect_by,
        shipped_at=row.shipped_at,
        estimated_delivery_at=row.estimated_delivery_at,
        delivered_at=row.delivered_at,
        updated_at=row.updated_at,
    )


def channel_order(row: sa.Row[Any]) -> ChannelOrder:
    """A row of `channel_orders`."""
    return ChannelOrder(
        id=row.id,
        order_id=row.order_id,
        channel_key=row.channel,
        external_id=row.external_id,
        state=ChannelOrderState(row.state),
        attempts=row.attempts,
        fault=fault(row),
        lines=_quantities(row.lines),
        updated_at=row.updated_at,
    )


def payment(row: sa.Row[Any]) -> Payment:
    """A row of `payments`."""
    return Payment(
        id=row.id,
        order_id=row.order_id,
        kind=PaymentKind(row.kind),
        provider=row.provider,
        reference=row.reference,
        amount=Money(row.amount, row.currency),
        status=PaymentStatus(row.status),
        channel_key=row.channel,
        occurred_at=row.occurred_at,
    )


def event(row: sa.Row[Any]) -> OrderEvent:
    """A row of `order_events`."""
    return OrderEvent(
        id=row.id,
        order_id=row.order_id,
        kind=OrderEventKind(row.kind),
        channel_key=row.channel,
        location_key=row.location,
        message=row.message,
        occurred_at=row.occurred_at,
    )


def _quantities(text: str) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(line, quantity) for line, quantity in load(text))
