"""Objects in memory with the products of a list that the gateway has sent, as types of a plain Strawberry schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import strawberry

CHANNELS = ("web", "till", "market")


@strawberry.type
class Money:
    amount: str
    currency_code: str


@strawberry.type
class Stock:
    status: str
    available: int | None


@strawberry.type
class Image:
    url: str


def get_price(root: Any, channel_key: str) -> Money:
    price: Money = root.prices[channel_key]
    return price


def get_stock(root: Any, channel_key: str) -> Stock:
    stock: Stock = root.stocks[channel_key]
    return stock


@strawberry.type
class Variant:
    id: strawberry.ID
    sku: str
    title: str
    prices: strawberry.Private[dict[str, Money]]
    stocks: strawberry.Private[dict[str, Stock]]
    price: Money = strawberry.field(resolver=get_price)
    stock: Stock = strawberry.field(resolver=get_stock)


@strawberry.type
class VariantPage:
    nodes: list[Variant]


def list_variants(root: Any, first: int) -> VariantPage:
    return VariantPage(nodes=root.all_variants[:first])


@strawberry.type
class Product:
    id: strawberry.ID
    handle: str
    title: str
    featured_image: Image | None
    all_variants: strawberry.Private[list[Variant]]
    variants: VariantPage = strawberry.field(resolver=list_variants)


@strawberry.type
class ProductPage:
    nodes: list[Product]


@dataclass(slots=True)
class PlainCatalog:
    """The products of a list, and the list as it was sent."""

    body: bytes
    products: list[Product] = field(init=False)

    def __post_init__(self) -> None:
        self.products = [_read_product(row) for row in orjson.loads(self.body)["data"]["products"]["nodes"]]

    @classmethod
    def load(cls, path: Path) -> PlainCatalog:
        """Load the list from a file."""
        return cls(path.read_bytes())


def _read_product(row: Mapping[str, Any]) -> Product:
    image = row["featuredImage"]
    return Product(
        id=row["id"],
        handle=row["handle"],
        title=row["title"],
        featured_image=None if image is None else Image(url=image["url"]),
        all_variants=[_read_variant(one) for one in row["variants"]["nodes"]],
    )


def _read_variant(row: Mapping[str, Any]) -> Variant:
    return Variant(
        id=row["id"],
        sku=row["sku"],
        title=row["title"],
        prices={key: Money(amount=row[key]["amount"], currency_code=row[key]["currencyCode"]) for key in CHANNELS},
        stocks={
            key: Stock(status=row[f"{key}Stock"]["status"], available=row[f"{key}Stock"]["available"])
            for key in CHANNELS
        },
    )
