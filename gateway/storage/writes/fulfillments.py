"""Writes of what belongs to an order: channel orders, fulfillments, payments, events and tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.actors import Actor
from gateway.model.channels import Fault
from gateway.model.ids import generate_id
from gateway.model.orders import FulfillmentStatus, OrderAttention, OrderEventKind
from gateway.storage.sql.bulk import BulkSelect, build_insert, build_update, dump_json, load_json
from gateway.storage.sql.driver_statements import DriverChange, DriverSelect
from gateway.storage.tables import channel_orders, fulfillments, order_events, order_tasks, payments

Quantities = dict[str, int]
"""Quantities by order line id."""


@dataclass(slots=True, kw_only=True)
class ChannelOrderRow:
    """A row of `channel_orders`."""

    id: str
    order_id: str
    channel: str
    location: str
    client_reference: str
    external_id: str | None = None
    state: str
    attempts: int = 0
    fault_code: str | None = None
    fault_message: str | None = None
    fault_retryable: bool | None = None
    fault_at: datetime | None = None
    lines: str
    total: int | None = None
    read_total: int | None = None
    updated_at: datetime

    @property
    def quantities(self) -> Quantities:
        """Quantities by order line id."""
        return dict(load_json(self.lines))

    def set_fault(self, fault: Fault | None) -> None:
        """Set or clear the fault of the last call."""
        self.fault_code = None if fault is None else fault.code.value
        self.fault_message = None if fault is None else fault.message
        self.fault_retryable = None if fault is None else fault.retryable
        self.fault_at = None if fault is None else fault.occurred_at


@dataclass(slots=True, kw_only=True)
class FulfillmentRow:
    """A row of `fulfillments`."""

    id: str
    version: int = 1
    order_id: str
    channel: str
    channel_order_id: str | None = None
    method: str
    status: str
    location: str
    transfer_from: str | None = None
    lines: str
    tracking: str = "[]"
    wrong_codes: int = 0
    code_rotation: int = 0
    closed_until: datetime | None = None
    ready_at: datetime | None = None
    collect_by: datetime | None = None
    shipped_at: datetime | None = None
    estimated_delivery_at: datetime | None = None
    delivered_at: datetime | None = None
    identification: str | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def quantities(self) -> Quantities:
        """Quantities by order line id."""
        return dict(load_json(self.lines))


@dataclass(slots=True, kw_only=True)
class PaymentRow:
    """A row of `payments`."""

    id: str
    order_id: str
    kind: str
    provider: str | None
    reference: str | None
    amount: int
    currency: str
    status: str
    channel: str
    occurred_at: datetime
    receipt: str | None = None


def dump_quantities(quantities: Mapping[str, int]) -> str:
    """Encode quantities by order line as stored in a row."""
    return dump_json([[line, quantity] for line, quantity in quantities.items() if quantity])


def _build_statements(table: sa.Table, kind: type) -> tuple[Any, Any, list[sa.Column[Any]]]:
    names = [field.name for field in fields(kind)]
    return build_insert(table, names), build_update(table, names), [table.c[name] for name in names]


_channel_order_insert, _channel_order_update, _channel_order_columns = _build_statements(
    channel_orders, ChannelOrderRow
)
_fulfillment_insert, _fulfillment_update, _fulfillment_columns = _build_statements(fulfillments, FulfillmentRow)
_payment_insert, _payment_update, _payment_columns = _build_statements(payments, PaymentRow)
_event_columns = order_events.c
_last_number = sa.select(sa.func.coalesce(sa.func.max(_event_columns.number), 0)).where(
    _event_columns.order_id == sa.bindparam("_order")
)
_EVENT_NAMES = ("id", "order_id", "kind", "channel", "location", "message", "occurred_at")
_ACTOR_NAMES = ("actor_kind", "actor_name", "actor_token")
_event_insert = DriverChange(
    sa.insert(order_events).values(number=_last_number.scalar_subquery() + 1), _EVENT_NAMES + _ACTOR_NAMES
)
_channel_order_by_id = DriverSelect(sa.select(*_channel_order_columns).where(channel_orders.c.id == sa.bindparam("id")))
_channel_orders_of_order = DriverSelect(
    sa.select(*_channel_order_columns)
    .where(channel_orders.c.order_id == sa.bindparam("order"))
    .order_by(channel_orders.c.id)
)
_fulfillment_by_id = DriverSelect(sa.select(*_fulfillment_columns).where(fulfillments.c.id == sa.bindparam("id")))
_fulfillments_of_order = DriverSelect(
    sa.select(*_fulfillment_columns).where(fulfillments.c.order_id == sa.bindparam("order")).order_by(fulfillments.c.id)
)
_channel_orders_by_external_id = BulkSelect(
    sa.select(*_channel_order_columns).where(channel_orders.c.channel == sa.bindparam("channel")),
    channel_orders.c.external_id,
)
_channel_orders_by_reference = BulkSelect(sa.select(*_channel_order_columns), channel_orders.c.client_reference)


def insert_channel_orders(conn: Connection, rows: Sequence[ChannelOrderRow]) -> None:
    """Insert channel orders."""
    _channel_order_insert.run(conn, rows)


def update_channel_order(conn: Connection, row: ChannelOrderRow) -> None:
    """Update a channel order whose order is locked."""
    _channel_order_update.run(conn, [row])


def find_channel_order(conn: Connection, id_: str) -> ChannelOrderRow | None:
    """Find a channel order."""
    return next((ChannelOrderRow(**row._asdict()) for row in _channel_order_by_id.fetch(conn, {"id": id_})), None)


def find_channel_orders(conn: Connection, order_id: str) -> list[ChannelOrderRow]:
    """Find the channel orders of an order, in order of creation."""
    return [ChannelOrderRow(**row._asdict()) for row in _channel_orders_of_order.fetch(conn, {"order": order_id})]


def find_channel_orders_by_reference(conn: Connection, references: Collection[str]) -> dict[str, ChannelOrderRow]:
    """Find channel orders, by the reference that the gateway sent."""
    return {
        row.client_reference: ChannelOrderRow(**row._asdict())
        for row in _channel_orders_by_reference.select(conn, references)
    }


def find_channel_orders_by_external_id(
    conn: Connection, channel: str, ids: Collection[str]
) -> dict[str, ChannelOrderRow]:
    """Find channel orders, by their ids in the channel."""
    rows = _channel_orders_by_external_id.select(conn, ids, channel=channel)
    return {row.external_id: ChannelOrderRow(**row._asdict()) for row in rows}


def insert_fulfillments(conn: Connection, rows: Sequence[FulfillmentRow]) -> None:
    """Insert fulfillments."""
    _fulfillment_insert.run(conn, rows)


def update_fulfillments(conn: Connection, rows: Iterable[FulfillmentRow], now: datetime) -> None:
    """Update fulfillments whose order is locked, and increment their versions."""
    changed = list(rows)
    for row in changed:
        row.version, row.updated_at = row.version + 1, now
    _fulfillment_update.run(conn, changed)


def close_fulfillments(
    conn: Connection, rows: Iterable[FulfillmentRow], status: FulfillmentStatus, now: datetime
) -> None:
    """Cancel or reject fulfillments whose order is locked. Their pickup codes become invalid."""
    closed = list(rows)
    for row in closed:
        row.status, row.code_rotation = status.value, row.code_rotation + 1
    update_fulfillments(conn, closed, now)


def find_fulfillment(conn: Connection, id_: str) -> FulfillmentRow | None:
    """Find a fulfillment."""
    return next((FulfillmentRow(**row._asdict()) for row in _fulfillment_by_id.fetch(conn, {"id": id_})), None)


def find_fulfillments(conn: Connection, order_id: str) -> list[FulfillmentRow]:
    """Find the fulfillments of an order, in order of creation."""
    return [FulfillmentRow(**row._asdict()) for row in _fulfillments_of_order.fetch(conn, {"order": order_id})]


def insert_payments(conn: Connection, rows: Sequence[PaymentRow]) -> None:
    """Insert payments."""
    _payment_insert.run(conn, rows)


def update_payments(conn: Connection, rows: Sequence[PaymentRow]) -> None:
    """Update payments whose order is locked."""
    _payment_update.run(conn, rows)


def find_payments(conn: Connection, order_id: str) -> list[PaymentRow]:
    """Find the payments of an order."""
    statement = sa.select(*_payment_columns).where(payments.c.order_id == order_id).order_by(payments.c.id)
    return [PaymentRow(**row._asdict()) for row in conn.execute(statement)]


def find_received_payment(conn: Connection, receipt: str) -> PaymentRow | None:
    """Find the payment that was received under this reference, of whichever order."""
    statement = sa.select(*_payment_columns).where(payments.c.receipt == receipt)
    return next((PaymentRow(**row._asdict()) for row in conn.execute(statement)), None)


def insert_event(
    conn: Connection,
    order_id: str,
    kind: OrderEventKind,
    message: str,
    now: datetime,
    *,
    channel: str | None = None,
    location: str | None = None,
    actor: Actor | None = None,
) -> None:
    """Append an event to an order's history. `actor`: None: the gateway itself, or a channel, caused it."""
    values = {"kind": kind.value, "channel": channel, "location": location, "message": message, **_dump_actor(actor)}
    _event_insert.run(
        conn, {"id": generate_id(now), "_order": order_id, "order_id": order_id, "occurred_at": now, **values}
    )


def _dump_actor(actor: Actor | None) -> dict[str, str | None]:
    if actor is None:
        return {"actor_kind": None, "actor_name": None, "actor_token": None}
    return {"actor_kind": actor.kind.value, "actor_name": actor.name, "actor_token": actor.token_id}


def open_task(
    conn: Connection,
    order_id: str,
    kind: OrderAttention,
    note: str,
    now: datetime,
    due_at: datetime | None = None,
) -> bool:
    """Open a task for operators; False: the same task is already open and remains unchanged."""
    if has_task(conn, order_id, kind):
        return False
    row = {"order_id": order_id, "kind": kind.value, "note": note, "opened_at": now, "due_at": due_at}
    conn.execute(sa.insert(order_tasks), row)
    return True


def has_task(conn: Connection, order_id: str, kind: OrderAttention) -> bool:
    """Return whether this task is open."""
    same_task = sa.and_(order_tasks.c.order_id == order_id, order_tasks.c.kind == kind.value)
    return conn.execute(sa.select(order_tasks.c.kind).where(same_task)).first() is not None


def close_task(conn: Connection, order_id: str, kind: OrderAttention) -> None:
    """Close a task for operators."""
    same_task = sa.and_(order_tasks.c.order_id == order_id, order_tasks.c.kind == kind.value)
    conn.execute(sa.delete(order_tasks).where(same_task))
