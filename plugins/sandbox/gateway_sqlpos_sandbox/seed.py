"""Seeding of a till's tables with a world. IDs are derived from the content, so a world always loads alike."""

from __future__ import annotations

import hashlib
import html
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing.sandbox import World, WorldCustomer, WorldLine, WorldProduct, WorldReceipt
from gateway_sqlpos_sandbox.schema import TillTables

SALE, REFUND = 0, 1
BOUGHT, SOLD, RETURNED = 1, -1, 2
"""Reason codes of stock movements."""
TAX_ID = "001"
TABLES_VERSION = 3
"""Version of the tables: a till of an earlier version is loaded again."""

_ID_NAMESPACE = uuid.UUID("6f0c1a52-6f3e-5a55-9d58-0b3c6f4b8a11")
_PROPERTIES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
    '<!DOCTYPE properties SYSTEM "http://java.sun.com/dtd/properties.dtd">'
    '<properties><entry key="product.reference">{sku}</entry><entry key="product.name">{title}</entry></properties>'
)
Row = dict[str, Any]


def derive_id(*parts: object) -> str:
    """Derive an ID from its parts."""
    return str(uuid.uuid5(_ID_NAMESPACE, "\x1f".join(map(str, parts))))


def build_till_host(location: str) -> str:
    """Build the host name of a location's till."""
    return f"till-{location}"


def parse_till_location(till: str) -> str:
    """Parse the location of a till's host name."""
    return till.removeprefix("till-")


def get_session(location: str) -> str:
    """Return the open cash session of a location."""
    return derive_id("session", location)


def derive_product_id(sku: str) -> str:
    """Derive the ID that a product has in the seed."""
    return derive_id("product", sku)


def compute_fingerprint(world: World) -> str:
    """Compute a fingerprint of the world's content, and of the version of the tables."""
    return hashlib.blake2b(f"{TABLES_VERSION}{world!r}".encode(), digest_size=16).hexdigest()


def load_world(conn: Connection, world: World, tables: TillTables) -> None:
    """Create and fill the tables."""
    tables.metadata.create_all(conn)
    fingerprint = {"id": "sandbox", "name": "world", "version": compute_fingerprint(world)}
    insert_rows(conn, tables.applications, [fingerprint])
    insert_rows(conn, tables.roles, [{"id": "0", "name": "Administrator role"}])
    insert_rows(conn, tables.people, [{"id": "0", "name": "Clerk", "visible": True}])
    insert_rows(conn, tables.taxcategories, [{"id": TAX_ID, "name": "Tax Standard"}])
    insert_rows(conn, tables.taxes, [{"id": TAX_ID, "name": "VAT", "category": TAX_ID, "rate": float(world.tax_rate)}])
    insert_rows(conn, tables.locations, [{"id": location.id, "name": location.name} for location in world.places])
    insert_rows(conn, tables.categories, build_category_rows(world.products))
    insert_rows(conn, tables.products, map(build_product_row, world.products))
    insert_rows(conn, tables.customers, map(build_customer_row, world.customers))
    load_sales(conn, world, tables)


def load_sales(conn: Connection, world: World, tables: TillTables) -> None:
    """Load the receipts, the remaining stock, and the diary that explains it."""
    zone = ZoneInfo(world.time_zone)
    first = min((receipt.at for receipt in world.receipts), default=datetime.now(zone))
    start = get_local_time(first, zone).replace(hour=0, minute=0, second=0)
    sessions = [build_session_row(location.id, start) for location in world.places]
    insert_rows(conn, tables.closedcash, sessions)
    titles = {product.sku: product.title for product in world.products}
    for batch in split_receipts(world.receipts):
        for name, rows in build_receipts_rows(batch, titles, world.tax_rate, zone).items():
            insert_rows(conn, getattr(tables, name), rows)
    insert_rows(conn, tables.stockdiary, build_opening_rows(world, start))
    insert_rows(conn, tables.stockcurrent, build_stock_rows(world))


def build_receipts_rows(
    receipts: Iterable[WorldReceipt], titles: dict[str, str], rate: Decimal, zone: ZoneInfo
) -> dict[str, list[Row]]:
    """Build all rows of receipts, by the name of the table, in the order of their foreign keys."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for receipt in receipts:
        for table, row in build_receipt_rows(receipt, titles, rate, zone):
            rows[table].append(row)
    return rows


def build_receipt_rows(
    receipt: WorldReceipt, titles: dict[str, str], rate: Decimal, zone: ZoneInfo
) -> Iterator[tuple[str, Row]]:
    """Build the rows of a receipt: receipt, ticket, lines, payment, tax and stock diary."""
    id, date = derive_receipt_id(receipt), get_local_time(receipt.at, zone)
    customer = derive_id("customer", receipt.customer) if receipt.customer else None
    kind = REFUND if receipt.refund else SALE
    yield "receipts", {"id": id, "money": get_session(receipt.place), "datenew": date}
    ticket = {"tickettype": kind, "ticketid": receipt.number, "person": "0", "customer": customer}
    yield "tickets", {"id": id, **ticket, "status": receipt.refunds or 0}
    for position, line in enumerate(receipt.lines):
        yield "ticketlines", build_line_row(id, position, line, titles.get(line.sku, ""))
        yield "stockdiary", build_diary_row(id, position, line, receipt.place, date)
    net = sum((line.unit_price * line.quantity for line in receipt.lines), Decimal(0))
    tax = (net * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
    method = "cashrefund" if receipt.refund else "magcard" if receipt.customer else "cash"
    yield "payments", {"id": derive_id("payment", id), "receipt": id, "payment": method, "total": float(net + tax)}
    amounts = {"base": float(net), "amount": float(tax)}
    yield "taxlines", {"id": derive_id("tax", id), "receipt": id, "taxid": TAX_ID, **amounts}


def derive_receipt_id(receipt: WorldReceipt) -> str:
    """Derive the ID of a receipt; sales and refunds are numbered separately."""
    return derive_id("refund" if receipt.refund else "sale", receipt.number)


def build_line_row(receipt: str, position: int, line: WorldLine, title: str) -> Row:
    """Build a line, with the title of the product at the time of sale."""
    attributes = _PROPERTIES.format(sku=html.escape(line.sku), title=html.escape(title))
    row = {"ticket": receipt, "line": position, "product": derive_product_id(line.sku), "taxid": TAX_ID}
    return {**row, "units": float(line.quantity), "price": float(line.unit_price), "attributes": attributes.encode()}


def build_diary_row(receipt: str, position: int, line: WorldLine, location: str, date: datetime) -> Row:
    """Build the diary entry of a line: units taken from stock, or returned to it."""
    reason = SOLD if line.quantity >= 0 else RETURNED
    moved = {"location": location, "product": derive_product_id(line.sku), "units": -float(line.quantity)}
    return {"id": derive_id("diary", receipt, position), "datenew": date, "reason": reason, "price": 0.0, **moved}


def build_opening_rows(world: World, date: datetime) -> Iterator[Row]:
    """Build the diary entries of the stock before the first receipt."""
    sold: dict[tuple[str, str], int] = defaultdict(int)
    for receipt in world.receipts:
        for line in receipt.lines:
            sold[line.sku, receipt.place] += line.quantity
    for sku, location in sorted({*world.stock, *sold}):
        units = float(world.stock.get((sku, location), 0) + sold[sku, location])
        row = {"location": location, "product": derive_product_id(sku), "units": units, "price": 0.0}
        if units:
            yield {"id": derive_id("opening", sku, location), "datenew": date, "reason": BOUGHT, **row}


def build_stock_rows(world: World) -> Iterator[Row]:
    """Build the stock after the last receipt."""
    for (sku, location), units in world.stock.items():
        yield {"location": location, "product": derive_product_id(sku), "units": float(units)}


def build_product_row(product: WorldProduct) -> Row:
    """Build a product. The till requires a barcode: if there is none, it is the SKU."""
    filed = {"category": derive_category_id(product.category), "taxcat": TAX_ID}
    codes = {"reference": product.sku, "code": product.barcode or product.sku}
    return {
        "id": derive_product_id(product.sku),
        **codes,
        "name": product.title,
        "pricesell": float(product.price),
        **filed,
    }


def build_customer_row(customer: WorldCustomer) -> Row:
    """Build a customer."""
    home = customer.address
    address = {
        "address": home and home.line1,
        "address2": home and home.line2,
        "postal": home and home.postal_code,
        "city": home and home.city,
        "region": home and home.region,
        "country": home and home.country_code,
    }
    names = {"name": customer.name, "firstname": customer.given_name, "lastname": customer.family_name}
    contact = {"email": customer.email, "emailverified": customer.email_verified}
    reach = {**contact, "phone": customer.phone, "card": customer.card}
    return {"id": derive_id("customer", customer.number), "searchkey": customer.number, **names, **reach, **address}


def build_category_rows(products: Iterable[WorldProduct]) -> list[Row]:
    """Build all categories on the paths of products."""
    paths = {product.category[:depth] for product in products for depth in range(1, len(product.category) + 1)}
    rows = [{"id": "000", "name": "Category Standard", "parentid": None}]
    titles = Counter(path[-1] for path in paths)
    for path in sorted(paths):
        title = path[-1] if titles[path[-1]] == 1 else " / ".join(path)  # the titles of a till are unique
        rows.append({"id": derive_category_id(path), "name": title, "parentid": derive_category_id(path[:-1], None)})
    return rows


def derive_category_id(path: Sequence[str], root: str | None = "000") -> str | None:
    """Derive the ID of a category; a product without one is in the standard category."""
    return derive_id("category", *path) if path else root


def build_session_row(location: str, start: datetime) -> Row:
    """Build the open cash session of a location's till."""
    return {"money": get_session(location), "host": build_till_host(location), "hostsequence": 1, "datestart": start}


def get_local_time(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the till's local time, to the second."""
    return at.astimezone(zone).replace(tzinfo=None, microsecond=0)


def split_receipts(receipts: Sequence[WorldReceipt], size: int = 500) -> Iterator[Sequence[WorldReceipt]]:
    """Split receipts into batches."""
    for start in range(0, len(receipts), size):
        yield receipts[start : start + size]


def insert_rows(conn: Connection, table: sa.Table, rows: Iterable[Row]) -> None:
    """Insert rows, which must have the same columns."""
    if values := list(rows):
        conn.execute(table.insert(), values)
