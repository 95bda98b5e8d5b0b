"""What belongs to an order placed through the gateway: its parts, payments and events, as commerce writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Fault
from gateway.model.ids import new_id
from gateway.model.orders import OrderAttention, OrderEventKind
from gateway.storage.rows import Keyed, dump, inserting, load, updating
from gateway.storage.tables import channel_orders, fulfillments, order_events, order_tasks, payments

Quantities = dict[str, int]
"""Quantities by order line."""


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
    updated_at: datetime

    @property
    def quantities(self) -> Quantities:
        """What of which line."""
        return dict(load(self.lines))

    def note(self, fault: Fault | None) -> None:
        """Its last call went so."""
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
    closed_until: datetime | None = None
    ready_at: datetime | None = None
    collect_by: datetime | None = None
    shipped_at: datetime | None = None
    estimated_delivery_at: datetime | None = None
    delivered_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def quantities(self) -> Quantities:
        """What of which line."""
        return dict(load(self.lines))


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


def listed(quantities: Mapping[str, int]) -> str:
    """Quantities by line, as a row holds them."""
    return dump([[line, quantity] for line, quantity in quantities.items() if quantity])


def _kinds(table: sa.Table, kind: type) -> tuple[Any, Any, list[sa.Column[Any]]]:
    names = [field.name for field in fields(kind)]
    return inserting(table, names), updating(table, names), [table.c[name] for name in names]


_new_part, _set_part, _part_columns = _kinds(channel_orders, ChannelOrderRow)
_new_fulfillment, _set_fulfillment, _fulfillment_columns = _kinds(fulfillments, FulfillmentRow)
_new_payment, _set_payment, _payment_columns = _kinds(payments, PaymentRow)
_event_columns = order_events.c
_last_number = sa.select(sa.func.coalesce(sa.func.max(_event_columns.number), 0)).where(
    _event_columns.order_id == sa.bindparam("_order")
)
_new_event = sa.insert(order_events).values(number=_last_number.scalar_subquery() + 1)
_part_of_id = sa.select(*_part_columns).where(channel_orders.c.id == sa.bindparam("id"))
_parts_of_order = (
    sa.select(*_part_columns).where(channel_orders.c.order_id == sa.bindparam("order")).order_by(channel_orders.c.id)
)
_fulfillment_of_id = sa.select(*_fulfillment_columns).where(fulfillments.c.id == sa.bindparam("id"))
_fulfillments_of_order = (
    sa.select(*_fulfillment_columns).where(fulfillments.c.order_id == sa.bindparam("order")).order_by(fulfillments.c.id)
)
_parts_by_external_id = Keyed(
    sa.select(*_part_columns).where(channel_orders.c.channel == sa.bindparam("channel")), channel_orders.c.external_id
)
_parts_by_reference = Keyed(sa.select(*_part_columns), channel_orders.c.client_reference)


def add_parts(conn: Connection, rows: Sequence[ChannelOrderRow]) -> None:
    """Insert channel orders."""
    _new_part.run(conn, rows)


def store_part(conn: Connection, row: ChannelOrderRow) -> None:
    """Set one whose order is locked."""
    _set_part.run(conn, [row])


def part(conn: Connection, id_: str) -> ChannelOrderRow | None:
    """One channel order."""
    return next((ChannelOrderRow(**row._mapping) for row in conn.execute(_part_of_id, {"id": id_})), None)


def parts_of(conn: Connection, order_id: str) -> list[ChannelOrderRow]:
    """An order's parts, in the order in which they were made."""
    return [ChannelOrderRow(**row._mapping) for row in conn.execute(_parts_of_order, {"order": order_id})]


def parts_by_reference(conn: Connection, references: Collection[str]) -> dict[str, ChannelOrderRow]:
    """Channel orders, by what the gateway put on them."""
    return {row.client_reference: ChannelOrderRow(**row._mapping) for row in _parts_by_reference.all(conn, references)}


def parts_by_external_id(conn: Connection, channel: str, ids: Collection[str]) -> dict[str, ChannelOrderRow]:
    """Channel orders, by what their channel calls them."""
    found = _parts_by_external_id.all(conn, ids, channel=channel)
    return {row.external_id: ChannelOrderRow(**row._mapping) for row in found}


def add_fulfillments(conn: Connection, rows: Sequence[FulfillmentRow]) -> None:
    """Insert fulfillments."""
    _new_fulfillment.run(conn, rows)


def store_fulfillments(conn: Connection, rows: Iterable[FulfillmentRow], now: datetime) -> None:
    """Set these, whose order is locked: a new version of each."""
    changed = list(rows)
    for row in changed:
        row.version, row.updated_at = row.version + 1, now
    _set_fulfillment.run(conn, changed)


def fulfillment(conn: Connection, id_: str) -> FulfillmentRow | None:
    """One fulfillment."""
    return next((FulfillmentRow(**row._mapping) for row in conn.execute(_fulfillment_of_id, {"id": id_})), None)


def fulfillments_of(conn: Connection, order_id: str) -> list[FulfillmentRow]:
    """An order's fulfillments, in the order in which they were made."""
    return [FulfillmentRow(**row._mapping) for row in conn.execute(_fulfillments_of_order, {"order": order_id})]


def add_payments(conn: Connection, rows: Sequence[PaymentRow]) -> None:
    """Insert payments."""
    _new_payment.run(conn, rows)


def store_payments(conn: Connection, rows: Sequence[PaymentRow]) -> None:
    """Set payments whose order is locked."""
    _set_payment.run(conn, rows)


def payments_of(conn: Connection, order_id: str) -> list[PaymentRow]:
    """An order's payments."""
    statement = sa.select(*_payment_columns).where(payments.c.order_id == order_id).order_by(payments.c.id)
    return [PaymentRow(**row._mapping) for row in conn.execute(statement)]


def note(
    conn: Connection,
    order_id: str,
    kind: OrderEventKind,
    message: str,
    now: datetime,
    *,
    channel: str | None = None,
    location: str | None = None,
) -> None:
    """Something happened to an order."""
    what = {"kind": kind.value, "channel": channel, "location": location, "message": message}
    conn.execute(_new_event, {"id": new_id(now), "_order": order_id, "order_id": order_id, "occurred_at": now, **what})


def open_task(
    conn: Connection,
    order_id: str,
    kind: OrderAttention,
    note: str,
    now: datetime,
    due_at: datetime | None = None,
) -> bool:
    """A person has to look at this; whether that is new: one that is open already stays as it is."""
    known = sa.and_(order_tasks.c.order_id == order_id, order_tasks.c.kind == kind.value)
    if conn.execute(sa.select(order_tasks.c.kind).where(known)).first() is not None:
        return False
    row = {"order_id": order_id, "kind": kind.value, "note": note, "opened_at": now, "due_at": due_at}
    conn.execute(sa.insert(order_tasks), row)
    return True


def close_task(conn: Connection, order_id: str, kind: OrderAttention) -> None:
    """Nobody has to look at this any more."""
    known = sa.and_(order_tasks.c.order_id == order_id, order_tasks.c.kind == kind.value)
    conn.execute(sa.delete(order_tasks).where(known))
