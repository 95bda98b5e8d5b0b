"""Finding products: which ones a query is about, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import Product
from gateway.storage.arrays import named_texts
from gateway.storage.catalog import product, visible_products
from gateway.storage.paging import Rows, Sort
from gateway.storage.search import Search, has_code, has_words
from gateway.storage.tables import Text, categories, offers, product_tags, products


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """An offer's prices overlap this range. Amounts in the currency's smallest unit."""

    currency: str
    least: int | None
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductQuery:
    """Which products, and in which order.

    Attributes:
        everything: products that are not on sale too.
        channel: listed there, and whose prices count.
        facets: keys of facets with values, one of which the product has.
        conditions: of the products' ids, from `levels`.
        sort: RELEVANCE, TITLE, PRICE, CREATED_AT or UPDATED_AT.
    """

    everything: bool
    channel: str | None = None
    search: Search | None = None
    channels: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    brands: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    price: PriceRange | None = None
    updated_since: datetime | None = None
    facets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    conditions: tuple[sa.ColumnElement[bool], ...] = ()
    sort: str = "TITLE"
    descending: bool = False


def products_matching(query: ProductQuery) -> Rows[Product]:
    """The products of a query, in its order."""
    return Rows(products_in(query), _product_sort(query), product)


def product_ids(conn: Connection, query: ProductQuery, most: int) -> list[str]:
    """The ids of the products of a query, in its order."""
    order = _product_sort(query).order(backward=False)
    ordered = products_in(query).with_only_columns(products.c.id, maintain_column_froms=True).order_by(*order)
    return list(conn.scalars(ordered.limit(most)))


def products_in(query: ProductQuery) -> sa.Select[Any]:
    """The products of a query; joined with the channel's offers, where one is named."""
    statement = sa.select(products).where(visible_products(query.everything), *_product_conditions(query))
    if query.channel is None:
        return statement
    here = sa.and_(offers.c.product_id == products.c.id, offers.c.channel == query.channel)
    return statement.join(offers, here).where(*_price_conditions(query.price))


def _product_conditions(query: ProductQuery) -> list[sa.ColumnElement[bool]]:
    conditions = list(query.conditions)
    if query.search is not None:
        found = has_words("product", products.c.id, query.search.words)
        conditions.append(sa.or_(found, has_code(products.c.id, query.search)))
    if query.channels is not None:
        conditions.append(products.c.id.in_(sa.select(offers.c.product_id).where(offers.c.channel.in_(query.channels))))
    if query.tags is not None:
        tagged = sa.select(product_tags.c.product_id).where(product_tags.c.tag.in_(query.tags))
        conditions.append(products.c.id.in_(tagged))
    if query.updated_since is not None:
        conditions.append(products.c.updated_at >= query.updated_since)
    columns = ((products.c.status, query.statuses), (products.c.brand, query.brands))
    conditions += [column.in_(wanted) for column, wanted in columns if wanted is not None]
    if query.categories is not None:
        conditions.append(products.c.category_id.in_(_branches(query.categories)))
    return conditions + [_has_facet(key, values) for key, values in query.facets]


BRAND, CATEGORY, TAG = "brand", "category", "tag"
OPTION = "option."
"""Before the name of an option, as the key of a facet: `option.Color`."""


def _has_facet(key: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
    """That the product has one of these values."""
    if key == BRAND:
        return products.c.brand.in_(values)
    if key == CATEGORY:
        return products.c.category_id.in_(values)
    if key == TAG:
        return products.c.id.in_(sa.select(product_tags.c.product_id).where(product_tags.c.tag.in_(values)))
    option, texts, name = named_texts(products.c.options)
    chosen = sa.and_(name == key.removeprefix(OPTION), texts.c.value.in_(values))
    return (
        sa.select(sa.literal(1)).select_from(option).join(texts, sa.true()).where(chosen).correlate(products).exists()
    )


def _branches(roots: Sequence[str]) -> sa.Select[Any]:
    """These categories and all below them."""
    below = sa.select(categories.c.id).where(categories.c.id.in_(roots)).cte("below", recursive=True)
    below = below.union(sa.select(categories.c.id).where(categories.c.parent_id == below.c.id))
    return sa.select(below.c.id)


def _price_conditions(price: PriceRange | None) -> list[sa.ColumnElement[bool]]:
    if price is None:
        return []
    conditions = [offers.c.currency == price.currency]
    if price.least is not None:
        conditions.append(offers.c.price_max >= price.least)
    if price.most is not None:
        conditions.append(offers.c.price_min <= price.most)
    return conditions


def _product_sort(query: ProductQuery) -> Sort:
    if query.sort == "RELEVANCE" and query.search is not None:
        exact = sa.case((has_code(products.c.id, query.search), "0"), else_="1")
        ranked = sa.type_coerce(exact.concat(products.c.sort_title), Text)
        return Sort(ranked, products.c.id, descending=query.descending)
    if query.sort == "PRICE":
        return Sort(offers.c.price_min, offers.c.product_id, descending=query.descending, nulls=True)
    columns = {"CREATED_AT": products.c.created_at, "UPDATED_AT": products.c.updated_at}
    return Sort(columns.get(query.sort, products.c.sort_title), products.c.id, descending=query.descending)
