"""Statements of sales and refunds, within the caller's transaction."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from gateway.sdk.testing.sandbox import SandboxError, WorldLine, WorldReceipt
from gateway_sqlpos import row_ids
from gateway_sqlpos_sandbox import schema
from gateway_sqlpos_sandbox.schema import Family, TillTables
from gateway_sqlpos_sandbox.seed import SALE, build_receipts_rows, insert_rows, parse_till_location


def get_product(conn: Connection, sku: str, tables: TillTables = schema.tables) -> RowMapping:
    """Return the product with this reference."""
    products = tables.products
    columns = [column.label(column.key) for column in products.c]
    product = conn.execute(sa.select(*columns).where(products.c.reference == sku)).mappings().first()
    if product is None:
        raise SandboxError(f"sku: the till has no product {sku}")
    return product


def get_next_number(conn: Connection, kind: int, tables: TillTables = schema.tables) -> int:
    """Return the next receipt number; sales and refunds are numbered separately. The gateway's numbers are negative."""
    tickets = tables.tickets.c
    last = conn.execute(sa.select(sa.func.max(tickets.ticketid)).where(tickets.tickettype == kind)).scalar()
    return max(0, last or 0) + 1


def insert_receipt(
    conn: Connection, receipt: WorldReceipt, rate: Decimal, zone: ZoneInfo, tables: TillTables = schema.tables
) -> None:
    """Insert a receipt with all its rows, and take its units from stock."""
    products = {line.sku: get_product(conn, line.sku, tables) for line in receipt.lines}
    ids = {sku: product["id"] for sku, product in products.items()}
    titles = {sku: product["name"] for sku, product in products.items()}
    written = build_receipts_rows([receipt], titles, rate, zone)
    for name in ("ticketlines", "stockdiary"):  # a deleted and restored product has another ID than in the seed
        for line, row in zip(receipt.lines, written[name], strict=True):
            row["product"] = ids[line.sku]
    services = {product["id"] for product in products.values() if product.get("isservice")}
    written["stockdiary"] = [row for row in written["stockdiary"] if row["product"] not in services]
    for name, rows in written.items():
        insert_rows(conn, getattr(tables, name), rows)
    for line in receipt.lines:
        if ids[line.sku] not in services:
            take_stock(conn, ids[line.sku], receipt.place, float(line.quantity), tables)
    _mark_refunded(conn, receipt, tables)


def take_stock(conn: Connection, product: str, location: str, units: float, tables: TillTables) -> None:
    """Take units as tills do: of a bundle, those of its components; update the row, or insert one if there is none."""
    components = _list_components(conn, product, tables)
    for component, quantity in components:
        take_stock(conn, component, location, units * quantity, tables)
    if components:
        return
    stock = tables.stockcurrent
    same = (stock.c.product == product, stock.c.location == location, stock.c.attributesetinstance_id.is_(None))
    if not conn.execute(sa.select(sa.func.count()).select_from(stock).where(*same)).scalar_one():
        insert_rows(conn, stock, [{"location": location, "product": product, "units": -units}])
        return
    conn.execute(sa.update(stock).where(*same).values(units=stock.c.units - units))


def _list_components(conn: Connection, product: str, tables: TillTables) -> list[tuple[str, float]]:
    if tables.family is not Family.UNICENTA:
        return []
    bundles = tables.products_bundle.c
    statement = sa.select(bundles.product_bundle, bundles.quantity).where(bundles.product == product)
    return [(component, quantity) for component, quantity in conn.execute(statement)]


def _mark_refunded(conn: Connection, receipt: WorldReceipt, tables: TillTables) -> None:
    if receipt.refunds:
        columns = tables.tickets.c
        original = (columns.tickettype == SALE, columns.ticketid == receipt.refunds)
        conn.execute(sa.update(tables.tickets).where(*original).values(status=receipt.number))


class Sale(NamedTuple):
    """A completed sale."""

    number: int
    location: str
    customer: str | None
    lines: tuple[WorldLine, ...]


def get_sale(conn: Connection, receipt: str, tables: TillTables) -> Sale:
    """Return the sale with this receipt ID."""
    tickets, receipts, cash, customers = tables.tickets, tables.receipts, tables.closedcash, tables.customers
    joined = tickets.join(receipts, receipts.c.id == tickets.c.id).join(cash, cash.c.money == receipts.c.money)
    joined = joined.outerjoin(customers, customers.c.id == tickets.c.customer)
    columns = [column.label(column.key) for column in (tickets.c.ticketid, cash.c.host, customers.c.searchkey)]
    row = conn.execute(sa.select(*columns).select_from(joined).where(tickets.c.id == receipt)).first()
    if row is None:
        raise SandboxError(f"receipt: the till has no receipt {receipt}")
    location = row_ids.parse_session_location(row.host) or parse_till_location(row.host)
    return Sale(row.ticketid, location, row.searchkey, _get_lines(conn, receipt, tables))


def _get_lines(conn: Connection, receipt: str, tables: TillTables) -> tuple[WorldLine, ...]:
    lines, products = tables.ticketlines, tables.products
    joined = lines.join(products, products.c.id == lines.c.product)
    columns = (products.c.reference, lines.c.units, lines.c.price)
    sold = sa.select(*columns).select_from(joined).where(lines.c.ticket == receipt).order_by(lines.c.line)
    return tuple(WorldLine(sku, int(units), Decimal(repr(price))) for sku, units, price in conn.execute(sold))
