"""The day's own books: what there was, what went, and so what has to be there; kept apart from everything that the
gateway writes down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from examples.demo import made_up, store
from examples.demo.channels import Twins
from gateway.storage.database import Database
from gateway.storage.rows import load
from gateway.storage.tables import fulfillments, listings, order_lines
from gateway_shopify.sandbox import ShopSandbox
from gateway_shopify.sandbox.shop import number
from gateway_sqlpos.sandbox import schema

COUNTED = {
    ("till", made_up.LONDON): "store-london",
    ("till", made_up.MANCHESTER): "store-manchester",
    ("web", store.LEEDS): "warehouse-leeds",
}
"""Who counts where, and what the configuration calls that place."""

GONE = ("CANCELLED", "REJECTED", "FAILED")
"""What has become of fulfillments for which nothing has left."""

Spot = tuple[str, str]
"""A variant, by the gateway's id, and a location."""


@dataclass(frozen=True, slots=True)
class Sold:
    """What one unit of something that a channel sells is. `units`: of the variant."""

    variant: str
    units: int


@dataclass(slots=True)
class Books:
    """Units by variant and location.

    Attributes:
        names: what is sold under a channel's code.
    """

    names: Mapping[tuple[str, str], Sold]
    there: Counter[Spot] = field(default_factory=Counter)
    moved: Counter[Spot] = field(default_factory=Counter)

    def move(self, channel: str, sku: str, location: str, units: int) -> None:
        """So many units came, or went."""
        sold = self.names.get((channel, sku))
        if sold is not None:
            self.moved[sold.variant, location] += units * sold.units

    def differences(self, ordered: Mapping[Spot, int], found: Mapping[Spot, int]) -> Iterator[str]:
        """A line for each count that is not what it has to be. `ordered`: through the gateway, and not undone."""
        for spot in sorted({*self.there, *found}):
            expected = self.there[spot] + self.moved[spot] - ordered.get(spot, 0)
            if found.get(spot, 0) != expected:
                variant, location = spot
                names = [sku for (channel, sku), sold in self.names.items() if sold.variant == variant]
                yield f"{'/'.join(sorted(set(names)))} in {location}: {expected} expected, {found.get(spot, 0)} counted"


async def counted(books: Books, twins: Twins) -> Counter[Spot]:
    """What the channels count that are believed."""
    found: Counter[Spot] = Counter()
    for channel, sku, place, units in [*await twins.till.run(_till), *_web(twins.web)]:
        sold, location = books.names.get((channel, sku)), COUNTED.get((channel, place))
        if sold is not None and location is not None:
            found[sold.variant, location] += units
    return found


def _till(conn: Connection) -> list[tuple[str, str, str, int]]:
    counts, products = schema.stockcurrent.c, schema.products.c
    chosen = sa.select(products.reference, counts.location, counts.units).where(products.id == counts.product)
    return [("till", row[0], row[1], int(row[2])) for row in conn.execute(chosen)]


def _web(web: ShopSandbox) -> Iterator[tuple[str, str, str, int]]:
    """What is there and not promised to anybody."""
    leeds = int(web.places[store.LEEDS])
    for variant in web.shop.all("ProductVariant"):
        level = web.shop.levels.get(number(variant["inventoryItem"]["id"]), {}).get(leeds)
        if level is not None:
            yield "web", variant["sku"], store.LEEDS, level["counts"].get("available", 0)


async def opened(database: Database, twins: Twins) -> Books:
    """The books as the day begins."""
    books = Books(await database.read(_names))
    books.there = await counted(books, twins)
    return books


def _names(conn: Connection) -> dict[tuple[str, str], Sold]:
    chosen = sa.select(listings.c.channel, listings.c.sku, listings.c.variant_id, listings.c.units_per_listing)
    return {(row[0], row[1]): Sold(row[2], row[3]) for row in conn.execute(chosen) if row[1] is not None}


async def ordered(database: Database) -> Counter[Spot]:
    """What has left, or is to leave, because it was ordered through the gateway."""
    return await database.read(_ordered)


def _ordered(conn: Connection) -> Counter[Spot]:
    variant = {row[0]: row[1] for row in conn.execute(_variants)}
    found: Counter[Spot] = Counter()
    for row in conn.execute(sa.select(fulfillments).where(fulfillments.c.status.not_in(GONE))):
        for line, quantity in load(row.lines):
            found[variant[line], row.transfer_from or row.location] += quantity
    return found


_variants = sa.select(order_lines.c.id, listings.c.variant_id).join(
    listings,
    sa.and_(listings.c.channel == order_lines.c.channel, listings.c.external_id == order_lines.c.variant),
)
