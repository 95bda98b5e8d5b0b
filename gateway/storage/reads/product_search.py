"""Product search: the products that match a query, and their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import Product
from gateway.storage.reads.catalog import Visibility, is_product_visible, read_product
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.sql.json_arrays import expand_named_texts
from gateway.storage.sql.keyset import Page, Positions, Rows, Sort, Window, build_page
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.sql.product_matches import build_sort_key, select_matches
from gateway.storage.sql.text_search import Search
from gateway.storage.tables import (
    categories,
    collection_products,
    collections,
    offers,
    product_attributes,
    product_tags,
    products,
    sold_units,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """A range that an offer's prices overlap. Amounts in the currency's minor unit."""

    currency: str
    least: int | None
    most: int | None


class NumberRange(NamedTuple):
    """A range of the numbers of an attribute, in millionths."""

    key: str
    least: int | None
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductQuery:
    """Filters and sort order of products.

    Attributes:
        visibility: what the caller sees.
        channel: only products listed there; its prices are used.
        facets: keys of facets with values; the product has one of the values of each.
        ranges: ranges of numbers of attributes.
        attributes: keys of the attributes that are facets.
        conditions: on `products.c.id`, from `stock_levels`.
        stock_filter: what the conditions were built from, for caches.
        on_sale: whether the price of a variant is reduced in the channel.
        min_rating: average in hundredths of a star.
        collections: ids of collections of channels; the product is in one of them, or matches one of `matching`.
        matching: the filters of collections of the configuration.
        collection: id of the only collection whose products are searched, in whose order POSITION is.
        within: the filter of a collection of the configuration that the products match, too.
        smart_key: key of that collection.
        sold_in: by whose sales best sellers are sorted: a channel, or all (empty).
        sort: RELEVANCE, TITLE, PRICE, DISCOUNT, BEST_SELLING, RATING, CREATED_AT, UPDATED_AT or POSITION.
    """

    visibility: Visibility
    channel: str | None = None
    search: Search | None = None
    channels: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    brands: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    price: PriceRange | None = None
    on_sale: bool | None = None
    min_rating: int | None = None
    created_since: datetime | None = None
    updated_since: datetime | None = None
    facets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    ranges: tuple[NumberRange, ...] = ()
    attributes: tuple[str, ...] = ()
    conditions: tuple[sa.ColumnElement[bool], ...] = ()
    stock_filter: tuple[str | bool | None, ...] = ()
    collections: tuple[str, ...] | None = None
    matching: tuple[ProductQuery, ...] = ()
    collection: str | None = None
    within: ProductQuery | None = None
    smart_key: str | None = None
    sold_in: str = ""
    sort: str = "TITLE"
    descending: bool = False

    @property
    def scope(self) -> tuple[str, ...]:
        """The collection in which products are searched, if any."""
        return tuple(key for key in (self.collection, self.smart_key) if key is not None)

    @property
    def has_conditions(self) -> bool:
        """Whether it, or the filter of a collection, depends on stock."""
        inner = (*self.matching, *(() if self.within is None else (self.within,)))
        return bool(self.conditions) or any(query.has_conditions for query in inner)

    def drop_conditions(self) -> ProductQuery:
        """Return the query without its conditions, which `stock_filter` describes."""
        within = None if self.within is None else self.within.drop_conditions()
        matching = tuple(query.drop_conditions() for query in self.matching)
        return replace(self, conditions=(), within=within, matching=matching)


POSITION = "POSITION"
"""The order of a collection."""

EVERY_COLLECTION = "*"
"""Stands for each of many collections; no id equals it."""

MAX_CACHED_CHARACTERS = 500
"""Characters of the values of a query whose statement is cached: of 256 queries they would be 100 KB."""


def search_products(query: ProductQuery) -> Rows[Product]:
    """Search the products of a query, in its order."""
    is_short = _count_characters(query) <= MAX_CACHED_CHARACTERS
    return _search_products_once(query) if is_short else _build_search(query)


def _count_characters(query: ProductQuery) -> int:
    texts = (query.channels, query.statuses, query.brands, query.categories, query.tags, query.collections)
    given = [*texts, *(values for _, values in query.facets), query.search.list_words() if query.search else None]
    inner = (*query.matching, *(() if query.within is None else (query.within,)))
    own = sum(len(text) for values in given if values is not None for text in values)
    return own + sum(map(_count_characters, inner))


@lru_cache(256)  # building a statement takes longer than running it
def _search_products_once(query: ProductQuery) -> Rows[Product]:
    return _build_search(query)


def _build_search(query: ProductQuery) -> Rows[Product]:
    statement, matches = _select_with_matches(query)
    return Rows(statement, _build_sort(query, matches), read_product)


class KnownPage(NamedTuple):
    """A page. `known` are the IDs of its products that were known, `read` those that were not."""

    page: Page[Product]
    known: Sequence[str]
    read: Sequence[Product]


_products_by_id = BulkSelect(sa.select(products), products.c.id)


def read_positions(conn: Connection, window: Window, query: ProductQuery) -> Positions:
    """Read which products a page of a query has."""
    return search_products(query).read_positions(conn, window)


FindKnown = Callable[[Sequence[str]], Mapping[str, Product]]
"""Finds the products that are known, by ID."""


def read_known_page(conn: Connection, window: Window, query: ProductQuery, find_known: FindKnown | None) -> KnownPage:
    """Read a page of a query, whose known products are not read again. `find_known`: None if none is known."""
    rows = search_products(query)
    if find_known is None:
        return _read_unknown_page(conn, window, rows)
    entries, has_more = rows.read_versions(conn, window, products.c.version)
    versions = {id_: version for (_, id_), version in entries}
    found = find_known([*versions])
    known = {id_: product for id_, product in found.items() if product.version == versions[id_]}
    missing = [id_ for id_ in versions if id_ not in known]
    read = {row.id: read_product(row) for row in _products_by_id.select(conn, missing)} if missing else {}
    if any(id_ not in read or read[id_].version != versions[id_] for id_ in missing):  # it has changed in between
        return _read_unknown_page(conn, window, rows)
    items = [(position, known.get(position[1]) or read[position[1]]) for position, _ in entries]
    return KnownPage(build_page(items, window, has_more=has_more), [*known], [*read.values()])


def _read_unknown_page(conn: Connection, window: Window, rows: Rows[Product]) -> KnownPage:
    page = rows.read_page(conn, window)
    return KnownPage(page, (), [product for _, product in page.items])


def search_products_of_collections(query: ProductQuery) -> Rows[Product]:
    """Search the products of a query in each of many collections of channels."""
    is_short = _count_characters(query) <= MAX_CACHED_CHARACTERS
    return _search_collections_once(query) if is_short else _build_search_of_collections(query)


@lru_cache(64)
def _search_collections_once(query: ProductQuery) -> Rows[Product]:
    return _build_search_of_collections(query)


def _build_search_of_collections(query: ProductQuery) -> Rows[Product]:
    statement, matches = _select_with_matches(replace(query, collection=EVERY_COLLECTION))
    return Rows(statement, _build_sort(query, matches), read_product, parent=collection_products.c.collection_id)


def find_product_ids(conn: Connection, query: ProductQuery, limit: int) -> list[str]:
    """Find the ids of a query's products, in its order."""
    return [id_ for id_, _ in find_product_titles(conn, query, limit)]


def find_product_titles(conn: Connection, query: ProductQuery, limit: int) -> list[tuple[str, str]]:
    """Find the ids and titles of a query's products, in its order."""
    statement, matches = _select_with_matches(query)
    order = _build_sort(query, matches).build_order(backward=False)
    columns = statement.with_only_columns(products.c.id, products.c.title, maintain_column_froms=True)
    return [(row.id, row.title) for row in conn.execute(columns.order_by(*order).limit(limit))]


def select_products(query: ProductQuery) -> sa.Select[Any]:
    """Select the products of a query, joined with the offers of its channel, if any."""
    return _select_with_matches(query)[0]


def _select_with_matches(query: ProductQuery) -> tuple[sa.Select[Any], sa.Subquery | None]:
    """Select the products of a query, joined with the matches of its search, if any."""
    statement = _select_in_channel(query).where(is_product_visible(query.visibility), *_build_conditions(query))
    if query.search is None:
        return statement, None
    matches = select_matches(query.search, query.visibility.listed)
    return statement.join(matches, matches.c.product_id == products.c.id), matches


def _select_in_channel(query: ProductQuery) -> sa.Select[Any]:
    statement = sa.select(products)
    if query.sort == "BEST_SELLING":
        sold = sa.and_(sold_units.c.product_id == products.c.id, sold_units.c.channel == query.sold_in)
        statement = statement.join(sold_units, sold, isouter=True)
    if query.collection is not None:
        statement = statement.join(collection_products, collection_products.c.product_id == products.c.id)
    if query.collection not in (None, EVERY_COLLECTION):
        statement = statement.where(collection_products.c.collection_id == query.collection)
    if query.channel is None:
        return statement
    # By price, the channel's offers are read in order; otherwise each product is looked up among them.
    channel = offers.c.channel if query.sort in ("PRICE", "DISCOUNT") else skip_index(offers.c.channel)
    same_product = sa.and_(offers.c.product_id == products.c.id, channel == query.channel)
    return statement.join(offers, same_product).where(*_build_price_conditions(query))


def _build_conditions(query: ProductQuery) -> list[sa.ColumnElement[bool]]:
    conditions = list(query.conditions)
    if query.channels is not None:
        listed = sa.select(offers.c.product_id).where(
            offers.c.product_id == products.c.id, offers.c.channel.in_(query.channels)
        )
        conditions.append(listed.correlate(products).exists())
    if query.tags is not None:
        tagged = sa.select(product_tags.c.product_id).where(product_tags.c.tag.in_(query.tags))
        conditions.append(products.c.id.in_(tagged))
    if query.min_rating is not None:
        conditions.append(products.c.rating >= query.min_rating)
    if query.created_since is not None:
        conditions.append(products.c.created_at >= query.created_since)
    if query.updated_since is not None:
        conditions.append(products.c.updated_at >= query.updated_since)
    columns = ((products.c.status, query.statuses), (products.c.brand, query.brands))
    conditions += [column.in_(values) for column, values in columns if values is not None]
    if query.categories is not None:
        conditions.append(products.c.category_id.in_(_select_subtree(query.categories)))
    if query.collections is not None:
        conditions.append(_is_in_collections(query))
    if query.within is not None:
        conditions.append(_is_match(query.within))
    conditions += [_has_number(number_range) for number_range in query.ranges]
    return conditions + [_has_facet(key, values) for key, values in query.facets]


def _is_in_collections(query: ProductQuery) -> sa.ColumnElement[bool]:
    """Build the condition that the product is in one of the collections that the caller sees."""
    columns = (collections.c.id.in_(query.collections or ()), collections.c.gone.is_(False))
    listed = sa.select(collection_products.c.product_id).join(
        collections, collections.c.id == collection_products.c.collection_id
    )
    listed = listed.where(*columns)
    if query.visibility.listed is not None:
        listed = listed.where(collections.c.channel.in_(query.visibility.listed))
    return sa.or_(products.c.id.in_(listed), *map(_is_match, query.matching))


def _is_match(query: ProductQuery) -> sa.ColumnElement[bool]:
    """Build the condition that the product matches another query."""
    ids = select_products(query).with_only_columns(products.c.id, maintain_column_froms=True)
    return products.c.id.in_(ids.correlate(None))


BRAND, CATEGORY, TAG = "brand", "category", "tag"
OPTION = "option."
"""Prefix of an option's name in the key of a facet: `option.Color`."""


def _has_facet(key: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
    """Build the condition that the product has one of these values."""
    if key == BRAND:
        return products.c.brand.in_(values)
    if key == CATEGORY:
        return products.c.category_id.in_(values)
    if key == TAG:
        return products.c.id.in_(sa.select(product_tags.c.product_id).where(product_tags.c.tag.in_(values)))
    if not key.startswith(OPTION):
        same_key, named = product_attributes.c.key == key, product_attributes.c.value.in_(values)
        return products.c.id.in_(sa.select(product_attributes.c.product_id).where(same_key, named))
    option, texts, name = expand_named_texts(products.c.options)
    selected = sa.and_(name == key.removeprefix(OPTION), texts.c.value.in_(values))
    return (
        sa.select(sa.literal(1)).select_from(option).join(texts, sa.true()).where(selected).correlate(products).exists()
    )


def _has_number(number_range: NumberRange) -> sa.ColumnElement[bool]:
    """Build the condition that the product has a number in this range."""
    micros, conditions = product_attributes.c.micros, [product_attributes.c.key == number_range.key]
    conditions += [] if number_range.least is None else [micros >= number_range.least]
    conditions += [] if number_range.most is None else [micros <= number_range.most]
    matching = sa.select(product_attributes.c.product_id).where(micros.is_not(None), *conditions)
    return products.c.id.in_(matching)


def _select_subtree(roots: Sequence[str]) -> sa.Select[Any]:
    """Select the ids of these categories and all their descendants."""
    below = sa.select(categories.c.id).where(categories.c.id.in_(roots)).cte(recursive=True)
    below = below.union(sa.select(categories.c.id).where(categories.c.parent_id == below.c.id))
    return sa.select(below.c.id)


def _build_price_conditions(query: ProductQuery) -> list[sa.ColumnElement[bool]]:
    conditions = []
    if query.on_sale is not None:
        conditions.append(offers.c.discount > 0 if query.on_sale else offers.c.discount == 0)
    return conditions + ([] if query.price is None else _build_range_conditions(query.price))


def _build_range_conditions(price: PriceRange) -> list[sa.ColumnElement[bool]]:
    conditions = [offers.c.currency == price.currency]
    if price.least is not None:
        conditions.append(offers.c.price_max >= price.least)
    if price.most is not None:
        conditions.append(offers.c.price_min <= price.most)
    return conditions


def _build_sort(query: ProductQuery, matches: sa.Subquery | None) -> Sort:
    if query.sort == "RELEVANCE" and matches is not None:
        key = build_sort_key(matches.c.position, products.c.sort_title)
        return Sort(key, products.c.id, descending=query.descending)
    if query.sort == "PRICE":
        return Sort(offers.c.price_min, offers.c.product_id, descending=query.descending, nulls=True)
    if query.sort == "BEST_SELLING":
        return Sort(sold_units.c.units, products.c.id, descending=query.descending, nulls=True)
    if query.sort == "RATING":
        return Sort(products.c.rating, products.c.id, descending=query.descending, nulls=True)
    if query.sort == POSITION:
        return Sort(collection_products.c.position, collection_products.c.product_id, descending=query.descending)
    if query.sort == "DISCOUNT":
        return Sort(offers.c.discount, offers.c.product_id, descending=query.descending)
    columns = {"CREATED_AT": products.c.created_at, "UPDATED_AT": products.c.updated_at}
    return Sort(columns.get(query.sort, products.c.sort_title), products.c.id, descending=query.descending)
