"""Reading orders. Customer, variant and reversed order are resolved here: no order of arrival is needed (S6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Address
from gateway.model.money import Money
from gateway.model.orders import (
    Order,
    OrderContact,
    OrderFulfillmentStatus,
    OrderLine,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
    TaxLine,
)
from gateway.storage.catalog import money
from gateway.storage.customers import SeveralCurrenciesError
from gateway.storage.paging import Rows, Sort, among
from gateway.storage.rows import load
from gateway.storage.search import Search, has_words
from gateway.storage.tables import customers, identities, listings, order_lines, orders

OURS = "gateway:"
"""Stands before the id of an order that was placed through the gateway, where a channel's own id would stand."""

Places = Mapping[tuple[str, str], str]
"""Keys of locations by (channel, the place's id there), from the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Which orders, and in which order.

    Attributes:
        shops: (channel, place) pairs where they were sold.
        skus: as `values.sku_key` makes them; a line has one of them.
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
    sort: str = "PLACED_AT"
    descending: bool = True


def orders_matching(query: OrderQuery, places: Places) -> Rows[Order]:
    """The orders of a query."""
    column = {"UPDATED_AT": orders.c.updated_at, "TOTAL": orders.c.total}.get(query.sort, orders.c.placed_at)
    sort = Sort(column, orders.c.id, descending=query.descending, nulls=query.sort == "TOTAL")
    return Rows(_orders.where(*_conditions(query)), sort, lambda row: order(row, places))


def orders_of_customers(query: OrderQuery, places: Places) -> Rows[Order]:
    """The orders of each of many customers, the latest first."""
    statement = _orders.where(*_conditions(query))
    sort = Sort(orders.c.placed_at, orders.c.id, descending=True)
    return Rows(statement, sort, lambda row: order(row, places), parent=_buyer.c.customer_id)


# Joined here, and not in a function: an alias makes its columns when it is first asked for them, and two threads that
# ask at once, as after a start, would each have columns that the other one's statement does not know.
_buyer = identities.alias("buyer")
_reversed = orders.alias("reversed")
_bought = sa.and_(_buyer.c.channel == orders.c.customer_channel, _buyer.c.external_id == orders.c.customer)
_known = sa.and_(customers.c.id == _buyer.c.customer_id, customers.c.visible)
_undone = sa.and_(_reversed.c.channel == orders.c.channel, _reversed.c.external_id == orders.c.reverses)
_orders = (
    sa.select(orders, customers.c.id.label("customer_id"), _reversed.c.id.label("reverses_id"))
    .join(_buyer, _bought, isouter=True)
    .join(customers, _known, isouter=True)
    .join(_reversed, _undone, isouter=True)
)


def _conditions(query: OrderQuery) -> list[sa.ColumnElement[bool]]:
    columns = (
        (orders.c.channel, query.channels),
        (orders.c.status, query.statuses),
        (orders.c.fulfillment_status, query.fulfillment_statuses),
        (orders.c.payment_status, query.payment_statuses),
    )
    conditions: list[sa.ColumnElement[bool]] = [column.in_(wanted) for column, wanted in columns if wanted is not None]
    conditions.append(orders.c.attached_to.is_(None))
    if query.search is not None:
        conditions.append(has_words("order", orders.c.id, query.search.words))
    if query.customer_id is not None:
        conditions.append(_buyer.c.customer_id == query.customer_id)
    if query.shops is not None:
        here = [sa.and_(orders.c.channel == channel, orders.c.place == place) for channel, place in query.shops]
        conditions.append(sa.or_(sa.false(), *here))
    if query.skus is not None:
        conditions.append(
            orders.c.id.in_(sa.select(order_lines.c.order_id).where(order_lines.c.sku_key.in_(query.skus)))
        )
    return [*conditions, *_times(query)]


def _times(query: OrderQuery) -> list[sa.ColumnElement[bool]]:
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
        SeveralCurrenciesError: they cannot.
    """
    statement = _orders.where(orders.c.currency.is_not(None), *_conditions(query))
    currencies = statement.with_only_columns(orders.c.currency, maintain_column_froms=True).distinct().limit(2)
    if len(conn.execute(currencies).all()) > 1:
        raise SeveralCurrenciesError


def orders_by_id(conn: Connection, ids: Sequence[str], places: Places) -> Mapping[str, Order]:
    """The orders with these ids."""
    return {row.id: order(row, places) for row in conn.execute(_orders.where(among(conn, orders.c.id, ids)))}


def order_by_number(conn: Connection, channel: str, number: str, places: Places) -> Order | None:
    """The latest order with this number in its channel; of a copy that a channel has the order itself."""
    numbered = sa.select(sa.func.coalesce(orders.c.attached_to, orders.c.id)).where(
        orders.c.channel == channel, orders.c.number == number
    )
    id_ = conn.scalar(numbered.order_by(orders.c.placed_at.desc(), orders.c.id.desc()).limit(1))
    return None if id_ is None else orders_by_id(conn, [id_], places).get(id_)


def lines_of_orders() -> Rows[OrderLine]:
    """The lines of each of many orders."""
    return Rows(_lines(), Sort(order_lines.c.position, order_lines.c.id), order_line, parent=order_lines.c.order_id)


def lines_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, OrderLine]:
    """The order lines with these ids."""
    return {row.id: order_line(row) for row in conn.execute(_lines().where(among(conn, order_lines.c.id, ids)))}


def _lines() -> sa.Select[Any]:
    sold = sa.and_(
        listings.c.channel == order_lines.c.channel,
        listings.c.external_id == order_lines.c.variant,
        listings.c.generation == order_lines.c.generation,
    )
    return sa.select(order_lines, listings.c.variant_id).join(listings, sold, isouter=True)


def order(row: sa.Row[Any], places: Places) -> Order:
    """A row of `orders`, with what was resolved."""
    amounts = ("subtotal", "discount_total", "tax_total", "shipping_total", "total", "refunded_total")
    return Order(
        id=row.id,
        version=row.version,
        number=row.number,
        channel_key=row.channel,
        external_id=None if row.external_id.startswith(OURS) else row.external_id,
        location_key=places.get((row.channel, row.place)),
        reverses_id=row.reverses_id,
        customer_id=row.customer_id,
        status=OrderStatus(row.status),
        fulfillment_status=OrderFulfillmentStatus(row.fulfillment_status),
        payment_status=PaymentStatus(row.payment_status),
        return_status=OrderReturnStatus(row.return_status),
        **{name: money(getattr(row, name), row.currency) for name in amounts},
        tax_included=row.tax_included,
        tax_lines=_taxes(row.tax_lines),
        contact=OrderContact(**load(row.contact)) if row.contact else None,
        shipping_address=_address(row.shipping_address),
        billing_address=_address(row.billing_address),
        placed_at=row.placed_at,
        cancelled_at=row.cancelled_at,
        updated_at=row.updated_at,
    )


def _taxes(text: str) -> tuple[TaxLine, ...]:
    return tuple(
        TaxLine(title=title, rate=Decimal(rate), amount=Money(minor, currency))
        for title, rate, minor, currency in load(text)
    )


def _address(text: str | None) -> Address | None:
    return Address(**load(text)) if text else None


def order_line(row: sa.Row[Any]) -> OrderLine:
    """A row of `order_lines`, with the variant that was sold."""
    return OrderLine(
        id=row.id,
        order_id=row.order_id,
        variant_id=row.variant_id,
        title=row.title,
        sku=row.sku,
        quantity=row.quantity,
        unit_price=money(row.unit_price, row.currency),
        total=money(row.total, row.currency),
        fulfilled_quantity=row.fulfilled_quantity,
        returned_quantity=row.returned_quantity,
    )
