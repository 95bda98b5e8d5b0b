"""Products, variants and what is derived from them, as commerce writes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import Keyed, as_row, delete_in, insert_new, set_rows, updating, upsert
from gateway.storage.tables import categories, offers, product_tags, products, redirects, variants, words


@dataclass(slots=True, kw_only=True)
class ProductRow:
    """A row of `products`: JSON columns as text."""

    id: str
    handle: str
    version: int
    title: str
    description: str
    brand: str | None
    category_id: str | None
    tags: str
    status: str
    images: str
    options: str
    visible: bool
    sort_title: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class VariantRow:
    """A row of `variants`: JSON columns as text."""

    id: str
    product_id: str
    version: int
    position: int
    sku: str | None
    gtin: str | None
    title: str
    image: str | None
    options: str
    unit_of_measure: str
    visible: bool
    updated_at: datetime


_product_columns = tuple(products.c[field.name] for field in fields(ProductRow))
_variant_columns = tuple(variants.c[field.name] for field in fields(VariantRow))
_products = Keyed(sa.select(*_product_columns), products.c.id)
_variants = Keyed(sa.select(*_variant_columns), variants.c.id)
_categories = Keyed(sa.select(categories.c.path, categories.c.id), categories.c.path)
_set_product = updating(products, [field.name for field in fields(ProductRow)])
_set_variant = updating(variants, [field.name for field in fields(VariantRow)])


def products_by_id(conn: Connection, ids: Collection[str]) -> dict[str, ProductRow]:
    """Products, by id."""
    return {row.id: ProductRow(**row._mapping) for row in _products.all(conn, ids)}


def variants_by_id(conn: Connection, ids: Collection[str]) -> dict[str, VariantRow]:
    """Variants, by id."""
    return {row.id: VariantRow(**row._mapping) for row in _variants.all(conn, ids)}


def store_variants(conn: Connection, rows: Sequence[VariantRow], known: Collection[str]) -> None:
    """Insert these variants, or set those that are known."""
    new = [as_row(row) for row in rows if row.id not in known]
    if new:
        conn.execute(sa.insert(variants), new)
    set_rows(conn, _set_variant, [as_row(row) for row in rows if row.id in known])


def store_products(conn: Connection, rows: Sequence[ProductRow], known: Collection[str]) -> None:
    """Insert these products, or set those that are known."""
    new = [as_row(row) for row in rows if row.id not in known]
    if new:
        conn.execute(sa.insert(products), new)
    set_rows(conn, _set_product, [as_row(row) for row in rows if row.id in known])


def redirect(conn: Connection, replaced: Mapping[str, str]) -> None:
    """These products are now others; so are those that led to them."""
    upsert(conn, redirects, [{"old_id": old, "new_id": new} for old, new in replaced.items()], ["old_id"])
    for old, new in replaced.items():
        conn.execute(sa.update(redirects).where(redirects.c.new_id == old).values(new_id=new))


def drop_variants(conn: Connection, ids: Collection[str]) -> None:
    """These variants are others now; `listings.founding_id` tells which."""
    delete_in(conn, variants, variants.c.id, ids)


def drop_products(conn: Connection, ids: Collection[str]) -> None:
    """These products have no variant any more."""
    for table, column in (
        (products, products.c.id),
        (offers, offers.c.product_id),
        (product_tags, product_tags.c.product_id),
        (words, words.c.subject_id),
    ):
        delete_in(conn, table, column, ids)


def store_offers(conn: Connection, known: Collection[str], rows: Sequence[dict[str, Any]]) -> None:
    """Offers of products, all that they have; the known ones may have had others."""
    delete_in(conn, offers, offers.c.product_id, known)
    if rows:
        conn.execute(sa.insert(offers), rows)


def store_tags(conn: Connection, known: Collection[str], rows: Sequence[dict[str, Any]]) -> None:
    """Tags of products, all that they have; the known ones may have had others."""
    delete_in(conn, product_tags, product_tags.c.product_id, known)
    insert_new(conn, product_tags, rows)


def store_words(conn: Connection, kind: str, found: Mapping[str, Collection[str]], known: Collection[str]) -> None:
    """These are all the words by which these subjects are found; the known ones may have had others."""
    delete_in(conn, words, words.c.subject_id, known)
    rows = [
        {"kind": kind, "word": word, "subject_id": id_} for id_, some in found.items() for word in sorted(set(some))
    ]
    insert_new(conn, words, sorted(rows, key=lambda row: (row["word"], row["subject_id"])))


def category_ids(conn: Connection, paths: Collection[str]) -> dict[str, str]:
    """Ids of categories by path."""
    return {row.path: row.id for row in _categories.all(conn, paths)}


def add_categories(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert categories."""
    insert_new(conn, categories, rows)
