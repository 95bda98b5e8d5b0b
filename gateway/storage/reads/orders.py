"""Reads of orders. Customer, variant and reversed order are resolved on read: records arrive in any order (rule S6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.locations import Address
from gateway.model.money import Money
from gateway.model.orders import (
    Order,
    OrderCharge,
    OrderChargeKind,
    OrderContact,
    OrderFulfillmentStatus,
    OrderLine,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
    TaxLine,
)
from gateway.storage.reads.catalog import read_money
from gateway.storage.reads.customers.search import SeveralCurrenciesError
from gateway.storage.sql.bulk import BulkSelect, load_json
from gateway.storage.sql.keyset import Rows, Sort
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.sql.text_search import Search, has_words
from gateway.storage.tables import EPOCH, customers, identities, listings, order_lines, orders

GATEWAY_PREFIX = "gateway:"
"""Prefix of an order's id in the column of the channel's own id, for orders placed through the gateway."""

MappedLocations = Mapping[tuple[str, str], str]
"""Location keys by external location (channel, id), from the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Filters and sort order of orders.

    Attributes:
        shops: external locations (channel, id) where they were sold.
        skus: normalized by `validation.normalize_sku`; a line has one of them.
        include_test: test orders too.
        sort: PLACED_AT, UPDATED_AT or TOTAL.
    """

    search: Search | None = None
    channels: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    fulfillment_statuses: tuple[str, ...] | None = None
    payment_statuses: tuple[str, ...] | None = None
    placed_since: datetime | None = None
    placed_before: datetime | None = None
    updated_since: datetime | None = None
    customer_id: str | None = None
    shops: tuple[tuple[str, str], ...] | None = None
    skus: tuple[str, ...] | None = None
    include_test: bool = False
    sort: str = "PLACED_AT"
    descending: bool = True


def search_orders(query: OrderQuery, mapped: MappedLocations) -> Rows[Order]:
    """Search the orders of a query."""
    rows = (_select_orders_once if _is_common(query) else _select_orders)(query)
    return replace(rows, read=lambda row: read_order(row, mapped))


def _is_common(query: OrderQuery) -> bool:
    """Return whether other requests have the same query: one with neither texts, times nor ids."""
    given = (query.search, query.placed_since, query.placed_before, query.updated_since, query.customer_id, query.skus)
    return all(value is None for value in given)


@lru_cache(64)  # building a statement takes longer than running it
def _select_orders_once(query: OrderQuery) -> Rows[Any]:
    return _select_orders(query)


def _select_orders(query: OrderQuery) -> Rows[Any]:
    column = {"UPDATED_AT": orders.c.updated_at, "TOTAL": orders.c.total}.get(query.sort, orders.c.placed_at)
    sort = Sort(column, orders.c.id, descending=query.descending, nulls=query.sort == "TOTAL")
    return Rows(_orders.where(*_build_conditions(query)), sort, lambda row: row)


def list_orders_of_customers(query: OrderQuery, mapped: MappedLocations, *, proved: bool = False) -> Rows[Order]:
    """List the orders of each of many customers, latest first. `proved`: those that the customer's login proves."""
    parent = _buyer.c.proved_id if proved else _buyer.c.customer_id
    has_parent = parent.is_not(None)  # SQLite begins with the customer only if it sees that the join is an inner one
    statement = _orders.where(has_parent, *_build_conditions(query))
    sort = Sort(orders.c.placed_at, orders.c.id, descending=True)
    return Rows(statement, sort, lambda row: read_order(row, mapped), parent=parent)


# Joined at import time: an alias creates its columns on first access, and two concurrent threads, as after a start,
# would each get columns that the other's statement does not know.
_buyer = identities.alias("buyer")
_reversed = orders.alias("reversed")
_proved_id = sa.func.coalesce(_buyer.c.proved_id, _buyer.c.home, _buyer.c.customer_id).label("proved_id")
_same_buyer = sa.and_(_buyer.c.channel == orders.c.customer_channel, _buyer.c.external_id == orders.c.customer)
_visible_customer = sa.and_(customers.c.id == _buyer.c.customer_id, customers.c.visible)
_same_reversed = sa.and_(_reversed.c.channel == orders.c.channel, _reversed.c.external_id == orders.c.reverses)
_orders = (
    sa.select(
        orders,
        customers.c.id.label("customer_id"),
        _proved_id,
        _reversed.c.id.label("reverses_id"),
    )
    .join(_buyer, _same_buyer, isouter=True)
    .join(customers, _visible_customer, isouter=True)
    .join(_reversed, _same_reversed, isouter=True)
)
_by_id = BulkSelect(_orders, orders.c.id)


def _build_conditions(query: OrderQuery) -> list[sa.ColumnElement[bool]]:
    columns = (
        (skip_index(orders.c.channel), query.channels),
        (orders.c.status, query.statuses),
        (orders.c.fulfillment_status, query.fulfillment_statuses),
        (orders.c.payment_status, query.payment_statuses),
    )
    conditions: list[sa.ColumnElement[bool]] = [column.in_(values) for column, values in columns if values is not None]
    conditions.append(skip_index(orders.c.attached_to).is_(None))
    if not query.include_test:
        conditions.append(orders.c.test.is_not(True))
    if query.search is not None:
        conditions.append(has_words("order", orders.c.id, query.search.words))
    if query.customer_id is not None:
        conditions.append(_is_bought_by(query.customer_id))
    if query.shops is not None:
        sold_at = [
            sa.and_(orders.c.channel == channel, orders.c.place == external_location)
            for channel, external_location in query.shops
        ]
        conditions.append(sa.or_(sa.false(), *sold_at))
    if query.skus is not None:
        conditions.append(
            orders.c.id.in_(sa.select(order_lines.c.order_id).where(order_lines.c.sku_key.in_(query.skus)))
        )
    return [*conditions, *_build_time_conditions(query)]


def _is_bought_by(customer_id: str) -> sa.ColumnElement[bool]:
    today = sa.select(identities.c.customer_id).where(identities.c.home == customer_id).limit(1).scalar_subquery()
    bought = sa.select(identities.c.channel, identities.c.external_id).where(
        identities.c.customer_id == sa.func.coalesce(today, customer_id)
    )
    return sa.tuple_(orders.c.customer_channel, orders.c.customer).in_(bought)


def _build_time_conditions(query: OrderQuery) -> list[sa.ColumnElement[bool]]:
    times: list[sa.ColumnElement[bool]] = []
    if query.placed_since is not None:
        times.append(orders.c.placed_at >= query.placed_since)
    if query.placed_before is not None:
        times.append(orders.c.placed_at < query.placed_before)
    if query.updated_since is not None:
        times.append(orders.c.updated_at >= query.updated_since)
    return times


def check_one_currency(conn: Connection, query: OrderQuery) -> None:
    """Check that the totals of these orders can be compared.

    Raises:
        SeveralCurrenciesError: they are in several currencies.
    """
    statement = _orders.where(orders.c.currency.is_not(None), *_build_conditions(query))
    currencies = statement.with_only_columns(orders.c.currency, maintain_column_froms=True).distinct().limit(2)
    if len(conn.execute(currencies).all()) > 1:
        raise SeveralCurrenciesError


def find_orders(conn: Connection, ids: Sequence[str], mapped: MappedLocations) -> Mapping[str, Order]:
    """Find the orders with these ids."""
    return {row.id: read_order(row, mapped) for row in _by_id.select(conn, ids)}


def find_order_by_number(conn: Connection, channel: str, number: str, mapped: MappedLocations) -> Order | None:
    """Find the latest order with this number in its channel; a copy in another channel resolves to the original."""
    numbered = sa.select(sa.func.coalesce(orders.c.attached_to, orders.c.id)).where(
        orders.c.channel == channel, orders.c.number == number
    )
    id_ = conn.scalar(numbered.order_by(orders.c.placed_at.desc(), orders.c.id.desc()).limit(1))
    return None if id_ is None else find_orders(conn, [id_], mapped).get(id_)


@dataclass(frozen=True, slots=True)
class NumberedContact:
    """An order, the number by which it was found, and the email address of its contact."""

    id: str
    number: str
    email: str | None


def find_contact_by_number(conn: Connection, channel: str, number: str) -> NumberedContact | None:
    """Find what `find_order_by_number` finds, with one statement whether there is such an order or not."""
    numbered = orders.alias("numbered")
    statement = (
        sa.select(orders.c.id, numbered.c.number, orders.c.contact)
        .join(numbered, orders.c.id == sa.func.coalesce(numbered.c.attached_to, numbered.c.id))
        .where(numbered.c.channel == channel, numbered.c.number == number)
        .order_by(numbered.c.placed_at.desc(), numbered.c.id.desc())
        .limit(1)
    )
    row = conn.execute(statement).first()
    if row is None:
        return None
    return NumberedContact(row.id, row.number, (load_json(row.contact) or {}).get("email"))


@cache  # building a statement takes longer than running it
def list_lines_of_orders() -> Rows[OrderLine]:
    """List the lines of each of many orders."""
    return Rows(
        _select_lines(), Sort(order_lines.c.position, order_lines.c.id), read_order_line, parent=order_lines.c.order_id
    )


def find_lines(conn: Connection, ids: Sequence[str]) -> Mapping[str, OrderLine]:
    """Find the order lines with these ids."""
    return {row.id: read_order_line(row) for row in _lines_by_id.select(conn, ids)}


def _select_lines() -> sa.Select[Any]:
    sold = sa.and_(
        listings.c.channel == order_lines.c.channel,
        listings.c.external_id == order_lines.c.variant,
        listings.c.generation == order_lines.c.generation,
    )
    return sa.select(order_lines, listings.c.variant_id).join(listings, sold, isouter=True)


_lines_by_id = BulkSelect(_select_lines(), order_lines.c.id)


def read_order(row: sa.Row[Any], mapped: MappedLocations) -> Order:
    """Read a row of `orders`, with its resolved references."""
    amounts = ("subtotal", "discount_total", "tax_total", "shipping_total", "total", "refunded_total")
    return Order(
        id=row.id,
        version=row.version,
        number=row.number,
        channel_key=row.channel,
        external_id=None if row.external_id.startswith(GATEWAY_PREFIX) else row.external_id,
        location_key=mapped.get((row.channel, row.place)),
        reverses_id=row.reverses_id,
        customer_id=row.customer_id,
        proved_customer_id=row.proved_id,
        status=OrderStatus(row.status),
        fulfillment_status=OrderFulfillmentStatus(row.fulfillment_status),
        payment_status=PaymentStatus(row.payment_status),
        return_status=OrderReturnStatus(row.return_status),
        **{name: read_money(getattr(row, name), row.currency) for name in amounts},
        test=bool(row.test),
        tax_included=row.tax_included,
        tax_lines=_read_taxes(row.tax_lines),
        other_charges=_read_charges(row.other_charges),
        contact=OrderContact(**load_json(row.contact)) if row.contact else None,
        shipping_address=_read_address(row.shipping_address),
        billing_address=_read_address(row.billing_address),
        placed_at=row.placed_at,
        cancelled_at=row.cancelled_at,
        pay_by=None if row.pay_by == EPOCH else row.pay_by,
        updated_at=row.updated_at,
    )


def _read_taxes(text: str) -> tuple[TaxLine, ...]:
    return tuple(
        TaxLine(title=title, rate=Decimal(rate), amount=Money(minor, currency))
        for title, rate, minor, currency in load_json(text)
    )


def _read_charges(text: str | None) -> tuple[OrderCharge, ...]:
    return tuple(
        OrderCharge(kind=OrderChargeKind(kind), title=title, amount=Money(minor, currency))
        for kind, title, minor, currency in load_json(text) or ()
    )


def _read_address(text: str | None) -> Address | None:
    return Address(**load_json(text)) if text else None


def read_order_line(row: sa.Row[Any]) -> OrderLine:
    """Read a row of `order_lines`, with the variant sold."""
    return OrderLine(
        id=row.id,
        order_id=row.order_id,
        variant_id=row.variant_id,
        title=row.title,
        sku=row.sku,
        quantity=row.quantity,
        unit_price=read_money(row.unit_price, row.currency),
        total=read_money(row.total, row.currency),
        fulfilled_quantity=row.fulfilled_quantity,
        returned_quantity=row.returned_quantity,
    )
