"""Writes of products, variants and the tables derived from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.ids import get_first_time, is_derived
from gateway.storage.sql.bulk import (
    BulkSelect,
    build_delete,
    build_insert,
    build_insert_new,
    build_update,
    delete_by_keys,
    insert_new_rows,
    load_json,
    slice_items,
    upsert_rows,
)
from gateway.storage.tables import (
    categories,
    category_channels,
    category_path_channels,
    former_handles,
    offers,
    product_attributes,
    product_tags,
    products,
    redirects,
    variants,
    words,
)
from gateway.storage.writes.search_index import remove_from_index


@dataclass(slots=True)
class ProductRow:
    """A row of `products`; JSON columns as text."""

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
    media: str | None
    media_channel: str | None
    texts_digest: str | None
    attributes: str | None
    handle_claim: str | None
    handle_channel: str | None
    handle_external_id: str | None
    rating: int | None
    rating_count: int | None
    search_index: str | None
    option_texts: str | None
    first_seen_at: datetime
    field_sources: str | None

    @property
    def age(self) -> tuple[datetime, str]:
        """The sort key by which products are older or younger (rule H1)."""
        return get_first_time(self.id, self.first_seen_at), self.id


@dataclass(slots=True)
class VariantRow:
    """A row of `variants`; JSON columns as text."""

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
    media: str | None
    media_channel: str | None
    attributes: str | None
    option_texts: str | None


class OfferRow(NamedTuple):
    """A row of `offers`: a product in one channel, with its price range and its largest reduction."""

    product_id: str
    channel: str
    price_min: int | None
    price_max: int | None
    currency: str | None
    discount: int


class CategoryRow(NamedTuple):
    """A row of `categories`. `used`: a product is or was in it, or below it."""

    id: str
    used: bool


class TagRow(NamedTuple):
    """A row of `product_tags`."""

    product_id: str
    tag: str


class HasWords(Protocol):
    """A row with search words, separated by spaces."""

    @property
    def id(self) -> str: ...

    @property
    def words(self) -> str: ...


class WordRow(NamedTuple):
    """A row of `words`: one search word of a subject."""

    kind: str
    word: str
    subject_id: str


_product_columns = tuple(products.c[field.name] for field in fields(ProductRow))
_variant_columns = tuple(variants.c[field.name] for field in fields(VariantRow))
_products = BulkSelect(sa.select(*_product_columns), products.c.id)
_variants = BulkSelect(sa.select(*_variant_columns), variants.c.id)
_by_handle, _by_claim = (
    BulkSelect(sa.select(*_product_columns), column) for column in (products.c.handle, products.c.handle_claim)
)
_categories = BulkSelect(sa.select(categories.c.path, categories.c.id, categories.c.used), categories.c.path)
_product_insert, _product_update = (
    build(products, [f.name for f in fields(ProductRow)]) for build in (build_insert, build_update)
)
_variant_insert, _variant_update = (
    build(variants, [f.name for f in fields(VariantRow)]) for build in (build_insert, build_update)
)
_offers = BulkSelect(sa.select(*(offers.c[name] for name in OfferRow._fields)), offers.c.product_id)
_offer_insert, _offer_delete = build_insert(offers, OfferRow._fields), build_delete(offers, ("product_id", "channel"))
_tag_insert, _tag_delete = build_insert(product_tags, TagRow._fields), build_delete(product_tags, TagRow._fields)
_word_insert, _word_delete = build_insert_new(words, WordRow._fields), build_delete(words, WordRow._fields)


def find_products(conn: Connection, ids: Collection[str]) -> dict[str, ProductRow]:
    """Find products, by id."""
    return {row.id: ProductRow(*row) for row in _products.select(conn, ids)}


def find_variants(conn: Connection, ids: Collection[str]) -> dict[str, VariantRow]:
    """Find variants, by id."""
    return {row.id: VariantRow(*row) for row in _variants.select(conn, ids)}


def store_variants(conn: Connection, rows: Sequence[VariantRow], known: Collection[str]) -> None:
    """Insert these variants, or update those that are known."""
    _variant_insert.run(conn, [row for row in rows if row.id not in known])
    _variant_update.run(conn, [row for row in rows if row.id in known])


def find_products_by_handle(conn: Connection, handles: Collection[str]) -> list[ProductRow]:
    """Find the products that have these handles now, or claim them."""
    rows = (ProductRow(*row) for select in (_by_handle, _by_claim) for row in select.select(conn, handles))
    return list({row.id: row for row in rows}.values())


def add_former_handles(conn: Connection, pairs: Sequence[tuple[str, str]], now: datetime) -> None:
    """Add handles that products had until now, as pairs of handle and product."""
    rows = [{"handle": handle, "product_id": id_, "replaced_at": now} for handle, id_ in pairs]
    upsert_rows(conn, former_handles, rows, ["handle", "product_id"])


def free_handles(conn: Connection, ids: Sequence[str]) -> None:
    """Free the handles of products before others get them: a handle is unique, and two products may exchange theirs."""
    for slice_ in slice_items(ids):
        freed = sa.literal("/") + products.c.id  # no handle has a slash
        conn.execute(sa.update(products).where(products.c.id.in_(slice_)).values(handle=freed))


def store_products(conn: Connection, rows: Sequence[ProductRow], known: Collection[str]) -> None:
    """Insert these products, or update those that are known."""
    _product_insert.run(conn, [row for row in rows if row.id not in known])
    _product_update.run(conn, [row for row in rows if row.id in known])


def redirect_products(conn: Connection, replaced: Mapping[str, str]) -> None:
    """Redirect merged products to their targets, including earlier redirects to them.

    A derived id has no row: it leads to its record, and so to the product that this belongs to now (rule H1).
    """
    rows = [{"old_id": old, "new_id": new} for old, new in replaced.items() if not is_derived(old)]
    upsert_rows(conn, redirects, rows, ["old_id"])
    for old, new in replaced.items():
        conn.execute(sa.update(redirects).where(redirects.c.new_id == old).values(new_id=new))


def delete_variants(conn: Connection, ids: Collection[str]) -> None:
    """Delete variants that were merged; the listings with their ids hold the new variant."""
    delete_by_keys(conn, variants.c.id, ids)


def delete_products(conn: Connection, rows: Sequence[ProductRow]) -> None:
    """Delete products without variants."""
    remove_from_index(conn, rows)
    for column in (products.c.id, *(table.c.product_id for table in (offers, product_tags, product_attributes))):
        delete_by_keys(conn, column, [row.id for row in rows])
    _word_delete.run(conn, _build_words("product", rows))


def store_offers(conn: Connection, known: Collection[str], rows: Sequence[OfferRow]) -> None:
    """Replace the offers of products; `known` are the products that may already have some."""
    before, after = {OfferRow(*row) for row in _offers.select(conn, known)}, set(rows)
    _offer_delete.run(conn, before - after)
    _offer_insert.run(conn, (row for row in rows if row not in before))


def store_tags(conn: Connection, rows: Sequence[ProductRow], known: Mapping[str, ProductRow]) -> None:
    """Replace the tags of products."""
    before, after = _build_tags(known[row.id] for row in rows if row.id in known), _build_tags(rows)
    _tag_delete.run(conn, before - after)
    _tag_insert.run(conn, sorted(after - before))


def _build_tags(rows: Iterable[ProductRow]) -> set[TagRow]:
    return {TagRow(row.id, tag) for row in rows for tag in load_json(row.tags)}


def store_words(conn: Connection, kind: str, rows: Sequence[HasWords], known: Mapping[str, HasWords]) -> None:
    """Replace the search words of subjects."""
    before, after = _build_words(kind, (known[row.id] for row in rows if row.id in known)), _build_words(kind, rows)
    _word_delete.run(conn, before - after)
    _word_insert.run(conn, sorted(after - before))


def _build_words(kind: str, rows: Iterable[HasWords]) -> set[WordRow]:
    return {WordRow(kind, word, row.id) for row in rows for word in row.words.split()}


def find_categories(conn: Connection, paths: Collection[str]) -> dict[str, CategoryRow]:
    """Find categories, by path."""
    return {row.path: CategoryRow(row.id, row.used) for row in _categories.select(conn, paths)}


def insert_categories(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert categories that do not exist yet."""
    insert_new_rows(conn, categories, rows)


def mark_categories_used(conn: Connection, ids: Collection[str]) -> None:
    """Mark categories that a product is in, or below."""
    for id_slice in slice_items(sorted(ids)):
        conn.execute(sa.update(categories).where(categories.c.id.in_(id_slice)).values(used=True))


def add_category_channels(conn: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Add the channels that sell in categories, as pairs of category and channel. Existing pairs stay."""
    insert_new_rows(conn, category_channels, [{"category_id": id_, "channel": channel} for id_, channel in pairs])


def add_category_path_channels(conn: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Add the channels whose products have the paths of categories. Existing pairs stay."""
    insert_new_rows(conn, category_path_channels, [{"category_id": id_, "channel": channel} for id_, channel in pairs])
