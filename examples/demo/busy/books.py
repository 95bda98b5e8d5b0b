"""Expected stock: initial counts minus sales, recorded independently of the gateway's data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from examples.demo import generated, store
from examples.demo.channels import Sandboxes
from gateway.storage.database import Database
from gateway.storage.sql.bulk import load_json
from gateway.storage.tables import fulfillments, listings, order_lines
from gateway_shopify_sandbox import ShopifySandbox
from gateway_shopify_sandbox.state import parse_number
from gateway_sqlpos_sandbox import schema

LOCATIONS = {
    ("till", generated.LONDON): "store-london",
    ("till", generated.MANCHESTER): "store-manchester",
    ("web", store.LEEDS): "warehouse-leeds",
}
"""The configured location of each counting channel's external location."""

INEFFECTIVE_STATUSES = ("CANCELLED", "REJECTED", "FAILED")
"""Statuses of fulfillments without effect on stock."""

StockKey = tuple[str, str]
"""A variant's id in the gateway, and a location key."""


@dataclass(frozen=True, slots=True)
class SoldVariant:
    """The variant of a listing, and its units per listing."""

    variant: str
    units: int


@dataclass(slots=True)
class StockBooks:
    """Expected units by variant and location.

    Attributes:
        variants: the variants by channel and SKU.
    """

    variants: Mapping[tuple[str, str], SoldVariant]
    initial: Counter[StockKey] = field(default_factory=Counter)
    moved: Counter[StockKey] = field(default_factory=Counter)

    def move(self, channel: str, sku: str, location: str, units: int) -> None:
        """Record units that were added or removed (negative)."""
        sold = self.variants.get((channel, sku))
        if sold is not None:
            self.moved[sold.variant, location] += units * sold.units

    def find_differences(self, ordered: Mapping[StockKey, int], counted: Mapping[StockKey, int]) -> Iterator[str]:
        """Yield a line for each unexpected count. `ordered`: units ordered through the gateway."""
        for key in sorted({*self.initial, *counted}):
            expected = self.initial[key] + self.moved[key] - ordered.get(key, 0)
            if counted.get(key, 0) != expected:
                variant, location = key
                names = sorted({sku for (_, sku), sold in self.variants.items() if sold.variant == variant})
                yield f"{'/'.join(names)} in {location}: {expected} expected, {counted.get(key, 0)} counted"


async def count_stock(books: StockBooks, sandboxes: Sandboxes) -> Counter[StockKey]:
    """Count the stock of the authorities."""
    counts: Counter[StockKey] = Counter()
    for channel, sku, external_location, units in [
        *await sandboxes.till.run(_read_till_counts),
        *_read_web_counts(sandboxes.web),
    ]:
        sold, location = books.variants.get((channel, sku)), LOCATIONS.get((channel, external_location))
        if sold is not None and location is not None:
            counts[sold.variant, location] += units
    return counts


def _read_till_counts(conn: Connection) -> list[tuple[str, str, str, int]]:
    counts, products = schema.stockcurrent.c, schema.products.c
    chosen = sa.select(products.reference, counts.location, counts.units).where(products.id == counts.product)
    return [("till", row[0], row[1], int(row[2])) for row in conn.execute(chosen)]


def _read_web_counts(web: ShopifySandbox) -> Iterator[tuple[str, str, str, int]]:
    """Yield the available units in Leeds."""
    leeds = int(web.locations[store.LEEDS])
    for variant in web.shop.list_nodes("ProductVariant"):
        level = web.shop.levels.get(parse_number(variant["inventoryItem"]["id"]), {}).get(leeds)
        if level is not None:
            yield "web", variant["sku"], store.LEEDS, level["counts"].get("available", 0)


async def open_books(database: Database, sandboxes: Sandboxes) -> StockBooks:
    """Open the books with the current counts."""
    books = StockBooks(await database.read(_read_variants))
    books.initial = await count_stock(books, sandboxes)
    return books


def _read_variants(conn: Connection) -> dict[tuple[str, str], SoldVariant]:
    chosen = sa.select(listings.c.channel, listings.c.sku, listings.c.variant_id, listings.c.units_per_listing)
    return {(row[0], row[1]): SoldVariant(row[2], row[3]) for row in conn.execute(chosen) if row[1] is not None}


async def sum_ordered(database: Database) -> Counter[StockKey]:
    """Sum the units of orders through the gateway that have left or will leave."""
    return await database.read(_sum_ordered)


def _sum_ordered(conn: Connection) -> Counter[StockKey]:
    variant = {row[0]: row[1] for row in conn.execute(_variants)}
    units: Counter[StockKey] = Counter()
    for row in conn.execute(sa.select(fulfillments).where(fulfillments.c.status.not_in(INEFFECTIVE_STATUSES))):
        for line, quantity in load_json(row.lines):
            units[variant[line], row.transfer_from or row.location] += quantity
    return units


_variants = sa.select(order_lines.c.id, listings.c.variant_id).join(
    listings,
    sa.and_(listings.c.channel == order_lines.c.channel, listings.c.external_id == order_lines.c.variant),
)
