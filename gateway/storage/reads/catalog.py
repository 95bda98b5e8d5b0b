"""Reads of the catalog: products, variants, listings, categories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import (
    AttributeValues,
    Category,
    Listing,
    ListingStatus,
    MatchEvidence,
    Product,
    ProductField,
    ProductFieldSource,
    ProductStatus,
    Rating,
    Variant,
)
from gateway.model.ids import read_time
from gateway.model.money import Money
from gateway.model.product_membership import Member, find_main_product
from gateway.storage.reads.freshness import join_age, select_observed_at
from gateway.storage.sql.bulk import BulkSelect, load_json
from gateway.storage.sql.decoded_texts import decode_once
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.sql.media_json import load_image, load_images, load_media
from gateway.storage.sql.model_rows import ModelRows, Names, OptionalAttribute
from gateway.storage.sql.option_json import load_options, load_selected_options
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.sql.product_ids import find_ids_by_handle, resolve_products
from gateway.storage.tables import (
    categories,
    category_channels,
    category_path_channels,
    channel_products,
    convert_to_microseconds,
    listings,
    offers,
    products,
    pushes,
    redirects,
    variants,
)

T = TypeVar("T")

MAX_STATEMENTS = 512
"""Statements of objects with some attributes, by what a caller sees and which optional attributes are read."""

LIVE = sa.and_(listings.c.current, ~listings.c.gone)


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a caller sees of the catalog (rule X1).

    Attributes:
        everything: products that are not on sale, too.
        channels: keys of the channels that the caller is limited to; None: it sees all. They are configured.
        configured: keys of the channels that are configured; None: the database has data of no others (rule G1).
    """

    everything: bool
    channels: tuple[str, ...] | None = None
    configured: tuple[str, ...] | None = None

    @property
    def listed(self) -> tuple[str, ...] | None:
        """Keys of the channels whose listings are shown; None: all."""
        return self.configured if self.channels is None else self.channels


def is_product_visible(visibility: Visibility) -> sa.ColumnElement[bool]:
    """Build the condition for products visible to a caller: those that a channel lists which the caller sees."""
    conditions: list[sa.ColumnElement[bool]] = [products.c.visible]
    if not visibility.everything:
        conditions.append(products.c.status == ProductStatus.ACTIVE.value)
    if visibility.channels is not None:
        listed = sa.select(offers.c.product_id).where(
            offers.c.product_id == products.c.id, offers.c.channel.in_(visibility.channels)
        )
        conditions.append(listed.correlate(products).exists())
    elif visibility.configured is not None:
        conditions.append(_is_listed_in(visibility.configured, products, listings.alias("seen").c.product_id))
    return sa.and_(*conditions)


def _is_listed_in(channels: Sequence[str], owner: sa.Table, reference: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Build the condition that one of these channels has a live listing that refers to the row of `owner`."""
    seen = reference.table
    is_live = sa.and_(seen.c.current, ~seen.c.gone, skip_index(seen.c.channel).in_(channels))
    return sa.select(seen.c.id).where(reference == owner.c.id, is_live).correlate(owner).exists()


def is_variant_visible(visibility: Visibility) -> sa.ColumnElement[bool]:
    """Build the condition for variants visible to a caller: those of products on sale, listed in a visible channel."""
    conditions: list[sa.ColumnElement[bool]] = [variants.c.visible]
    if not visibility.everything:
        on_sale = sa.select(products.c.id).where(
            products.c.id == variants.c.product_id, products.c.visible, products.c.status == ProductStatus.ACTIVE.value
        )
        conditions.append(on_sale.correlate(variants).exists())
    if visibility.listed is not None:
        conditions.append(_is_listed_in(visibility.listed, variants, listings.alias("seen").c.variant_id))
    return sa.and_(*conditions)


def is_listing_visible(visibility: Visibility) -> sa.ColumnElement[bool]:
    """Build the condition for live listings in channels that the caller sees."""
    if visibility.listed is None:
        return LIVE
    return sa.and_(LIVE, skip_index(listings.c.channel).in_(visibility.listed))


# ------------------------------------------------------------------------------------------------ products


def find_products(
    conn: Connection, ids: Sequence[str], visibility: Visibility, names: Names = None
) -> Mapping[str, Product]:
    """Find the products with these ids; one that stands for another product by now resolves to that (rule H1)."""
    found = _find_present_products(conn, ids, visibility, names)
    current = resolve_products(conn, [id_ for id_ in ids if id_ not in found])
    if not current:
        return found
    targets = _find_present_products(conn, [*current.values()], visibility, names)
    return {**found, **{id_: targets[target] for id_, target in current.items() if target in targets}}


def _find_present_products(
    conn: Connection, ids: Sequence[str], visibility: Visibility, names: Names
) -> Mapping[str, Product]:
    rows = _select_present_products(visibility, names).select(conn, ids)
    return _map_by_requested_id(rows, PRODUCT_ROWS.get_reader(names))


@lru_cache(MAX_STATEMENTS)
def _select_present_products(visibility: Visibility, names: Names) -> BulkSelect:
    def build(is_merged: sa.ColumnElement[bool], is_present: sa.ColumnElement[bool]) -> sa.Select[Any]:
        merged = sa.select(redirects.c.old_id, redirects.c.new_id).where(is_merged)
        pairs = _pair_ids(products.c.id, is_present, merged)
        statement = sa.select(*PRODUCT_ROWS.list_columns(names), pairs.c.old)
        statement = statement.join(pairs, pairs.c.new == products.c.id)
        return statement.where(is_product_visible(visibility))

    return BulkSelect(build, redirects.c.old_id, products.c.id)


def _pair_ids(column: sa.ColumnElement[Any], is_present: sa.ColumnElement[bool], merged: sa.Select[Any]) -> sa.Subquery:
    """Select pairs of a requested id and the row that it stands for now: itself, or its merge target."""
    present = sa.select(column.label("old"), column.label("new")).where(is_present)
    return present.union(merged).subquery("requested")


def _map_by_requested_id(rows: Iterable[sa.Row[Any]], read: Callable[[sa.Row[Any]], T]) -> Mapping[str, T]:
    """Map each requested id to its row; a row that still has the id precedes a merge target."""
    return {row.old: read(row) for row in sorted(rows, key=lambda row: row.old == row.id)}


def find_product_by_handle(conn: Connection, handle: str, visibility: Visibility) -> Product | None:
    """Find the product with this handle, else the one that a channel calls so, or that had it last (rule H2)."""
    rows = _select_product_by_handle(visibility).fetch(conn, {"handle": handle})
    if rows:
        return read_product(rows[0])
    ids = find_ids_by_handle(conn, handle)
    found = find_products(conn, ids, visibility)
    return next((found[id_] for id_ in ids if id_ in found), None)


@lru_cache(64)
def _select_product_by_handle(visibility: Visibility) -> DriverSelect:
    has_handle = products.c.handle == sa.bindparam("handle", type_=products.c.handle.type)
    return DriverSelect(sa.select(products).where(is_product_visible(visibility), has_handle))


@decode_once
def _read_tags(text: str) -> tuple[str, ...]:
    return tuple(load_json(text))


@decode_once
def _read_attributes(text: str | None) -> AttributeValues:
    return tuple((key, tuple(values)) for key, values in (load_json(text) or {}).items())


@decode_once
def _read_field_sources(text: str | None) -> tuple[ProductFieldSource, ...]:
    return tuple(ProductFieldSource(ProductField(field), key, channel) for field, key, channel in load_json(text) or ())


PRODUCT_ROWS = ModelRows(
    Product,
    products,
    {
        "id": attrgetter("id"),
        "handle": attrgetter("handle"),
        "version": attrgetter("version"),
        "title": attrgetter("title"),
        "brand": attrgetter("brand"),
        "category_id": attrgetter("category_id"),
        "tags": lambda row: _read_tags(row.tags),
        "status": lambda row: ProductStatus(row.status),
        "images": lambda row: load_images(row.images, row.media_channel),
        "media": lambda row: load_media(row.media, row.media_channel),
        "created_at": attrgetter("created_at"),
        "updated_at": attrgetter("updated_at"),
        "field_sources": lambda row: _read_field_sources(row.field_sources),
        "rating": lambda row: None if row.rating is None else Rating(average=row.rating, count=row.rating_count),
    },
    {
        "description": OptionalAttribute(("description",), attrgetter("description")),
        "options": OptionalAttribute(
            ("options", "option_texts"), lambda row: load_options(row.options, row.option_texts, row.id)
        ),
        "attributes": OptionalAttribute(("attributes",), lambda row: _read_attributes(row.attributes)),
    },
)
read_product = PRODUCT_ROWS.get_reader()


# ------------------------------------------------------------------------------------------------ variants


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantQuery:
    """Filters of variants. `skus`: normalized by `validation.normalize_sku`; `gtins`: 14 digits."""

    visibility: Visibility
    channel: str | None = None
    skus: tuple[str, ...] | None = None
    gtins: tuple[str, ...] | None = None
    updated_since: datetime | None = None


def search_variants(query: VariantQuery) -> Rows[Variant]:
    """Search the variants of a query, last changed first."""
    statement = sa.select(variants).where(is_variant_visible(query.visibility))
    listed: list[sa.ColumnElement[bool]] = []
    if query.channel is not None:
        listed.append(skip_index(listings.c.channel) == query.channel)
    if query.skus is not None:
        listed.append(listings.c.sku_key.in_(query.skus))
    if query.gtins is not None:
        statement = statement.where(_has_listing_with(query.visibility, listings.c.gtin.in_(query.gtins)))
    if listed:
        find = _is_listed_with if query.skus is None else _has_listing_with
        statement = statement.where(find(query.visibility, *listed))
    if query.updated_since is not None:
        statement = statement.where(variants.c.updated_at >= query.updated_since)
    return Rows(statement, Sort(variants.c.updated_at, variants.c.id, descending=True), read_variant)


def _has_listing_with(visibility: Visibility, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return variants.c.id.in_(sa.select(listings.c.variant_id).where(is_listing_visible(visibility), *conditions))


def _is_listed_with(visibility: Visibility, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Build the condition as `_has_listing_with` does, checked for each variant: most variants match it."""
    listed = sa.select(listings.c.id).where(
        listings.c.variant_id == variants.c.id, is_listing_visible(visibility), *conditions
    )
    return listed.correlate(variants).exists()


@lru_cache(MAX_STATEMENTS)  # building a statement takes longer than running it
def list_variants_of_products(visibility: Visibility, names: Names = None) -> Rows[Variant]:
    """List the variants of each of many products, in the order of the channel that groups them."""
    statement = sa.select(*VARIANT_ROWS.list_columns(names)).where(is_variant_visible(visibility))
    order, read = Sort(variants.c.position, variants.c.id), VARIANT_ROWS.get_reader(names)
    return Rows(statement, order, read, parent=variants.c.product_id)


def find_variants_of_products(
    conn: Connection, ids: Sequence[str], visibility: Visibility
) -> Mapping[str, Sequence[Variant]]:
    """Find all variants of each of these products, in order."""
    variants_by_product: dict[str, list[Variant]] = {key: [] for key in ids}
    for row in _select_variants_of_products(visibility).select(conn, ids):
        variants_by_product[row.product_id].append(read_variant(row))
    return variants_by_product


@lru_cache(64)
def _select_variants_of_products(visibility: Visibility) -> BulkSelect:
    statement = sa.select(variants).where(is_variant_visible(visibility))
    return BulkSelect(statement.order_by(variants.c.position, variants.c.id), variants.c.product_id)


def find_variants(
    conn: Connection, ids: Sequence[str], visibility: Visibility, names: Names = None
) -> Mapping[str, Variant]:
    """Find the variants with these ids; a merged id resolves to its target."""
    rows = _select_present_variants(visibility, names).select(conn, ids)
    return _map_by_requested_id(rows, VARIANT_ROWS.get_reader(names))


def find_sold_variants(conn: Connection, ids: Sequence[str]) -> Mapping[str, Variant]:
    """Find variants as `find_variants` does, including those that are gone, for what was sold."""
    return _map_by_requested_id(_select_present_variants(None).select(conn, ids), read_variant)


@lru_cache(MAX_STATEMENTS)
def _select_present_variants(visibility: Visibility | None, names: Names = None) -> BulkSelect:
    """Build the statement of variants. `visibility`: None: of all, including those that are gone."""

    def build(is_merged: sa.ColumnElement[bool], is_present: sa.ColumnElement[bool]) -> sa.Select[Any]:
        merged = sa.select(listings.c.id, listings.c.variant_id).where(is_merged)
        pairs = _pair_ids(variants.c.id, is_present, merged)
        statement = sa.select(*VARIANT_ROWS.list_columns(names), pairs.c.old)
        statement = statement.join(pairs, pairs.c.new == variants.c.id)
        return statement if visibility is None else statement.where(is_variant_visible(visibility))

    return BulkSelect(build, listings.c.id, variants.c.id)


VARIANT_ROWS = ModelRows(
    Variant,
    variants,
    {
        "id": attrgetter("id"),
        "product_id": attrgetter("product_id"),
        "version": attrgetter("version"),
        "sku": attrgetter("sku"),
        "gtin": attrgetter("gtin"),
        "title": attrgetter("title"),
        "unit_of_measure": attrgetter("unit_of_measure"),
    },
    {
        "image": OptionalAttribute(("image",), lambda row: load_image(row.image, row.media_channel)),
        "media": OptionalAttribute(("media",), lambda row: load_media(row.media, row.media_channel)),
        "selected_options": OptionalAttribute(
            ("options", "option_texts"), lambda row: load_selected_options(row.options, row.option_texts)
        ),
        "attributes": OptionalAttribute(("attributes",), lambda row: _read_attributes(row.attributes)),
        "updated_at": OptionalAttribute(("updated_at",), attrgetter("updated_at")),
    },
)
read_variant = VARIANT_ROWS.get_reader()


# ------------------------------------------------------------------------------------------------ listings


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingQuery:
    """Filters of listings. `unmatched`: only those without (True) or with (False) a match."""

    visibility: Visibility
    channel: str | None = None
    statuses: tuple[str, ...] | None = None
    unmatched: bool | None = None
    updated_since: datetime | None = None
    push_states: tuple[str, ...] | None = None


def search_listings(query: ListingQuery) -> Rows[Listing]:
    """Search the live listings of a query, latest first."""
    statement = join_age(sa.select(listings, select_observed_at()), listings.c.channel_product_id).where(
        is_listing_visible(query.visibility), _is_of_visible_variant(query.visibility)
    )
    if query.channel is not None:
        statement = statement.where(skip_index(listings.c.channel) == query.channel)
    if query.statuses is not None:
        statement = statement.where(listings.c.status.in_(query.statuses))
    if query.unmatched is not None:
        is_unmatched = listings.c.matched_by.is_(None)
        statement = statement.where(is_unmatched if query.unmatched else ~is_unmatched)
    if query.updated_since is not None:
        statement = statement.where(listings.c.updated_at >= query.updated_since)
    if query.push_states is not None:
        pushed = sa.select(pushes.c.listing_id).where(pushes.c.state.in_(query.push_states))
        statement = statement.where(listings.c.id.in_(pushed))
    return Rows(statement, _sort_by_age(), read_listing)


def _sort_by_age() -> Sort:
    """Sort by age. Cursors of earlier versions have the id in place of the time, which it began with."""
    return Sort(listings.c.first_seen_at, listings.c.id, descending=True, read_former=_read_microseconds)


def _read_microseconds(id_: str) -> int:
    return convert_to_microseconds(read_time(id_)) or 0


def find_listings_of_variants(
    conn: Connection, ids: Sequence[str], visibility: Visibility
) -> Mapping[str, Sequence[Listing]]:
    """Find the live listings of these variants."""
    listings_by_variant: dict[str, list[Listing]] = {key: [] for key in ids}
    for row in _select_listings("variant_id", visibility).select(conn, ids):
        listings_by_variant[row.variant_id].append(read_listing(row))
    return listings_by_variant


def find_listings_of_products(
    conn: Connection, ids: Sequence[str], visibility: Visibility
) -> Mapping[str, Sequence[Listing]]:
    """Find the live listings of these products."""
    listings_by_product: dict[str, list[Listing]] = {key: [] for key in ids}
    for row in _select_listings("product_id", visibility).select(conn, ids):
        listings_by_product[row.product_id].append(read_listing(row))
    return listings_by_product


@lru_cache(64)
def _select_listings(key: str, visibility: Visibility) -> BulkSelect:
    """Build the statement of live listings. `key`: the column of their keys."""
    return BulkSelect(_build_listing_select(visibility), listings.c[key])


def _build_listing_select(visibility: Visibility) -> sa.Select[Any]:
    statement = join_age(sa.select(listings, select_observed_at()), listings.c.channel_product_id)
    visible = statement.where(is_listing_visible(visibility))
    return visible.order_by(listings.c.channel, listings.c.position, listings.c.id)


def find_listings(conn: Connection, ids: Sequence[str], visibility: Visibility) -> Mapping[str, Listing]:
    """Find the live listings with these ids, of visible variants. One that was removed and came back resolves to its
    present id (rule H1).
    """
    found = _find_live_listings(conn, ids, visibility)
    current = _find_successors(conn, [id_ for id_ in ids if id_ not in found])
    if not current:
        return found
    successors = _find_live_listings(conn, [*current.values()], visibility)
    return {**found, **{id_: successors[new] for id_, new in current.items() if new in successors}}


def _find_live_listings(conn: Connection, ids: Sequence[str], visibility: Visibility) -> Mapping[str, Listing]:
    return {row.id: read_listing(row) for row in _select_listings_by_id(visibility).select(conn, ids)}


@lru_cache(64)
def _select_listings_by_id(visibility: Visibility) -> BulkSelect:
    of_visible = _is_of_visible_variant(visibility)
    return BulkSelect(_build_listing_select(visibility).where(of_visible), listings.c.id)


def _find_successors(conn: Connection, ids: Sequence[str]) -> Mapping[str, str]:
    """Find the listings under which channels list the same variants again, by the ids that those had before."""
    if not ids:
        return {}
    new = listings.alias("new")
    same = sa.and_(new.c.channel == listings.c.channel, new.c.external_id == listings.c.external_id, new.c.current)
    pairs = sa.select(listings.c.id, new.c.id).join(new, sa.and_(same, new.c.variant_id == listings.c.variant_id))
    former = sa.and_(~listings.c.current, is_among(conn, listings.c.id, ids))
    return {row[0]: row[1] for row in conn.execute(pairs.where(former))}


def _is_of_visible_variant(visibility: Visibility) -> sa.ColumnElement[bool]:
    visible = sa.select(variants.c.id).where(variants.c.id == listings.c.variant_id, is_variant_visible(visibility))
    return visible.correlate(listings).exists()


def read_listing(row: sa.Row[Any]) -> Listing:
    """Read a row of `listings` with its age."""
    return Listing(
        id=row.id,
        channel_key=row.channel,
        external_id=row.external_id,
        generation=row.generation,
        variant_id=row.variant_id,
        product_id=row.product_id,
        title=row.title,
        sku=row.sku,
        gtin=row.gtin,
        status=ListingStatus(row.status),
        url=row.url,
        price=read_money(row.price, row.currency),
        compare_at_price=read_money(row.compare_at_price, row.currency),
        price_includes_tax=row.price_includes_tax,
        units_per_listing=row.units_per_listing,
        tracked=row.tracked,
        inventory_item=row.inventory_item,
        matched_by=MatchEvidence(row.matched_by) if row.matched_by else None,
        observed_at=row.observed_at,
    )


def read_money(minor: int | None, currency: str | None) -> Money | None:
    """Read an amount from its two columns."""
    return None if minor is None or currency is None else Money(minor, currency)


# ------------------------------------------------------------------------------------------------ categories


def _is_category_listed(visibility: Visibility) -> sa.ColumnElement[bool]:
    """Build the condition for categories in which a visible channel sells, or has sold."""
    sold_in = _is_category_of(category_channels, visibility)
    return sa.or_(categories.c.used, sold_in) if visibility.listed is None else sold_in


def _is_category_known(visibility: Visibility) -> sa.ColumnElement[bool]:
    """Build the condition for categories that have an answer: also those that are only in the path that a visible
    channel has for a product (rule H1).
    """
    if visibility.everything and visibility.listed is None:
        return sa.true()
    return sa.or_(_is_category_listed(visibility), _is_category_of(category_path_channels, visibility))


def _is_category_of(table: sa.Table, visibility: Visibility) -> sa.ColumnElement[bool]:
    seen = sa.true() if visibility.listed is None else table.c.channel.in_(visibility.listed)
    return categories.c.id.in_(sa.select(table.c.category_id).where(seen))


@lru_cache(64)
def list_subcategories(parent: str | None, visibility: Visibility) -> Rows[Category]:
    """List the direct subcategories of a category, or the root categories."""
    below = categories.c.parent_id.is_(None) if parent is None else categories.c.parent_id == parent
    statement = sa.select(categories).where(below, _is_category_listed(visibility))
    return Rows(statement, _sort_by_title(), read_category)


@lru_cache(64)
def list_children_of_categories(visibility: Visibility) -> Rows[Category]:
    """List the direct subcategories of each of many categories."""
    statement = sa.select(categories).where(_is_category_listed(visibility))
    return Rows(statement, _sort_by_title(), read_category, parent=categories.c.parent_id)


def _sort_by_title() -> Sort:
    return Sort(categories.c.sort_title, categories.c.id)


def find_categories(conn: Connection, ids: Sequence[str], visibility: Visibility) -> Mapping[str, Category]:
    """Find the categories with these ids."""
    statement = sa.select(categories).where(is_among(conn, categories.c.id, ids), _is_category_known(visibility))
    return {row.id: read_category(row) for row in conn.execute(statement)}


def find_categories_by_title(conn: Connection, part: str, visibility: Visibility, limit: int) -> Sequence[Category]:
    """Find categories with this text anywhere in their folded title."""
    has_part = categories.c.sort_title.contains(part, autoescape=True)
    statement = sa.select(categories).where(has_part, _is_category_listed(visibility))
    ordered = statement.order_by(categories.c.sort_title, categories.c.id).limit(limit)
    return [read_category(row) for row in conn.execute(ordered)]


def find_category_by_handle(conn: Connection, handle: str, visibility: Visibility) -> Category | None:
    """Find the category with this handle."""
    row = conn.execute(
        sa.select(categories).where(categories.c.handle == handle, _is_category_known(visibility))
    ).first()
    return None if row is None else read_category(row)


def find_ancestors(conn: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[Category]]:
    """Find the ancestors of each category, from the root down."""
    start = sa.select(
        categories.c.id.label("below"), categories.c.parent_id.label("above"), sa.literal(1).label("steps")
    )
    path = start.where(is_among(conn, categories.c.id, ids)).cte("path", recursive=True)
    step = sa.select(path.c.below, categories.c.parent_id, path.c.steps + 1)
    path = path.union_all(step.join(categories, categories.c.id == path.c.above).where(path.c.steps < 50))
    above = sa.select(categories, path.c.below).join(path, path.c.above == categories.c.id)
    ancestors: dict[str, list[Category]] = {key: [] for key in ids}
    for row in conn.execute(above.order_by(path.c.steps.desc())):
        ancestors[row.below].append(read_category(row))
    return ancestors


def read_category(row: sa.Row[Any]) -> Category:
    """Read a row of `categories`."""
    return Category(id=row.id, handle=row.handle, title=row.title, parent_id=row.parent_id, path=row.path)


# ------------------------------------------------------------------------------------------------ references


_referenced = BulkSelect(
    sa.select(
        channel_products.c.channel,
        channel_products.c.external_id.label("reference"),
        *(listings.c[name] for name in ("product_id", "variant_id", "position", "external_id")),
    )
    .join(listings, listings.c.channel_product_id == channel_products.c.id)
    .where(LIVE, channel_products.c.channel.in_(sa.bindparam("channels", expanding=True))),
    channel_products.c.external_id,
)


def find_referenced_products(
    conn: Connection, references: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], str]:
    """Find the row IDs of products by channel and ID there: those for which the channel's products stand (rule H1)."""
    channels, members = sorted({channel for channel, _ in references}), defaultdict[tuple[str, str], list[Member]](list)
    for row in _referenced.select(conn, {id_ for _, id_ in references}, channels=channels):
        member = Member(row.product_id, row.variant_id, row.position, row.external_id)
        members[row.channel, row.reference].append(member)
    return {reference: find_main_product(found) for reference, found in members.items()}


_referenced_variants = BulkSelect(
    sa.select(listings.c.channel, listings.c.external_id, listings.c.variant_id).where(
        LIVE, listings.c.channel.in_(sa.bindparam("channels", expanding=True))
    ),
    listings.c.external_id,
)


def find_referenced_variants(
    conn: Connection, references: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], str]:
    """Find the row IDs of variants by channel and ID there."""
    channels = sorted({channel for channel, _ in references})
    rows = _referenced_variants.select(conn, {id_ for _, id_ in references}, channels=channels)
    return {(row.channel, row.external_id): row.variant_id for row in rows}
