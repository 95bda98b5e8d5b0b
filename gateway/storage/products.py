"""Products, variants and what is derived from them, as commerce writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import Keyed, adding, delete_in, deleting, insert_new, inserting, load, updating, upsert
from gateway.storage.tables import categories, offers, product_tags, products, redirects, variants, words


@dataclass(slots=True)
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
    words: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
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


class Offer(NamedTuple):
    """A row of `offers`: a product in one channel, from this price to that."""

    product_id: str
    channel: str
    price_min: int | None
    price_max: int | None
    currency: str | None


class Tag(NamedTuple):
    """A row of `product_tags`."""

    product_id: str
    tag: str


class Worded(Protocol):
    """A row that is found by its words, which have spaces between them."""

    @property
    def id(self) -> str: ...

    @property
    def words(self) -> str: ...


class Word(NamedTuple):
    """A row of `words`: one word by which something is found."""

    kind: str
    word: str
    subject_id: str


_product_columns = tuple(products.c[field.name] for field in fields(ProductRow))
_variant_columns = tuple(variants.c[field.name] for field in fields(VariantRow))
_products = Keyed(sa.select(*_product_columns), products.c.id)
_variants = Keyed(sa.select(*_variant_columns), variants.c.id)
_categories = Keyed(sa.select(categories.c.path, categories.c.id), categories.c.path)
_new_product, _set_product = (many(products, [f.name for f in fields(ProductRow)]) for many in (inserting, updating))
_new_variant, _set_variant = (many(variants, [f.name for f in fields(VariantRow)]) for many in (inserting, updating))
_offers = Keyed(sa.select(*(offers.c[name] for name in Offer._fields)), offers.c.product_id)
_new_offer, _old_offer = inserting(offers, Offer._fields), deleting(offers, ("product_id", "channel"))
_new_tag, _old_tag = inserting(product_tags, Tag._fields), deleting(product_tags, Tag._fields)
_new_word, _old_word = adding(words, Word._fields), deleting(words, Word._fields)


def products_by_id(conn: Connection, ids: Collection[str]) -> dict[str, ProductRow]:
    """Products, by id."""
    return {row.id: ProductRow(*row) for row in _products.all(conn, ids)}


def variants_by_id(conn: Connection, ids: Collection[str]) -> dict[str, VariantRow]:
    """Variants, by id."""
    return {row.id: VariantRow(*row) for row in _variants.all(conn, ids)}


def store_variants(conn: Connection, rows: Sequence[VariantRow], known: Collection[str]) -> None:
    """Insert these variants, or set those that are known."""
    _new_variant.run(conn, [row for row in rows if row.id not in known])
    _set_variant.run(conn, [row for row in rows if row.id in known])


def store_products(conn: Connection, rows: Sequence[ProductRow], known: Collection[str]) -> None:
    """Insert these products, or set those that are known."""
    _new_product.run(conn, [row for row in rows if row.id not in known])
    _set_product.run(conn, [row for row in rows if row.id in known])


def redirect(conn: Connection, replaced: Mapping[str, str]) -> None:
    """These products are now others; so are those that led to them."""
    upsert(conn, redirects, [{"old_id": old, "new_id": new} for old, new in replaced.items()], ["old_id"])
    for old, new in replaced.items():
        conn.execute(sa.update(redirects).where(redirects.c.new_id == old).values(new_id=new))


def drop_variants(conn: Connection, ids: Collection[str]) -> None:
    """These variants are others now; the listings that bear their ids tell which."""
    delete_in(conn, variants.c.id, ids)


def drop_products(conn: Connection, rows: Sequence[ProductRow]) -> None:
    """These products have no variant any more."""
    for column in (products.c.id, offers.c.product_id, product_tags.c.product_id):
        delete_in(conn, column, [row.id for row in rows])
    _old_word.run(conn, _words("product", rows))


def store_offers(conn: Connection, known: Collection[str], rows: Sequence[Offer]) -> None:
    """Offers of products, all that they have; the known ones may have had others."""
    before, after = {Offer(*row) for row in _offers.all(conn, known)}, set(rows)
    _old_offer.run(conn, before - after)
    _new_offer.run(conn, (row for row in rows if row not in before))


def store_tags(conn: Connection, rows: Sequence[ProductRow], known: Mapping[str, ProductRow]) -> None:
    """Find these by the tags that they have now, and no more by those that they had."""
    before, after = _tags(known[row.id] for row in rows if row.id in known), _tags(rows)
    _old_tag.run(conn, before - after)
    _new_tag.run(conn, sorted(after - before))


def _tags(rows: Iterable[ProductRow]) -> set[Tag]:
    return {Tag(row.id, tag) for row in rows for tag in load(row.tags)}


def store_words(conn: Connection, kind: str, rows: Sequence[Worded], known: Mapping[str, Worded]) -> None:
    """Find these by the words that they have now, and no more by those that they had."""
    before, after = _words(kind, (known[row.id] for row in rows if row.id in known)), _words(kind, rows)
    _old_word.run(conn, before - after)
    _new_word.run(conn, sorted(after - before))


def _words(kind: str, rows: Iterable[Worded]) -> set[Word]:
    return {Word(kind, word, row.id) for row in rows for word in row.words.split()}


def category_ids(conn: Connection, paths: Collection[str]) -> dict[str, str]:
    """Ids of categories by path."""
    return {row.path: row.id for row in _categories.all(conn, paths)}


def add_categories(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert categories."""
    insert_new(conn, categories, rows)
