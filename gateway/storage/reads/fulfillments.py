"""Reads of what belongs to an order: channel orders, fulfillments, payments and events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.actors import Actor, CallerKind
from gateway.model.locations import FulfillmentMethod
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
from gateway.storage.reads.channel_status import read_fault
from gateway.storage.sql.bulk import BulkSelect, load_json
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.tables import channel_orders, fulfillments, order_events, order_tasks, orders, payments

_fulfillments_by_id, _channel_orders_by_id, _payments_by_id, _events_by_id = (
    BulkSelect(sa.select(table), table.c.id) for table in (fulfillments, channel_orders, payments, order_events)
)
_fulfillments_by_order, _channel_orders_by_order, _payments_by_order = (
    BulkSelect(sa.select(table).order_by(table.c.id), table.c.order_id)
    for table in (fulfillments, channel_orders, payments)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentQuery:
    """Filters of a location's fulfillments."""

    location: str
    statuses: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None


@lru_cache(64)  # building a statement takes longer than running it
def search_fulfillments(query: FulfillmentQuery) -> Rows[Fulfillment]:
    """Search the fulfillments of a location, longest waiting first."""
    statement = sa.select(fulfillments).where(fulfillments.c.location == query.location)
    if query.statuses is not None:
        statement = statement.where(fulfillments.c.status.in_(query.statuses))
    if query.methods is not None:
        statement = statement.where(fulfillments.c.method.in_(query.methods))
    return Rows(statement, Sort(fulfillments.c.created_at, fulfillments.c.id), read_fulfillment)


def find_fulfillments(conn: Connection, ids: Sequence[str]) -> Mapping[str, Fulfillment]:
    """Find fulfillments, by id."""
    return {row.id: read_fulfillment(row) for row in _fulfillments_by_id.select(conn, ids)}


def find_fulfillments_of_orders(conn: Connection, order_ids: Collection[str]) -> Mapping[str, list[Fulfillment]]:
    """Find the fulfillments of each order, in order of creation."""
    return _find_by_order(conn, _fulfillments_by_order, order_ids, read_fulfillment)


def find_channel_orders(conn: Connection, ids: Sequence[str]) -> Mapping[str, ChannelOrder]:
    """Find channel orders, by id."""
    return {row.id: read_channel_order(row) for row in _channel_orders_by_id.select(conn, ids)}


def find_channel_orders_of_orders(conn: Connection, order_ids: Collection[str]) -> Mapping[str, list[ChannelOrder]]:
    """Find the channel orders of each order, in order of creation."""
    return _find_by_order(conn, _channel_orders_by_order, order_ids, read_channel_order)


def find_payments(conn: Connection, ids: Sequence[str]) -> Mapping[str, Payment]:
    """Find payments, by id."""
    return {row.id: read_payment(row) for row in _payments_by_id.select(conn, ids)}


def find_payments_of_orders(conn: Connection, order_ids: Collection[str]) -> Mapping[str, list[Payment]]:
    """Find the payments of each order."""
    return _find_by_order(conn, _payments_by_order, order_ids, read_payment)


def find_events(conn: Connection, ids: Sequence[str]) -> Mapping[str, OrderEvent]:
    """Find events, by id."""
    return {row.id: read_event(row) for row in _events_by_id.select(conn, ids)}


@cache
def list_events_of_orders() -> Rows[OrderEvent]:
    """List the events of each of many orders, oldest first."""
    sort = Sort(order_events.c.number, order_events.c.id)
    return Rows(sa.select(order_events), sort, read_event, parent=order_events.c.order_id)


def find_attention(conn: Connection, order_ids: Collection[str]) -> Mapping[str, list[OrderAttention]]:
    """Find the reasons why orders need an operator's attention, by order. Those of their copies are theirs."""
    own = sa.select(order_tasks.c.order_id, order_tasks.c.kind).where(is_among(conn, order_tasks.c.order_id, order_ids))
    of_copies = (
        sa.select(orders.c.attached_to, order_tasks.c.kind)
        .join(order_tasks, order_tasks.c.order_id == orders.c.id)
        .where(is_among(conn, orders.c.attached_to, order_ids))
    )
    attention: dict[str, list[OrderAttention]] = {key: [] for key in order_ids}
    for order_id, kind in sorted({(*row,) for row in conn.execute(sa.union(own, of_copies))}):
        attention[order_id].append(OrderAttention(kind))
    return attention


def _find_by_order(
    conn: Connection, statement: BulkSelect, order_ids: Collection[str], read: Any
) -> Mapping[str, list[Any]]:
    items_by_order: dict[str, list[Any]] = {key: [] for key in order_ids}
    for row in statement.select(conn, order_ids):
        items_by_order[row.order_id].append(read(row))
    return items_by_order


def read_fulfillment(row: sa.Row[Any]) -> Fulfillment:
    """Read a row of `fulfillments`, without its collection code."""
    return Fulfillment(
        id=row.id,
        version=row.version,
        order_id=row.order_id,
        channel_key=row.channel,
        method=FulfillmentMethod(row.method),
        status=FulfillmentStatus(row.status),
        location_key=row.location,
        lines=_read_quantities(row.lines),
        tracking=tuple(Tracking(carrier=entry[0], number=entry[1], url=entry[2]) for entry in load_json(row.tracking)),
        code_rotation=row.code_rotation,
        ready_at=row.ready_at,
        collect_by=row.collect_by,
        shipped_at=row.shipped_at,
        estimated_delivery_at=row.estimated_delivery_at,
        delivered_at=row.delivered_at,
        updated_at=row.updated_at,
    )


def read_channel_order(row: sa.Row[Any]) -> ChannelOrder:
    """Read a row of `channel_orders`."""
    return ChannelOrder(
        id=row.id,
        order_id=row.order_id,
        channel_key=row.channel,
        external_id=row.external_id,
        state=ChannelOrderState(row.state),
        attempts=row.attempts,
        fault=read_fault(row),
        lines=_read_quantities(row.lines),
        updated_at=row.updated_at,
    )


def read_payment(row: sa.Row[Any]) -> Payment:
    """Read a row of `payments`."""
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


def read_event(row: sa.Row[Any]) -> OrderEvent:
    """Read a row of `order_events`."""
    return OrderEvent(
        id=row.id,
        order_id=row.order_id,
        kind=OrderEventKind(row.kind),
        channel_key=row.channel,
        location_key=row.location,
        message=row.message,
        occurred_at=row.occurred_at,
        actor=None if row.actor_kind is None else _read_actor(row),
    )


def _read_actor(row: sa.Row[Any]) -> Actor:
    return Actor(CallerKind(row.actor_kind), row.actor_name or "", row.actor_token)


def _read_quantities(text: str) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(line, quantity) for line, quantity in load_json(text))
