"""Builders of the rows of the in-memory channel (JSON-like, as a channel sends them), and their conversion to records.

The `read_*` functions show what `Feed.read` of a plugin does: select the fields, convert them, and leave the
validation to the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from gateway.sdk import (
    Address,
    CollectionRecord,
    ConsentPurpose,
    ConsentRecord,
    ContactPoint,
    CurrencyPrice,
    CustomerRecord,
    Image,
    InvalidValueError,
    LocationQuantity,
    LoyaltyCard,
    Measure,
    Media,
    MediaKind,
    MediaSource,
    Money,
    OrderCharge,
    OrderChargeKind,
    OrderContact,
    OrderLineRecord,
    OrderRecord,
    OrderStatus,
    ProductRecord,
    ProductStatus,
    ProductText,
    Rating,
    Ref,
    ReviewRecord,
    SelectedOption,
    StockRecord,
    Swatch,
    VariantRecord,
    parse_pieces,
    read_lines,
)
from gateway.sdk._deprecated import alias_names

Row = dict[str, Any]

PLACED_AT = datetime(2025, 1, 6, 12, 0, tzinfo=UTC)
"""Default time of an order."""


def build_product(
    id: str,
    *,
    sku: str | None = None,
    gtin: str | None = None,
    price: str | None = "10.00",
    currency: str = "GBP",
    title: str | None = None,
    **more: Any,
) -> Row:
    """Build a product with one variant of the same ID. `price`: decimal text, None: no price; `more`: additional
    fields.
    """
    name = title or f"Product {id}"
    only = build_variant(id, sku=sku, gtin=gtin, price=price, currency=currency, title=name)
    return {"id": id, "title": name, "variants": [only], **more}


def build_variant(id: str, *, price: str | None = "10.00", currency: str = "GBP", title: str = "", **more: Any) -> Row:
    """Build a variant, a part of a product."""
    return {"id": id, "title": title, "price": price, "currency": currency, **more}


def build_stock(item: str, place: str, on_hand: float | None = None, **more: Any) -> Row:
    """Build a stock row of an item at a location. Its ID is ``item@place``."""
    return {"id": f"{item}@{place}", "item": item, "place": place, "on_hand": on_hand, **more}


def build_collection(id: str, products: Sequence[str] = (), *, title: str | None = None, **more: Any) -> Row:
    """Build a collection of these products, in their order. `more`: additional fields."""
    return {"id": id, "title": title or f"Collection {id}", "products": list(products), **more}


def build_customer(
    id: str, *, name: str = "Ada Lovelace", email: str | None = None, card: str | None = None, **more: Any
) -> Row:
    """Build a customer.

    Args:
        card: number of the loyalty card.
        more: additional fields: `phone`; `verified`: whether the channel has verified the email address and the phone
            number; `merged_into`; `references`: IDs by channel, or by field in a `MemoryStore`; `locale`; `tags`;
            `created_at`; `addresses`: fields of `Address`; `consents`: rows with `purpose`, `granted`,
            `address`, `decided_at`.
    """
    return {"id": id, "name": name, "email": email, "card": card, **more}


def build_order(id: str, lines: Sequence[Row] = (), *, placed_at: datetime = PLACED_AT, **more: Any) -> Row:
    """Build an order. Its total is the sum of its lines, unless `more` has `amounts` (see `build_amounts`)."""
    return {"id": id, "number": id, "placed_at": placed_at.isoformat(), "lines": list(lines), **more}


def build_amounts(subtotal: str, total: str, *, currency: str = "GBP", **more: Any) -> Row:
    """Build the amounts of an order. `more`: `shipping`, `tax`, `tax_included`; `charges`: (kind, title, amount)."""
    return {"subtotal": subtotal, "total": total, "currency": currency, **more}


def build_line(id: str, variant_id: str | None, quantity: float = 1, price: str = "10.00", **more: Any) -> Row:
    """Build a line of an order."""
    return {"id": id, "variant": variant_id, "quantity": quantity, "price": price, "currency": "GBP", **more}


def read_product(row: Mapping[str, Any]) -> ProductRecord:
    """Convert a product row to a record."""
    return ProductRecord(
        ref=Ref(row["id"], row.get("note")),
        version=row.get("version"),
        title=row["title"],
        description=row.get("description", ""),
        brand=row.get("brand"),
        tags=tuple(row.get("tags", ())),
        category=row.get("category", ()),
        status=ProductStatus(row.get("status", "ACTIVE")),
        handle=row.get("handle"),
        rating=None if row.get("rating") is None else Rating(**row["rating"]),
        description_html=row.get("description_html"),
        attributes=row.get("attributes", {}),
        seo_title=row.get("seo_title"),
        seo_description=row.get("seo_description"),
        locale=row.get("locale"),
        translations=tuple(ProductText(**text) for text in row.get("translations", ())),
        images=tuple(_read_image(image) for image in row.get("images", ())),
        media=tuple(_read_medium(medium) for medium in row.get("media", ())),
        variants=[_read_variant(part) for part in row["variants"]],
    )


def build_review(id: str, product: str, rating: int = 5, **fields: Any) -> Row:
    """Build a review row."""
    return {"id": id, "product": product, "rating": rating, "written_at": "2026-01-02T03:04:05+00:00", **fields}


def read_review(row: Mapping[str, Any]) -> ReviewRecord:
    """Convert a review row to a record."""
    return ReviewRecord(
        ref=Ref(row["id"], row.get("note")),
        version=row.get("version"),
        product=row["product"],
        variant=row.get("variant"),
        rating=row["rating"],
        title=row.get("title"),
        body=row.get("body"),
        author=row.get("author"),
        verified_purchase=row.get("verified", False),
        locale=row.get("locale"),
        reply=row.get("reply"),
        written_at=datetime.fromisoformat(row["written_at"]),
    )


def _read_image(row: str | Mapping[str, Any]) -> Image:
    """Convert an image: its URL, or a row with the fields of `Image`."""
    return Image(url=row) if isinstance(row, str) else Image(**row)


def _read_medium(row: Mapping[str, Any]) -> Media:
    image = row.get("image")
    return Media(
        kind=MediaKind(row["kind"]),
        alt_text=row.get("alt_text"),
        image=None if image is None else _read_image(image),
        sources=tuple(MediaSource(**source) for source in row.get("sources", ())),
        embed_url=row.get("embed_url"),
    )


def read_stock(row: Mapping[str, Any]) -> StockRecord:
    """Convert a stock row to a record."""
    return StockRecord(
        ref=Ref(row["id"]),
        version=row.get("version"),
        item=row["item"],
        place=row["place"],
        on_hand=_read_pieces(row, "on_hand"),
        available=_read_pieces(row, "available"),
        committed=_read_pieces(row, "committed") or 0,
        incoming=_read_pieces(row, "incoming") or 0,
        contains=row.get("contains", ()),
    )


def read_collection(row: Mapping[str, Any]) -> CollectionRecord:
    """Convert a collection row to a record."""
    return CollectionRecord(
        ref=Ref(row["id"]),
        version=row.get("version"),
        title=row["title"],
        products=row["products"],
        description=row.get("description", ""),
        description_html=row.get("description_html"),
        seo_title=row.get("seo_title"),
        seo_description=row.get("seo_description"),
        locale=row.get("locale"),
        translations=tuple(ProductText(**text) for text in row.get("translations", ())),
        handle=row.get("handle"),
        image=_read_image(row["image"]) if "image" in row else None,
    )


def read_customer(row: Mapping[str, Any]) -> CustomerRecord:
    """Convert a customer row to a record."""
    given, _, family = row["name"].rpartition(" ")
    emails, phones = (
        (ContactPoint(value=row[name], verified=row.get("verified", False), primary=True),) if row.get(name) else ()
        for name in ("email", "phone")
    )
    return CustomerRecord(
        ref=Ref(row["id"]),
        version=row.get("version"),
        display_name=row["name"],
        given_name=given or None,
        family_name=family,
        emails=emails,
        phones=phones,
        loyalty_number=row.get("card"),
        loyalty=_read_card(row),
        merged_into=row.get("merged_into"),
        references=row.get("references", {}),
        locale=row.get("locale"),
        consents=tuple(map(_read_consent, row.get("consents", ()))),
        addresses=tuple(Address(**address) for address in row.get("addresses", ())),
        tags=tuple(row.get("tags", ())),
        created_at=None if row.get("created_at") is None else datetime.fromisoformat(row["created_at"]),
    )


def _read_consent(row: Mapping[str, Any]) -> ConsentRecord:
    decided_at = row.get("decided_at")
    return ConsentRecord(
        purpose=ConsentPurpose(row["purpose"]),
        granted=row["granted"],
        address=row.get("address"),
        decided_at=None if decided_at is None else _read_instant("decidedAt", decided_at),
        wording=row.get("wording"),
    )


def _read_card(row: Mapping[str, Any]) -> LoyaltyCard | None:
    """Convert the card of a customer with `points` or a `tier`."""
    if row.get("points") is None and row.get("tier") is None:
        return None
    return LoyaltyCard(number=row.get("card"), tier=row.get("tier"), points=row.get("points"))


def read_order(row: Mapping[str, Any]) -> OrderRecord:
    """Convert an order row to a record."""
    lines, rejected = read_lines(row["lines"], _read_line, itemgetter("id"))
    return OrderRecord(
        ref=Ref(row["id"]),
        version=row.get("version"),
        number=row["number"],
        status=OrderStatus(row.get("status", "COMPLETED")),
        placed_at=_read_instant("placedAt", row["placed_at"]),
        lines=lines,
        rejected_lines=rejected,
        **_read_amounts(row, lines),
        customer=row.get("customer"),
        contact=OrderContact(**row["contact"]) if row.get("contact") else None,
        shipping_address=Address(**row["shipping_address"]) if row.get("shipping_address") else None,
        billing_address=Address(**row["billing_address"]) if row.get("billing_address") else None,
        place=row.get("place"),
        reverses=row.get("reverses"),
        test=row.get("test", False),
        client_reference=row.get("client_reference"),
        stock_posted=row.get("stock_posted"),
    )


def build_invalid_rows() -> dict[str, tuple[str, Row]]:
    """Build invalid rows, by what is invalid: the feed, and the row."""
    return {
        "negative price": ("products", build_product("bad-price", price="-1.00")),
        "malformed currency": ("products", build_product("bad-currency", currency="gbp")),
        "price too fine": ("products", build_product("fine-price", price="1.005")),
        "long SKU": ("products", build_product("long-sku", sku="S" * 5000)),
        "NUL": ("products", build_product("nul", title="a\0b")),
        "lone surrogate": ("products", build_product("surrogate", title="a\ud800b")),
        "unfit id": ("products", build_product("unfit\0id", title="An ID with a NUL character")),
        "missing field": ("products", {"id": "no-title"}),
        "not a row": ("products", {"id": "no-row", "title": 7, "variants": 3}),
        "half a piece": ("stock", build_stock("half", "shop", 0.5)),
        "no count": ("stock", build_stock("none", "shop")),
        "year 0": ("orders", build_order("year-0") | {"placed_at": "0000-00-00T00:00:00Z"}),
        "no time zone": ("orders", build_order("no-zone") | {"placed_at": "2025-01-06T12:00:00"}),
        "long name": ("customers", build_customer("long-name", name="N" * 5000)),
    }


def build_rows_with_warnings() -> dict[str, tuple[str, Row]]:
    """Build rows with an invalid informative field, by the field: the feed, and the row."""
    return {
        "gtin": ("products", build_product("bad-gtin", gtin="4006381333932")),
        "compareAtPrice": ("products", _replace_variant("bad-compare", compare_at_price="-2.00")),
        "image.url": ("products", _replace_variant("bad-image", image="no url")),
        "incoming": ("stock", build_stock("sold", "shop", 9, incoming=-3)),
        "committed": ("stock", build_stock("kept", "shop", 9, committed=-1)),
        "emails": ("customers", build_customer("bad-email", email="e" * 500)),
    }


def _replace_variant(id: str, **fields: Any) -> Row:
    product = build_product(id)
    return {**product, "variants": [{**product["variants"][0], **fields}]}


def _read_variant(row: Mapping[str, Any]) -> VariantRecord:
    return VariantRecord(
        ref=Ref(row["id"], row.get("note")),
        title=row["title"],
        sku=row.get("sku"),
        gtin=row.get("gtin"),
        price=_read_money(row, "price"),
        exact_price=Decimal(row["exact_price"]) if "exact_price" in row else None,
        compare_at_price=_read_money(row, "compare_at_price"),
        prices=tuple(_read_price(price) for price in row.get("prices", ())),
        net_content=_read_measure(row.get("net_content")),
        price_per=_read_measure(row.get("price_per")),
        price_includes_tax=row.get("gross"),
        units_per_listing=row.get("units", 1),
        tracked=row.get("tracked", True),
        inventory_item=row.get("item"),
        condition=row.get("condition", "new"),
        unit_of_measure=row.get("unit_of_measure", "each"),
        image=_read_image(row["image"]) if "image" in row else None,
        media=tuple(_read_medium(medium) for medium in row.get("media", ())),
        attributes=row.get("attributes", {}),
        selected_options=tuple(
            _read_option(name, value, row.get("option_texts", {}).get(name, {}))
            for name, value in row.get("options", {}).items()
        ),
    )


def _read_option(name: str, value: str, shown: Mapping[str, Any]) -> SelectedOption:
    """Convert an option: its name and value, and a row with `labels`, `value_labels`, `color` and `image`."""
    swatch = Swatch(color=shown.get("color"), image=_read_image(shown["image"]) if "image" in shown else None)
    labels, value_labels = (tuple(shown.get(field, {}).items()) for field in ("labels", "value_labels"))
    return SelectedOption(name, value, labels, value_labels, swatch)


def _read_price(row: Mapping[str, Any]) -> CurrencyPrice:
    """Convert a price in another currency: a row with `price`, `currency` and, if reduced, `compare_at_price`."""
    price = _read_money(row, "price")
    if price is None:
        raise InvalidValueError("prices.price", "is missing")
    return CurrencyPrice(price=price, compare_at_price=_read_money(row, "compare_at_price"))


def _read_measure(text: str | None) -> Measure | None:
    """Convert a measure such as ``0.5 l``."""
    if text is None:
        return None
    value, _, unit = text.partition(" ")
    return Measure(value=Decimal(value), unit=unit)


def _read_amounts(row: Mapping[str, Any], lines: Sequence[OrderLineRecord]) -> dict[str, Any]:
    amounts = row.get("amounts")
    if amounts is None:
        totals = [part.total for part in lines if part.total is not None]
        total = Money(sum(amount.minor for amount in totals), totals[0].currency_code) if totals else None
        return {"subtotal": total, "total": total}
    return {
        "subtotal": _read_money(amounts, "subtotal"),
        "shipping_total": _read_money(amounts, "shipping"),
        "tax_total": _read_money(amounts, "tax"),
        "tax_included": amounts.get("tax_included"),
        "other_charges": tuple(
            OrderCharge(kind=OrderChargeKind(kind), title=title, amount=Money.of(amount, amounts["currency"]))
            for kind, title, amount in amounts.get("charges", ())
        ),
        "total": _read_money(amounts, "total"),
    }


def _read_line(row: Mapping[str, Any]) -> OrderLineRecord:
    quantity, price = parse_pieces("lines.quantity", row["quantity"]), _read_money(row, "price")
    return OrderLineRecord(
        ref=Ref(row["id"]),
        variant=row.get("variant"),
        unit_of_measure=row.get("unit_of_measure"),
        title=row.get("title", ""),
        sku=row.get("sku"),
        quantity=quantity,
        unit_price=price,
        total=None if price is None else Money(price.minor * quantity, price.currency_code),
        fulfilled_quantity=row.get("fulfilled", quantity),
        returned_quantity=row.get("returned", 0),
        restocked_quantity=row.get("restocked", 0),
        place=row.get("place"),
        locations=_read_locations(row.get("locations", {})),
        restocked_locations=_read_locations(row.get("restocked_locations", {})),
    )


def _read_locations(row: Mapping[str, int]) -> list[LocationQuantity]:
    return [LocationQuantity(location, quantity) for location, quantity in row.items()]


def _read_pieces(row: Mapping[str, Any], field: str) -> int | None:
    return None if row.get(field) is None else parse_pieces(field, row[field])


def _read_money(row: Mapping[str, Any], field: str) -> Money | None:
    return None if row.get(field) is None else Money.of(row[field], row["currency"])


def _read_instant(field: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValueError(field, f"{text!r} is not a date and time") from error


if not TYPE_CHECKING:
    __getattr__ = alias_names(
        __name__,
        {
            "product": "build_product",
            "variant": "build_variant",
            "stock": "build_stock",
            "customer": "build_customer",
            "order": "build_order",
            "line": "build_line",
            "bad_rows": "build_invalid_rows",
        },
    )
