"""A channel of any size without stored records: each record is generated from the seed when it is requested."""

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
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.record_builders import Row

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
    locations: tuple[str, ...] = ("shop",)
    tills: int = 0
    edition: int = 1

    def feed(self, name: str) -> tuple[Callable[[int], Row], int]:
        """Return the function that generates the n-th record of a feed, and the number of records."""
        counted = self.products * self.sizes * len(self.locations)
        return {
            "products": (self.build_product, self.products),
            "stock": (self.build_stock, counted),
            "customers": (self.build_customer, self.tills),
            "orders": (self.build_order, self.tills),
        }[name]

    def build_product(self, n: int) -> Row:
        mixed = (n + self.seed) * 2654435761 % 2**32
        words = (KINDS[mixed % 10], COLORS[mixed // 10 % 12], THINGS[mixed // 120 % 12])
        title = f"{' '.join(words)} {n}".capitalize()
        price = f"{mixed % 90 + self.edition}.{mixed % 100:02}"
        names = SIZES[: self.sizes] if self.sizes > 1 else ("",)
        variants = [
            record_builders.build_variant(
                f"v{n}{size}", sku=f"SKU-{n}{size}", gtin=build_gtin(n * 10 + index), price=price, **_build_option(size)
            )
            for index, size in enumerate(names)
        ]
        named = {"title": title, "brand": words[1], "tags": [words[0]], "category": ["Goods", words[2]]}
        return {"id": f"p{n}", "variants": variants, "version": self.edition, **named}

    def build_stock(self, n: int) -> Row:
        item, index = divmod(n, len(self.locations))
        product, size = divmod(item, self.sizes)
        name = f"v{product}{SIZES[size] if self.sizes > 1 else ''}"
        return record_builders.build_stock(
            name, self.locations[index], (n * 7 + self.edition) % 60, version=self.edition
        )

    def build_customer(self, n: int) -> Row:
        return record_builders.build_customer(f"c{n}", name=f"Customer {n}", email=f"c{n}@example.com") | {
            "version": self.edition
        }

    def build_order(self, n: int) -> Row:
        lines = [
            record_builders.build_line(str(part), self._get_sold_variant(n * 3 + part), 1 + part, "12.50")
            for part in range(3)
        ]
        return record_builders.build_order(
            f"o{n}", lines, customer=f"c{n}", place=self.locations[0], version=self.edition
        )

    def _get_sold_variant(self, n: int) -> str:
        return f"v{n % self.products}{SIZES[0] if self.sizes > 1 else ''}"


def _build_option(size: str) -> dict[str, Any]:
    return {"title": size, "options": {"Size": size}} if size else {}


def build_gtin(n: int) -> str:
    """Build the n-th EAN-13 of a fictitious company."""
    digits = f"50{n:010}"
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


class GoodsFeed(Feed[R]):
    """A feed of the goods. A pass from a mark is empty, or lists all records of a new edition."""

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
    """A configuration without settings."""


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
                GoodsFeed(ProductRecord, "products", record_builders.read_product, goods),
                GoodsFeed(StockRecord, "stock", record_builders.read_stock, goods),
                GoodsFeed(CustomerRecord, "customers", record_builders.read_customer, goods),
                GoodsFeed(OrderRecord, "orders", record_builders.read_order, goods),
            ]
        )
