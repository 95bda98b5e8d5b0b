"""Facets: values by which the products of a query can be filtered further, with the number of products of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.attributes.definitions import AttributeDefinition, DeclaredValue, Swatch
from gateway.model.money import Money, MoneyRange
from gateway.storage.reads.product_search import BRAND, CATEGORY, OPTION, TAG, ProductQuery, select_products
from gateway.storage.sql.json_arrays import expand_named_texts
from gateway.storage.tables import categories, offers, product_attributes, product_tags, products

PRICE = "price"
MAX_VALUES = 50
MAX_GROUPS = 2_000
"""Option values that are counted; rare values beyond that are not useful filters."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet. `label`: its display name; `declared`: how the value of an attribute is shown."""

    value: str
    label: str
    count: int
    selected: bool
    declared: DeclaredValue | None = None
    swatch: Swatch | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """A property by which products can be filtered. `definition`: of the attribute that it is."""

    key: str
    values: Sequence[FacetValue]
    price_range: MoneyRange | None = None
    definition: AttributeDefinition | None = None


ValueCounts = Sequence[tuple[str, str, int]]
"""Values with their labels and numbers of products, most frequent first."""


def compute_facets(conn: Connection, query: ProductQuery, keys: Sequence[str] | None) -> list[Facet]:
    """Compute the facets with these keys, or all, of the products of a query.

    A facet's counts ignore its own selection, so that they show the alternatives.
    """
    requested = [*(BRAND, CATEGORY, TAG), *([PRICE] if query.channel else [])] if keys is None else keys
    facets = [_compute_facet(conn, query, key) for key in requested]
    if keys is None:
        facets += [*_compute_attribute_facets(conn, query), *_compute_option_facets(conn, query)]
    return [facet for facet in facets if facet.values or facet.price_range is not None]


def _compute_facet(conn: Connection, query: ProductQuery, key: str) -> Facet:
    if key == PRICE:
        return Facet(PRICE, (), _compute_price_range(conn, replace(query, price=None)))
    selected, others = _remove_selection(query, key)
    counts = {BRAND: _count_brands, CATEGORY: _count_categories, TAG: _count_tags}.get(key)
    if counts is not None:
        return Facet(key, _select_values(counts(conn, others), selected))
    if not key.startswith(OPTION):
        return Facet(key, _select_values([row[1:] for row in _count_attributes(conn, others, [key])], selected))
    name = key.removeprefix(OPTION)
    return Facet(key, _select_values([row[1:] for row in _count_options(conn, others, name)], selected))


def _remove_selection(query: ProductQuery, key: str) -> tuple[Collection[str], ProductQuery]:
    """Return the selected values of this facet, and the query without them."""
    selected = [value for selected_key, values in query.facets for value in values if selected_key == key]
    return selected, replace(query, facets=tuple(facet for facet in query.facets if facet[0] != key))


def _select_values(counts: Iterable[tuple[str, str, int]], selected: Collection[str]) -> list[FacetValue]:
    """Select the most frequent values and all selected ones."""
    candidates = [FacetValue(value, label, count, value in selected) for value, label, count in counts]
    included = {item.value for item in candidates[:MAX_VALUES]} | {item.value for item in candidates if item.selected}
    shown = [item for item in candidates if item.value in included]
    return sorted(shown, key=lambda item: not item.selected)[:MAX_VALUES] if len(shown) > MAX_VALUES else shown


def _compute_attribute_facets(conn: Connection, query: ProductQuery) -> list[Facet]:
    """Compute a facet for every attribute; those with a selection are counted separately."""
    if not query.attributes:
        return []
    selected = {key for key, _ in query.facets}
    by_key: dict[str, list[tuple[str, str, int]]] = {key: [] for key in query.attributes}
    for key, value, label, count in _count_attributes(conn, query, query.attributes):
        by_key[key].append((value, label, count))
    return [
        _compute_facet(conn, query, key) if key in selected else Facet(key, _select_values(counts, ()))
        for key, counts in by_key.items()
    ]


def _compute_option_facets(conn: Connection, query: ProductQuery) -> list[Facet]:
    """Compute a facet for every option, most frequent first; options with a selection are counted separately."""
    selected = [key for key, _ in query.facets if key.startswith(OPTION)]
    by_name: dict[str, list[tuple[str, str, int]]] = {}
    for name, value, label, count in _count_options(conn, query, None):
        by_name.setdefault(name, []).append((value, label, count))
    unselected = [
        Facet(OPTION + name, _select_values(counts, ()))
        for name, counts in by_name.items()
        if OPTION + name not in selected
    ]
    return [*(_compute_facet(conn, query, key) for key in selected), *unselected]


# ------------------------------------------------------------------------------------------------ counts


def _count_values(
    conn: Connection, statement: sa.Select[Any], value: sa.ColumnElement[Any], label: sa.ColumnElement[Any]
) -> ValueCounts:
    number = sa.func.count()
    columns = statement.with_only_columns(value, label, number, maintain_column_froms=True)
    ordered = columns.group_by(value, label).order_by(number.desc(), value).limit(MAX_GROUPS)
    return [(row[0], row[1], row[2]) for row in conn.execute(ordered)]


def _count_brands(conn: Connection, query: ProductQuery) -> ValueCounts:
    branded = select_products(query).where(products.c.brand.is_not(None))
    return _count_values(conn, branded, products.c.brand, products.c.brand)


def _count_categories(conn: Connection, query: ProductQuery) -> ValueCounts:
    filed = select_products(query).join(categories, categories.c.id == products.c.category_id)
    return _count_values(conn, filed, categories.c.id, categories.c.title)


def _count_tags(conn: Connection, query: ProductQuery) -> ValueCounts:
    tagged = select_products(query).join(product_tags, product_tags.c.product_id == products.c.id)
    return _count_values(conn, tagged, product_tags.c.tag, product_tags.c.tag)


def _count_attributes(conn: Connection, query: ProductQuery, keys: Sequence[str]) -> list[tuple[str, str, str, int]]:
    """Count products by the values of attributes."""
    key, value, number = product_attributes.c.key, product_attributes.c.value, sa.func.count()
    of_product = sa.and_(product_attributes.c.product_id == products.c.id, key.in_(keys))
    joined = select_products(query).join(product_attributes, of_product)
    counted = joined.with_only_columns(key, value, number.label("number"), maintain_column_froms=True)
    groups = counted.group_by(key, value).subquery()
    # The limit is one of each attribute: many values of one do not push those of another out.
    rank = sa.func.row_number().over(partition_by=groups.c.key, order_by=(groups.c.number.desc(), groups.c.value))
    ranked = sa.select(groups, rank.label("rank")).subquery()
    frequent = sa.select(ranked.c.key, ranked.c.value, ranked.c.number).where(ranked.c.rank <= MAX_GROUPS)
    rows = conn.execute(frequent.order_by(ranked.c.key, ranked.c.rank))
    return [(row[0], row[1], row[1], row[2]) for row in rows]


def _count_options(conn: Connection, query: ProductQuery, only: str | None) -> list[tuple[str, str, str, int]]:
    """Count products by option name and value."""
    option, value, name = expand_named_texts(products.c.options)
    number = sa.func.count()  # a product has each option once, and each of its values
    joined = select_products(query).join(option, sa.true()).join(value, sa.true())
    columns = joined.with_only_columns(name, value.c.value, number, maintain_column_froms=True)
    if only is not None:
        columns = columns.where(name == only)
    ordered = columns.group_by(name, value.c.value).order_by(number.desc(), name, value.c.value).limit(MAX_GROUPS)
    return [(row[0], row[1], row[1], row[2]) for row in conn.execute(ordered)]


def _compute_price_range(conn: Connection, query: ProductQuery) -> MoneyRange | None:
    """Compute the price range in the channel, if all prices are in one currency."""
    least, most = sa.func.min(offers.c.price_min), sa.func.max(offers.c.price_max)
    priced = select_products(query).where(offers.c.currency.is_not(None), offers.c.price_min.is_not(None))
    columns = priced.with_only_columns(offers.c.currency, least, most, maintain_column_froms=True)
    rows = conn.execute(columns.group_by(offers.c.currency)).all()
    if len(rows) != 1:
        return None
    currency, low, high = rows[0]
    return MoneyRange(Money(low, currency), Money(high, currency))
