"""The rows of the in-memory channel: JSON-like, as a channel would send them, and how they are read as records.

The `read_*` functions are what `Feed.read` of a real plugin looks like: they name what they need, convert, and leave it
to the records to refuse what cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.sdk import (
    ContactPoint,
    CustomerRecord,
    InvalidValueError,
    Money,
    OrderLineRecord,
    OrderRecord,
    OrderStatus,
    ProductRecord,
    Ref,
    SelectedOption,
    StockRecord,
    VariantRecord,
    pieces,
)

Row = dict[str, Any]

PLACED_AT = datetime(2025, 1, 6, 12, 0, tzinfo=UTC)
"""When an order was placed for which nothing else is said."""


def product(
    id: str,
    *,
    sku: str | None = None,
    gtin: str | None = None,
    price: str | None = "10.00",
    currency: str = "GBP",
    title: str | None = None,
    **more: Any,
) -> Row:
    """A product with one variant of the same id."""
    name = title or f"Product {id}"
    only = variant(id, sku=sku, gtin=gtin, price=price, currency=currency, title=name)
    return {"id": id, "title": name, "variants": [only], **more}


def variant(id: str, *, price: str | None = "10.00", currency: str = "GBP", title: str = "", **more: Any) -> Row:
    """A variant: part of a product's row."""
    return {"id": id, "title": title, "price": price, "currency": currency, **more}


def stock(item: str, place: str, on_hand: float | None = None, **more: Any) -> Row:
    """What is counted of one item in one place. Its id is made of the two."""
    return {"id": f"{item}@{place}", "item": item, "place": place, "on_hand": on_hand, **more}


def customer(id: str, *, name: str = "Ada Lovelace", email: str | None = None, card: str | None = None) -> Row:
    """A customer."""
    return {"id": id, "name": name, "email": email, "card": card}


def order(id: str, lines: Sequence[Row] = (), *, placed_at: datetime = PLACED_AT, **more: Any) -> Row:
    """An order. Its total is that of its lines."""
    return {"id": id, "number": id, "placed_at": placed_at.isoformat(), "lines": list(lines), **more}


def line(id: str, variant_id: str | None, quantity: float = 1, price: str = "10.00", **more: Any) -> Row:
    """A line: part of an order's row."""
    return {"id": id, "variant": variant_id, "quantity": quantity, "price": price, "currency": "GBP", **more}


def read_product(row: Mapping[str, Any]) -> ProductRecord:
    """What a product's row says."""
    return ProductRecord(
        ref=Ref(row["id"], row.get("note")),
        version=row.get("version"),
        title=row["title"],
        description=row.get("description", ""),
        brand=row.get("brand"),
        tags=tuple(row.get("tags", ())),
        category=row.get("category", ()),
        variants=[_variant(part) for part in row["variants"]],
    )


def read_stock(row: Mapping[str, Any]) -> StockRecord:
    """What a stock row says."""
    return StockRecord(
        ref=Ref(row["id"]),
        version=row.get("version"),
        item=row["item"],
        place=row["place"],
        on_hand=_pieces(row, "on_hand"),
        available=_pieces(row, "available"),
        committed=_pieces(row, "committed") or 0,
        incoming=_pieces(row, "incoming") or 0,
        contains=row.get("contains", ()),
    )


def read_customer(row: Mapping[str, Any]) -> CustomerRecord:
    """What a customer's row says."""
    given, _, family = row["name"].rpartition(" ")
    emails = (ContactPoint(value=row["email"], primary=True),) if row.get("email") else ()
    return CustomerRecord(
        ref=Ref(row["id"]),
        version=row.get("version"),
        display_name=row["name"],
        given_name=given or None,
        family_name=family,
        emails=emails,
        loyalty_number=row.get("card"),
        merged_into=row.get("merged_into"),
    )


def read_order(row: Mapping[str, Any]) -> OrderRecord:
    """What an order's row says."""
    lines = [_line(part) for part in row["lines"]]
    totals = [part.total for part in lines if part.total is not None]
    total = Money(sum(amount.minor for amount in totals), totals[0].currency_code) if totals else None
    return OrderRecord(
        ref=Ref(row["id"]),
        version=row.get("version"),
        number=row["number"],
        status=OrderStatus(row.get("status", "COMPLETED")),
        placed_at=_instant("placedAt", row["placed_at"]),
        lines=lines,
        subtotal=total,
        total=total,
        customer=row.get("customer"),
        place=row.get("place"),
        reverses=row.get("reverses"),
        client_reference=row.get("client_reference"),
        stock_posted=row.get("stock_posted"),
    )


def bad_rows() -> dict[str, tuple[str, Row]]:
    """Rows that break the model, each by what is wrong with it: the feed it belongs to, and the row."""
    return {
        "negative price": ("products", product("bad-price", price="-1.00")),
        "unknown currency": ("products", product("bad-currency", currency="XXX")),
        "price too fine": ("products", product("fine-price", price="1.005")),
        "long SKU": ("products", product("long-sku", sku="S" * 5000)),
        "wrong check digit": ("products", product("bad-gtin", gtin="4006381333932")),
        "NUL": ("products", product("nul", title="a\0b")),
        "lone surrogate": ("products", product("surrogate", title="a\ud800b")),
        "unfit id": ("products", product("unfit\0id", title="An id that no database holds")),
        "missing field": ("products", {"id": "no-title"}),
        "not a row": ("products", {"id": "no-row", "title": 7, "variants": 3}),
        "half a piece": ("stock", stock("half", "shop", 0.5)),
        "no count": ("stock", stock("none", "shop")),
        "year 0": ("orders", order("year-0") | {"placed_at": "0000-00-00T00:00:00Z"}),
        "no time zone": ("orders", order("no-zone") | {"placed_at": "2025-01-06T12:00:00"}),
        "long name": ("customers", customer("long-name", name="N" * 5000)),
    }


def _variant(row: Mapping[str, Any]) -> VariantRecord:
    return VariantRecord(
        ref=Ref(row["id"], row.get("note")),
        title=row["title"],
        sku=row.get("sku"),
        gtin=row.get("gtin"),
        price=_money(row, "price"),
        compare_at_price=_money(row, "compare_at_price"),
        price_includes_tax=row.get("gross"),
        units_per_listing=row.get("units", 1),
        tracked=row.get("tracked", True),
        inventory_item=row.get("item"),
        condition=row.get("condition", "new"),
        selected_options=tuple(SelectedOption(name, value) for name, value in row.get("options", {}).items()),
    )


def _line(row: Mapping[str, Any]) -> OrderLineRecord:
    quantity, price = pieces("lines.quantity", row["quantity"]), _money(row, "price")
    return OrderLineRecord(
        ref=Ref(row["id"]),
        variant=row.get("variant"),
        title=row.get("title", ""),
        sku=row.get("sku"),
        quantity=quantity,
        unit_price=price,
        total=None if price is None else Money(price.minor * quantity, price.currency_code),
        fulfilled_quantity=row.get("fulfilled", quantity),
        place=row.get("place"),
    )


def _pieces(row: Mapping[str, Any], field: str) -> int | None:
    return None if row.get(field) is None else pieces(field, row[field])


def _money(row: Mapping[str, Any], field: str) -> Money | None:
    return None if row.get(field) is None else Money.of(row[field], row["currency"])


def _instant(field: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValueError(field, f"{text!r} is not a date and time") from error
