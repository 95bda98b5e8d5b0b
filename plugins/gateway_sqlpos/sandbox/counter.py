"""What happens at a sandbox's counter, as statements in the transaction of one sale."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from gateway.sdk.testing.sandbox import SandboxError, WorldLine, WorldReceipt
from gateway_sqlpos import ours
from gateway_sqlpos.sandbox import schema
from gateway_sqlpos.sandbox.loading import SALE, insert, place_of, sales_rows


def product_named(conn: Connection, sku: str) -> RowMapping:
    """The product with this reference."""
    found = conn.execute(sa.select(schema.products).where(schema.products.c.reference == sku)).mappings().first()
    if found is None:
        raise SandboxError(f"sku: the till has no product {sku}")
    return found


def next_number(conn: Connection, kind: int) -> int:
    """The number of the next receipt; sales and refunds have each their own. The gateway's are below zero."""
    tickets = schema.tickets.c
    last = conn.execute(sa.select(sa.func.max(tickets.ticketid)).where(tickets.tickettype == kind)).scalar()
    return max(0, last or 0) + 1


def deliver(conn: Connection, receipt: WorldReceipt, rate: Decimal, zone: ZoneInfo) -> None:
    """Write a receipt with all that belongs to it, and take what it sells from the shelf."""
    found = {line.sku: product_named(conn, line.sku) for line in receipt.lines}
    ids = {sku: product["id"] for sku, product in found.items()}
    titles = {sku: product["name"] for sku, product in found.items()}
    written = sales_rows([receipt], titles, rate, zone)
    for table in (schema.ticketlines, schema.stockdiary):  # a product that came back has another id than at first
        for line, row in zip(receipt.lines, written[table], strict=True):
            row["product"] = ids[line.sku]
    for table, rows in written.items():
        insert(conn, table, rows)
    for line in receipt.lines:
        _take(conn, ids[line.sku], receipt.place, line.quantity)
    _mark_refunded(conn, receipt)


def _take(conn: Connection, product: str, place: str, quantity: int) -> None:
    """As tills do it: an update, and where that finds no row an insert."""
    stock = schema.stockcurrent
    same = (stock.c.product == product, stock.c.location == place, stock.c.attributesetinstance_id.is_(None))
    first = conn.execute(sa.select(sa.func.count()).select_from(stock).where(*same)).scalar_one()
    if not first:
        insert(conn, stock, [{"location": place, "product": product, "units": -float(quantity)}])
        return
    conn.execute(sa.update(stock).where(*same).values(units=stock.c.units - float(quantity)))


def _mark_refunded(conn: Connection, receipt: WorldReceipt) -> None:
    tickets = schema.tickets.c
    if receipt.refunds:
        original = (tickets.tickettype == SALE, tickets.ticketid == receipt.refunds)
        conn.execute(sa.update(schema.tickets).where(*original).values(status=receipt.number))


class Sale(NamedTuple):
    """A sale as it was rung up."""

    number: int
    place: str
    customer: str | None
    lines: tuple[WorldLine, ...]


def rung_up(conn: Connection, receipt: str) -> Sale:
    """The sale with this id."""
    tickets, receipts, cash, customers = schema.tickets, schema.receipts, schema.closedcash, schema.customers
    joined = tickets.join(receipts, receipts.c.id == tickets.c.id).join(cash, cash.c.money == receipts.c.money)
    joined = joined.outerjoin(customers, customers.c.id == tickets.c.customer)
    columns = (tickets.c.ticketid, cash.c.host, customers.c.searchkey)
    found = conn.execute(sa.select(*columns).select_from(joined).where(tickets.c.id == receipt)).first()
    if found is None:
        raise SandboxError(f"receipt: the till has no receipt {receipt}")
    place = ours.place_of(found.host) or place_of(found.host)
    return Sale(found.ticketid, place, found.searchkey, _lines(conn, receipt))


def _lines(conn: Connection, receipt: str) -> tuple[WorldLine, ...]:
    lines, products = schema.ticketlines, schema.products
    joined = lines.join(products, products.c.id == lines.c.product)
    columns = (products.c.reference, lines.c.units, lines.c.price)
    sold = sa.select(*columns).select_from(joined).where(lines.c.ticket == receipt).order_by(lines.c.line)
    return tuple(WorldLine(sku, int(units), Decimal(repr(price))) for sku, units, price in conn.execute(sold))
