"""Facets: what else the products of a query could be narrowed down by, and how many there are of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.money import Money, MoneyRange
from gateway.storage.arrays import named_texts
from gateway.storage.finding import BRAND, CATEGORY, OPTION, TAG, ProductQuery, products_in
from gateway.storage.tables import categories, offers, product_tags, products

PRICE = "price"
MOST_VALUES = 50
MOST_GROUPS = 2_000
"""Values of all options that are looked at: beyond that they are no choice."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a facet. `label`: for people."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One way of narrowing products down."""

    key: str
    values: Sequence[Value]
    price_range: MoneyRange | None = None


Counts = Sequence[tuple[str, str, int]]
"""Values with their labels, and how many products have each; the most frequent first."""


def facets(conn: Connection, query: ProductQuery, keys: Sequence[str] | None) -> list[Facet]:
    """The facets of the products of a query that have these keys, or all that there are.

    A facet counts as if nothing of it was chosen yet, so that one sees what else could be.
    """
    wanted = [*(BRAND, CATEGORY, TAG), *([PRICE] if query.channel else [])] if keys is None else keys
    found = [_facet(conn, query, key) for key in wanted]
    if keys is None:
        found += _all_options(conn, query)
    return [facet for facet in found if facet.values or facet.price_range is not None]


def _facet(conn: Connection, query: ProductQuery, key: str) -> Facet:
    if key == PRICE:
        return Facet(PRICE, (), _price_range(conn, replace(query, price=None)))
    chosen, others = _without(query, key)
    counts = {BRAND: _brands, CATEGORY: _categories, TAG: _tags}.get(key)
    if counts is not None:
        return Facet(key, _values(counts(conn, others), chosen))
    name = key.removeprefix(OPTION)
    return Facet(key, _values([found[1:] for found in _options(conn, others, name)], chosen))


def _without(query: ProductQuery, key: str) -> tuple[Collection[str], ProductQuery]:
    """What is chosen of this facet, and the query as if nothing was."""
    chosen = [value for chosen_key, values in query.facets for value in values if chosen_key == key]
    return chosen, replace(query, facets=tuple(one for one in query.facets if one[0] != key))


def _values(counts: Iterable[tuple[str, str, int]], chosen: Collection[str]) -> list[Value]:
    """The most frequent ones, and whatever is chosen."""
    made = [Value(value, label, count, value in chosen) for value, label, count in counts]
    first = {one.value for one in made[:MOST_VALUES]} | {one.value for one in made if one.selected}
    kept = [one for one in made if one.value in first]
    return sorted(kept, key=lambda one: not one.selected)[:MOST_VALUES] if len(kept) > MOST_VALUES else kept


def _all_options(conn: Connection, query: ProductQuery) -> list[Facet]:
    """Every option of the products, the most frequent first; those of which something is chosen by themselves."""
    chosen = [key for key, _ in query.facets if key.startswith(OPTION)]
    by_name: dict[str, list[tuple[str, str, int]]] = {}
    for name, value, label, count in _options(conn, query, None):
        by_name.setdefault(name, []).append((value, label, count))
    free = [Facet(OPTION + name, _values(found, ())) for name, found in by_name.items() if OPTION + name not in chosen]
    return [*(_facet(conn, query, key) for key in chosen), *free]


# ------------------------------------------------------------------------------------------------ counts


def _counted(
    conn: Connection, statement: sa.Select[Any], value: sa.ColumnElement[Any], label: sa.ColumnElement[Any]
) -> Counts:
    number = sa.func.count()
    columns = statement.with_only_columns(value, label, number, maintain_column_froms=True)
    ordered = columns.group_by(value, label).order_by(number.desc(), value).limit(MOST_GROUPS)
    return [(row[0], row[1], row[2]) for row in conn.execute(ordered)]


def _brands(conn: Connection, query: ProductQuery) -> Counts:
    branded = products_in(query).where(products.c.brand.is_not(None))
    return _counted(conn, branded, products.c.brand, products.c.brand)


def _categories(conn: Connection, query: ProductQuery) -> Counts:
    filed = products_in(query).join(categories, categories.c.id == products.c.category_id)
    return _counted(conn, filed, categories.c.id, categories.c.title)


def _tags(conn: Connection, query: ProductQuery) -> Counts:
    tagged = products_in(query).join(product_tags, product_tags.c.product_id == products.c.id)
    return _counted(conn, tagged, product_tags.c.tag, product_tags.c.tag)


def _options(conn: Connection, query: ProductQuery, only: str | None) -> list[tuple[str, str, str, int]]:
    """Names and values of options, with how many products have them."""
    option, value, name = named_texts(products.c.options)
    number = sa.func.count()  # a product names each option once, and each of its values
    joined = products_in(query).join(option, sa.true()).join(value, sa.true())
    columns = joined.with_only_columns(name, value.c.value, number, maintain_column_froms=True)
    if only is not None:
        columns = columns.where(name == only)
    ordered = columns.group_by(name, value.c.value).order_by(number.desc(), name, value.c.value).limit(MOST_GROUPS)
    return [(row[0], row[1], row[1], row[2]) for row in conn.execute(ordered)]


def _price_range(conn: Connection, query: ProductQuery) -> MoneyRange | None:
    """From the least to the greatest price in the channel, if all are in one currency."""
    least, most = sa.func.min(offers.c.price_min), sa.func.max(offers.c.price_max)
    priced = products_in(query).where(offers.c.currency.is_not(None), offers.c.price_min.is_not(None))
    columns = priced.with_only_columns(offers.c.currency, least, most, maintain_column_froms=True)
    rows = conn.execute(columns.group_by(offers.c.currency)).all()
    if len(rows) != 1:
        return None
    currency, low, high = rows[0]
    return MoneyRange(Money(low, currency), Money(high, currency))
