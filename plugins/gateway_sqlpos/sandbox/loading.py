"""A world, as rows of a till's tables. Ids follow from what the rows are, so that a world loads alike every time."""

from __future__ import annotations

import hashlib
import html
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing.sandbox import World, WorldCustomer, WorldLine, WorldProduct, WorldReceipt
from gateway_sqlpos.sandbox import schema

SALE, REFUND = 0, 1
BOUGHT, SOLD, BROUGHT_BACK = 1, -1, 2
"""Why stock moved."""
TAX = "001"
_SPACE = uuid.UUID("6f0c1a52-6f3e-5a55-9d58-0b3c6f4b8a11")
_PROPERTIES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
    '<!DOCTYPE properties SYSTEM "http://java.sun.com/dtd/properties.dtd">'
    '<properties><entry key="product.reference">{sku}</entry><entry key="product.name">{title}</entry></properties>'
)
Row = dict[str, Any]


def key(*parts: object) -> str:
    """The id of what these parts name."""
    return str(uuid.uuid5(_SPACE, "\x1f".join(map(str, parts))))


def till_of(place: str) -> str:
    """The host name of the till in this place."""
    return f"till-{place}"


def place_of(till: str) -> str:
    """The place in which this till stands."""
    return till.removeprefix("till-")


def session_of(place: str) -> str:
    """The cash session that is open there."""
    return key("session", place)


def product_id(sku: str) -> str:
    """The id under which a product is first loaded."""
    return key("product", sku)


def fingerprint(world: World) -> str:
    """Differs where a world does."""
    return hashlib.blake2b(repr(world).encode(), digest_size=16).hexdigest()


def load(conn: Connection, world: World) -> None:
    """Create the tables and fill them."""
    schema.metadata.create_all(conn)
    insert(conn, schema.applications, [{"id": "sandbox", "name": "world", "version": fingerprint(world)}])
    insert(conn, schema.people, [{"id": "0", "name": "Clerk", "visible": True}])
    insert(conn, schema.taxcategories, [{"id": TAX, "name": "Tax Standard"}])
    insert(conn, schema.taxes, [{"id": TAX, "name": "VAT", "category": TAX, "rate": float(world.tax_rate)}])
    insert(conn, schema.locations, [{"id": place.id, "name": place.name} for place in world.places])
    insert(conn, schema.categories, categories(world.products))
    insert(conn, schema.products, map(product_row, world.products))
    insert(conn, schema.customers, map(customer_row, world.customers))
    load_sales(conn, world)


def load_sales(conn: Connection, world: World) -> None:
    """The receipts, the stock that is left, and the diary that explains it."""
    zone = ZoneInfo(world.time_zone)
    first = min((receipt.at for receipt in world.receipts), default=datetime.now(zone))
    start = local(first, zone).replace(hour=0, minute=0, second=0)
    sessions = [session_row(place.id, start) for place in world.places]
    insert(conn, schema.closedcash, sessions)
    titles = {product.sku: product.title for product in world.products}
    for some in slices(world.receipts):
        for table, found in sales_rows(some, titles, world.tax_rate, zone).items():
            insert(conn, table, found)
    insert(conn, schema.stockdiary, opening(world, start))
    insert(conn, schema.stockcurrent, stock_rows(world))


def sales_rows(
    receipts: Iterable[WorldReceipt], titles: dict[str, str], rate: Decimal, zone: ZoneInfo
) -> dict[sa.Table, list[Row]]:
    """Everything that these receipts write, by table."""
    found: dict[sa.Table, list[Row]] = defaultdict(list)
    for receipt in receipts:
        for table, row in sale(receipt, titles, rate, zone):
            found[table].append(row)
    return found


def sale(
    receipt: WorldReceipt, titles: dict[str, str], rate: Decimal, zone: ZoneInfo
) -> Iterator[tuple[sa.Table, Row]]:
    """The rows of one receipt, as a till writes them: receipt, ticket, lines, payment, tax and stock diary."""
    one, date = receipt_id(receipt), local(receipt.at, zone)
    customer = key("customer", receipt.customer) if receipt.customer else None
    kind = REFUND if receipt.refund else SALE
    yield schema.receipts, {"id": one, "money": session_of(receipt.place), "datenew": date}
    ticket = {"tickettype": kind, "ticketid": receipt.number, "person": "0", "customer": customer}
    yield schema.tickets, {"id": one, **ticket, "status": receipt.refunds or 0}
    for place, line in enumerate(receipt.lines):
        yield schema.ticketlines, line_row(one, place, line, titles.get(line.sku, ""))
        yield schema.stockdiary, diary_row(one, place, line, receipt.place, date)
    net = sum((line.unit_price * line.quantity for line in receipt.lines), Decimal(0))
    tax = (net * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
    method = "cashrefund" if receipt.refund else "magcard" if receipt.customer else "cash"
    yield schema.payments, {"id": key("payment", one), "receipt": one, "payment": method, "total": float(net + tax)}
    amounts = {"base": float(net), "amount": float(tax)}
    yield schema.taxlines, {"id": key("tax", one), "receipt": one, "taxid": TAX, **amounts}


def receipt_id(receipt: WorldReceipt) -> str:
    """The id of a receipt: sales and refunds are numbered apart."""
    return key("refund" if receipt.refund else "sale", receipt.number)


def line_row(receipt: str, place: int, line: WorldLine, title: str) -> Row:
    """A line, with what the product was called when it was sold."""
    noted = _PROPERTIES.format(sku=html.escape(line.sku), title=html.escape(title))
    row = {"ticket": receipt, "line": place, "product": product_id(line.sku), "taxid": TAX}
    return {**row, "units": float(line.quantity), "price": float(line.unit_price), "attributes": noted.encode()}


def diary_row(receipt: str, place: int, line: WorldLine, shop: str, date: datetime) -> Row:
    """What a line takes from the shelf, or puts back."""
    reason = SOLD if line.quantity >= 0 else BROUGHT_BACK
    moved = {"location": shop, "product": product_id(line.sku), "units": -float(line.quantity)}
    return {"id": key("diary", receipt, place), "datenew": date, "reason": reason, "price": 0.0, **moved}


def opening(world: World, date: datetime) -> Iterator[Row]:
    """What was there before the first receipt."""
    sold: dict[tuple[str, str], int] = defaultdict(int)
    for receipt in world.receipts:
        for line in receipt.lines:
            sold[line.sku, receipt.place] += line.quantity
    for sku, place in sorted({*world.stock, *sold}):
        units = float(world.stock.get((sku, place), 0) + sold[sku, place])
        row = {"location": place, "product": product_id(sku), "units": units, "price": 0.0}
        yield {"id": key("opening", sku, place), "datenew": date, "reason": BOUGHT, **row}


def stock_rows(world: World) -> Iterator[Row]:
    """What is there after the last one."""
    for (sku, place), units in world.stock.items():
        yield {"location": place, "product": product_id(sku), "units": float(units)}


def product_row(product: WorldProduct) -> Row:
    """A product. A till demands a barcode: where there is none it is the reference."""
    filed = {"category": category_id(product.category), "taxcat": TAX}
    codes = {"reference": product.sku, "code": product.barcode or product.sku}
    return {"id": product_id(product.sku), **codes, "name": product.title, "pricesell": float(product.price), **filed}


def customer_row(customer: WorldCustomer) -> Row:
    """A customer."""
    place = customer.address
    address = {
        "address": place and place.line1,
        "address2": place and place.line2,
        "postal": place and place.postal_code,
        "city": place and place.city,
        "region": place and place.region,
        "country": place and place.country_code,
    }
    names = {"name": customer.name, "firstname": customer.given_name, "lastname": customer.family_name}
    reach = {"email": customer.email, "phone": customer.phone, "card": customer.card}
    return {"id": key("customer", customer.number), "searchkey": customer.number, **names, **reach, **address}


def categories(products: Iterable[WorldProduct]) -> list[Row]:
    """Every category on the way to a product."""
    paths = {product.category[:depth] for product in products for depth in range(1, len(product.category) + 1)}
    rows = [{"id": "000", "name": "Category Standard", "parentid": None}]
    for path in sorted(paths):
        rows.append({"id": category_id(path), "name": path[-1], "parentid": category_id(path[:-1], None)})
    return rows


def category_id(path: Sequence[str], root: str | None = "000") -> str | None:
    """The id of a category; what is filed nowhere is in the standard one."""
    return key("category", *path) if path else root


def session_row(place: str, start: datetime) -> Row:
    """The open cash session of a place's till."""
    return {"money": session_of(place), "host": till_of(place), "hostsequence": 1, "datestart": start}


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """The till's wall clock, to the second."""
    return at.astimezone(zone).replace(tzinfo=None, microsecond=0)


def slices(receipts: Sequence[WorldReceipt], size: int = 500) -> Iterator[Sequence[WorldReceipt]]:
    """The receipts in runs."""
    for start in range(0, len(receipts), size):
        yield receipts[start : start + size]


def insert(conn: Connection, table: sa.Table, rows: Iterable[Row]) -> None:
    """Insert these rows; all have the same columns."""
    if found := list(rows):
        conn.execute(table.insert(), found)
