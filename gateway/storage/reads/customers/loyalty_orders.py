"""Reads of what orders say about loyalty points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.tables import identities, loyalty_accounts, loyalty_facts, order_lines, orders


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningOrder:
    """An order, with the identity through which it came; None: it names none that is known.

    Attributes:
        place: external location of the store; None: it was not sold in one.
        is_copy: it is the copy of an order that was placed here, or a trial.
    """

    id: str
    channel: str
    external_id: str
    number: str
    place: str | None
    reverses: str | None
    status: str
    currency: str | None
    total: int | None
    tax_total: int | None
    tax_included: bool | None
    is_copy: bool
    placed_at: datetime
    identity_id: str | None
    home: str | None
    loyalty_number: str | None


class EarningLine(NamedTuple):
    """A line of an order."""

    order_id: str
    quantity: int
    total: int | None
    fulfilled_quantity: int
    returned_quantity: int


_same_identity = sa.and_(
    identities.c.channel == orders.c.customer_channel,
    identities.c.external_id == orders.c.customer,
    identities.c.erased_at.is_(None),
)
_columns = (
    orders.c.id,
    orders.c.channel,
    orders.c.external_id,
    orders.c.number,
    orders.c.place,
    orders.c.reverses,
    orders.c.status,
    orders.c.currency,
    orders.c.total,
    orders.c.tax_total,
    orders.c.tax_included,
    sa.or_(orders.c.attached_to.is_not(None), orders.c.test.is_(True)).label("is_copy"),
    orders.c.placed_at,
    identities.c.id.label("identity_id"),
    sa.func.coalesce(identities.c.home, identities.c.customer_id).label("home"),
    identities.c.loyalty_number,
)
_joined = sa.select(*_columns).select_from(orders.outerjoin(identities, _same_identity))
_orders = BulkSelect(_joined, orders.c.id)
_orders_by_ref = BulkSelect(_joined.where(orders.c.channel == sa.bindparam("channel")), orders.c.external_id)
_lines = BulkSelect(
    sa.select(
        order_lines.c.order_id,
        order_lines.c.quantity,
        order_lines.c.total,
        order_lines.c.fulfilled_quantity,
        order_lines.c.returned_quantity,
    ),
    order_lines.c.order_id,
)
_unearned = BulkSelect(
    sa.select(orders.c.id)
    .select_from(identities.join(orders, _same_identity))
    .where(orders.c.placed_at >= sa.bindparam("since"), ~sa.exists().where(loyalty_facts.c.order_id == orders.c.id)),
    identities.c.customer_id,
)
_numbers = BulkSelect(
    sa.select(identities.c.loyalty_number).where(identities.c.loyalty_number.is_not(None)), identities.c.customer_id
)


def find_earning_orders(conn: Connection, ids: Collection[str]) -> dict[str, EarningOrder]:
    """Find orders by id."""
    return {row.id: EarningOrder(**row._asdict()) for row in _orders.select(conn, ids)}


def find_orders_by_ref(conn: Connection, channel: str, external_ids: Collection[str]) -> dict[str, EarningOrder]:
    """Find orders by their ids in a channel."""
    rows = _orders_by_ref.select(conn, external_ids, channel=channel)
    return {row.external_id: EarningOrder(**row._asdict()) for row in rows}


def find_receipts(conn: Connection, channel: str, number: str) -> list[str]:
    """Find the orders of a channel with this number."""
    same = sa.select(orders.c.id).where(orders.c.channel == channel, orders.c.number == number)
    return list(conn.scalars(same.order_by(orders.c.id).limit(100)))


def find_earning_lines(conn: Connection, order_ids: Collection[str]) -> dict[str, list[EarningLine]]:
    """Find the lines of orders, by order."""
    lines: dict[str, list[EarningLine]] = defaultdict(list)
    for row in _lines.select(conn, order_ids):
        lines[row.order_id].append(EarningLine(*row))
    return lines


def find_unearned(conn: Connection, customer_ids: Collection[str], since: datetime) -> list[str]:
    """Find the orders of customers that were placed since then, and that no fact is known of."""
    return [row.id for row in _unearned.select(conn, customer_ids, since=since)]


def find_numbers(conn: Connection, customer_ids: Collection[str]) -> set[str]:
    """Find the numbers of the cards that identities of customers have."""
    return {row.loyalty_number for row in _numbers.select(conn, customer_ids)}


def list_orders_after(conn: Connection, order_id: str, since: datetime, limit: int) -> list[str]:
    """List the ids of orders that were placed since then, in order of their ids, after this one."""
    following = sa.select(orders.c.id).where(orders.c.id > order_id, orders.c.placed_at >= since)
    return list(conn.scalars(following.order_by(orders.c.id).limit(limit)))


_account_numbers = BulkSelect(
    sa.select(loyalty_accounts.c.number)
    .select_from(loyalty_accounts.join(identities, identities.c.id == loyalty_accounts.c.identity_id))
    .where(loyalty_accounts.c.number.is_not(None)),
    identities.c.customer_id,
)


def find_account_numbers(conn: Connection, customer_ids: Collection[str]) -> set[str]:
    """Find the numbers of the cards whose accounts belong to customers."""
    return {row.number for row in _account_numbers.select(conn, customer_ids)}
