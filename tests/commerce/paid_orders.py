"""What became of an order and its money, read from the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gateway.model.orders import OrderAttention, OrderStatus
from gateway.storage import consistency, tables
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, reservations
from gateway.storage.writes.shortages import GATEWAY_CHANNEL
from tests.graphql.shopper import SELLING, TABLES, UNCAPPED

PAID_LATE: Mapping[str, Any] = {**TABLES, "selling": {**SELLING, **UNCAPPED}}
"""A retailer who lets clients hold what they like, until the payment deadline."""

ACTIVE = {OrderStatus.PENDING.value, OrderStatus.OPEN.value, OrderStatus.COMPLETED.value}


@dataclass(frozen=True)
class OrderFacts:
    """The facts about an order.

    Attributes:
        paid: the sum of received payments, in the smallest unit.
        references: of received payments.
        claimed: units that it holds.
        problems: unbalanced counters, and counters with fewer units than are claimed.
    """

    status: str
    paid: int
    references: Sequence[str]
    claimed: int
    is_due_back: bool
    problems: Sequence[str]

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


def read_order_facts(conn: Connection, order_id: str) -> OrderFacts:
    """Read the facts about an order."""
    received = [row for row in fulfillments.find_payments(conn, order_id) if row.status == "PAID"]
    movements = reservations.find_movements_of_orders(conn, GATEWAY_CHANNEL, [order_id])
    return OrderFacts(
        status=conn.execute(sa.select(tables.orders.c.status).where(tables.orders.c.id == order_id)).scalar_one(),
        paid=sum(row.amount for row in received),
        references=sorted(row.reference or "" for row in received),
        claimed=sum(row.claimed for row in movements),
        is_due_back=fulfillments.has_task(conn, order_id, OrderAttention.PAYMENT_DUE_BACK),
        problems=list_stock_problems(conn),
    )


def list_stock_problems(conn: Connection) -> list[str]:
    """List the counters whose claimed units are wrong, or more than they have."""
    unbalanced = [str(one) for one in consistency.find_unbalanced_counters(conn)]
    stock = tables.stock
    oversold = sa.select(stock.c.item).where(stock.c.on_hand >= 0, stock.c.on_hand < stock.c.held)
    return [*unbalanced, *(f"oversold: {item}" for item in conn.scalars(oversold))]
