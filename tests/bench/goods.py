"""A channel of any size that holds nothing: its records are made up, the same for the same seed, as they are asked for.

So what a first sync needs in memory is the gateway's, and what it takes in time nearly so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from gateway.sdk import (
    Channel,
    ChannelKind,
    ChannelType,
    Config,
    Context,
    CustomerRecord,
    Feed,
    Gone,
    OrderRecord,
    Page,
    ProductRecord,
    Raw,
    Registry,
    StockRecord,
    Traits,
    hookimpl,
)
from gateway.sdk.testing import rows
from gateway.sdk.testing.rows import Row

R = TypeVar("R", ProductRecord, StockRecord, CustomerRecord, OrderRecord)

PAGE = 500
SIZES = ("S", "M", "L", "XL")
COLORS = ("red", "blue", "green", "amber", "ivory", "black", "white", "grey", "pink", "teal", "olive", "plum")
THINGS = ("lantern", "teapot", "mug", "basket", "cushion", "clock", "frame", "candle", "garland", "tray", "jar", "bowl")
KINDS = ("paper", "ceramic", "wooden", "knitted", "vintage", "folding", "hanging", "painted", "small", "travel")


@dataclass(slots=True, kw_only=True)
class Goods:
    """What the channel has.

    Attributes:
        sizes: variants per product.
        tills: orders and customers, as many of each.
        edition: raised, and every record has changed.
    """

    products: int
    seed: int
    sizes: int = 1
    places: tuple[str, ...] = ("shop",)
    tills: int = 0
    edition: int = 1

    def feed(self, name: str) -> tuple[Callable[[int], Row], int]:
        """How the n-th record of a feed is made, and how many there are."""
        counted = self.products * self.sizes * len(self.places)
        return {
            "products": (self.product, self.products),
            "stock": (self.stock, counted),
            "customers": (self.customer, self.tills),
            "orders": (self.order, self.tills),
        }[name]

    def product(self, n: int) -> Row:
        mixed = (n + self.seed) * 2654435761 % 2**32
        words = (KINDS[mixed % 10], COLORS[mixed // 10 % 12], THINGS[mixed // 120 % 12])
        title = f"{' '.join(words)} {n}".capitalize()
        price = f"{mixed % 90 + self.edition}.{mixed % 100:02}"
        names = SIZES[: self.sizes] if self.sizes > 1 else ("",)
        variants = [
            rows.variant(f"v{n}{size}", sku=f"SKU-{n}{size}", gtin=gtin(n * 10 + place), price=price, **_option(size))
            for place, size in enumerate(names)
        ]
        named = {"title": title, "brand": words[1], "tags": [words[0]], "category": ["Goods", words[2]]}
        return {"id": f"p{n}", "variants": variants, "version": self.edition, **named}

    def stock(self, n: int) -> Row:
        item, place = divmod(n, len(self.places))
        product, size = divmod(item, self.sizes)
        name = f"v{product}{SIZES[size] if self.sizes > 1 else ''}"
        return rows.stock(name, self.places[place], (n * 7 + self.edition) % 60, version=self.edition)

    def customer(self, n: int) -> Row:
        return rows.customer(f"c{n}", name=f"Customer {n}", email=f"c{n}@example.com") | {"version": self.edition}

    def order(self, n: int) -> Row:
        lines = [rows.line(str(part), self._sold(n * 3 + part), 1 + part, "12.50") for part in range(3)]
        return rows.order(f"o{n}", lines, customer=f"c{n}", place=self.places[0], version=self.edition)

    def _sold(self, n: int) -> str:
        return f"v{n % self.products}{SIZES[0] if self.sizes > 1 else ''}"


def _option(size: str) -> dict[str, Any]:
    return {"title": size, "options": {"Size": size}} if size else {}


def gtin(n: int) -> str:
    """The n-th EAN-13 of a made-up company."""
    digits = f"50{n:010}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


class GoodsFeed(Feed[R]):
    """One kind of the goods' records. A pass from a mark is empty, or names everything in a new edition."""

    every = timedelta(hours=1)

    def __init__(self, of: type[R], name: str, read: Callable[[Row], R], goods: Goods) -> None:
        self.of, self.name, self.goods = of, name, goods
        self._read: Callable[[Row], R] = read
        self._make, self._count = goods.feed(name)

    async def page(self, mark: str | None, token: str | None) -> Page:
        edition = str(self.goods.edition)
        if mark == edition and token is None:
            return Page([], mark=edition)
        start = int(token or 0)
        end = min(start + PAGE, self._count)
        items = [Raw(row["id"], row) for row in map(self._make, range(start, end))]
        return Page(items, str(end) if end < self._count else None, edition)

    def read(self, raw: Raw) -> R | Gone:
        return self._read(raw.data)


class GoodsConfig(Config):
    """There is nothing to configure."""


class GoodsPlugin:
    """Registers the channel type ``goods``."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    @hookimpl
    def gateway_register(self, registry: Registry) -> None:
        registry.channel(
            ChannelType(
                name="goods",
                version="1",
                kind=ChannelKind.STOREFRONT,
                config=GoodsConfig,
                traits=lambda _: Traits(time_zone="Europe/London", currency="GBP", prices_include_tax=True),
                open=self._open,
            )
        )

    def _open(self, _config: GoodsConfig, _context: Context) -> Channel:
        goods = self._goods
        return Channel(
            feeds=[
                GoodsFeed(ProductRecord, "products", rows.read_product, goods),
                GoodsFeed(StockRecord, "stock", rows.read_stock, goods),
                GoodsFeed(CustomerRecord, "customers", rows.read_customer, goods),
                GoodsFeed(OrderRecord, "orders", rows.read_order, goods),
            ]
        )
