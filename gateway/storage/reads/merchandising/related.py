"""Reads of products that are related to others: similar ones, and those that are bought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.tables import bought_together, product_attributes, products

MAX_CANDIDATES = 40
"""Products of the same category, and of the same category and brand, that are compared with each product."""


@dataclass(frozen=True, slots=True)
class SimilarProduct:
    """A product of the same category. `shared_attributes`: number of equal values of attributes."""

    id: str
    same_brand: bool
    shared_attributes: int


def find_bought_together(conn: Connection, ids: Sequence[str], channel: str) -> Mapping[str, Sequence[tuple[str, int]]]:
    """Find the products that are bought together with these, each with the number of orders, the most frequent first.

    Args:
        channel: whose orders count; empty: those of all channels.
    """
    found: dict[str, list[tuple[str, int]]] = {id_: [] for id_ in ids}
    for row in _together.select(conn, ids, channel=channel):
        found[row.product_id].append((row.other_id, row.orders))
    return {id_: sorted(others, key=lambda other: (-other[1], other[0])) for id_, others in found.items()}


_together = BulkSelect(
    sa.select(bought_together.c.product_id, bought_together.c.other_id, bought_together.c.orders).where(
        bought_together.c.channel == sa.bindparam("channel", type_=sa.Text())
    ),
    bought_together.c.product_id,
)


def find_similar(conn: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[SimilarProduct]]:
    """Find products of the same category, with what they share: so many that a large category takes no longer than a
    small one.
    """
    candidates = _find_candidates(conn, ids)
    values = _find_values(conn, {*candidates, *(id_ for pair in candidates.values() for part in pair for id_ in part)})
    return {
        id_: [
            SimilarProduct(
                other, other in same_brand, len(values.get(id_, frozenset()) & values.get(other, frozenset()))
            )
            for other in dict.fromkeys((*same_brand, *same_category))
        ]
        for id_, (same_brand, same_category) in candidates.items()
    }


def _find_candidates(conn: Connection, ids: Sequence[str]) -> Mapping[str, tuple[Sequence[str], Sequence[str]]]:
    """Find the ids of the products of the same category and brand, and of the same category."""
    select = _on_sqlite if is_sqlite(conn) else _on_postgres
    return {row.id: (_split(row.same_brand), _split(row.same_category)) for row in select.select(conn, ids)}


def _split(joined: str | None) -> Sequence[str]:
    """Split the ids, in an order that both databases have."""
    return sorted(joined.split(), reverse=True) if joined else ()


def _select_candidates(join: Any) -> BulkSelect:
    """Select products, each with the ids of its candidates in one text: a row for each would be sorted by the database,
    and a limit would be one of all of them together.
    """
    other = products.alias("other")
    same_category = sa.and_(other.c.category_id == products.c.category_id, other.c.id != products.c.id)
    is_shown = other.c.visible
    lists = []
    for name, condition in (("same_brand", other.c.brand == products.c.brand), ("same_category", sa.true())):
        chosen = sa.select(other.c.id).where(same_category, condition, is_shown).correlate(products)
        limited = chosen.order_by(other.c.id.desc()).limit(MAX_CANDIDATES).subquery(f"chosen_{name}")
        lists.append(sa.select(join(limited.c.id)).correlate(products).scalar_subquery().label(name))
    return BulkSelect(sa.select(products.c.id, *lists), products.c.id)


_on_sqlite = _select_candidates(lambda id_: sa.func.group_concat(id_, " "))
_on_postgres = _select_candidates(lambda id_: sa.func.string_agg(id_, sa.literal_column("' '")))

_values = BulkSelect(
    sa.select(product_attributes.c.product_id, product_attributes.c.key, product_attributes.c.value),
    product_attributes.c.product_id,
)


def _find_values(conn: Connection, ids: set[str]) -> Mapping[str, set[tuple[str, str]]]:
    """Find the values of the attributes by which products are filtered."""
    values: dict[str, set[tuple[str, str]]] = {id_: set() for id_ in ids}
    for row in _values.select(conn, ids):
        values[row.product_id].add((row.key, row.value))
    return values
