"""Reading the catalogue: products, variants, listings, categories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import (
    Category,
    Image,
    Listing,
    ListingStatus,
    MatchEvidence,
    OptionValue,
    Product,
    ProductOption,
    ProductStatus,
    SelectedOption,
    Variant,
)
from gateway.model.money import Money
from gateway.storage.ages import observed_at, with_age
from gateway.storage.paging import Rows, Sort, among
from gateway.storage.rows import load
from gateway.storage.tables import categories, listings, products, pushes, redirects, variants

T = TypeVar("T")
LIVE = sa.and_(listings.c.current, ~listings.c.gone)


def visible_products(everything: bool) -> sa.ColumnElement[bool]:
    """The products that exist for a caller: all, or only those on sale."""
    on_sale = products.c.status == ProductStatus.ACTIVE.value
    return products.c.visible if everything else sa.and_(products.c.visible, on_sale)


def visible_variants(everything: bool) -> sa.ColumnElement[bool]:
    """The variants that exist for a caller: those of products that do."""
    if everything:
        return variants.c.visible
    return sa.and_(
        variants.c.visible, variants.c.product_id.in_(sa.select(products.c.id).where(visible_products(False)))
    )


# ------------------------------------------------------------------------------------------------ products


def products_by_id(conn: Connection, ids: Sequence[str], everything: bool) -> Mapping[str, Product]:
    """The products with these ids, or that these have been merged into."""
    moved = sa.select(redirects.c.old_id, redirects.c.new_id).where(among(conn, redirects.c.old_id, ids))
    asked = _asked(conn, products.c.id, ids, moved)
    statement = sa.select(products, asked.c.old).join(asked, asked.c.new == products.c.id)
    return _by_asked(conn.execute(statement.where(visible_products(everything))), product)


def _asked(conn: Connection, column: sa.ColumnElement[Any], ids: Sequence[str], moved: sa.Select[Any]) -> sa.Subquery:
    """Pairs of an id that was asked for and the row that stands for it now: itself, or what it was merged into."""
    itself = sa.select(column.label("old"), column.label("new")).where(among(conn, column, ids))
    return itself.union(moved).subquery("asked")


def _by_asked(rows: Iterable[sa.Row[Any]], read: Callable[[sa.Row[Any]], T]) -> Mapping[str, T]:
    """What each id stands for; a row that still has the id goes before one that it was merged into."""
    return {row.old: read(row) for row in sorted(rows, key=lambda row: row.old == row.id)}


def product_by_handle(conn: Connection, handle: str, everything: bool) -> Product | None:
    """The product with this handle."""
    row = conn.execute(sa.select(products).where(products.c.handle == handle, visible_products(everything))).first()
    return None if row is None else product(row)


def product(row: sa.Row[Any]) -> Product:
    """A row of `products`."""
    return Product(
        id=row.id,
        handle=row.handle,
        version=row.version,
        title=row.title,
        description=row.description,
        brand=row.brand,
        category_id=row.category_id,
        tags=tuple(load(row.tags)),
        status=ProductStatus(row.status),
        images=tuple(Image(**made) for made in load(row.images)),
        options=tuple(_option(row.id, name, values) for name, values in load(row.options)),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _option(product_id: str, name: str, values: Sequence[str]) -> ProductOption:
    made = (OptionValue(product_id=product_id, option=name, name=value) for value in values)
    return ProductOption(name=name, values=tuple(made))


# ------------------------------------------------------------------------------------------------ variants


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantQuery:
    """Which variants. `skus`: as `values.sku_key` makes them; `gtins`: 14 digits."""

    everything: bool
    channel: str | None = None
    skus: tuple[str, ...] | None = None
    gtins: tuple[str, ...] | None = None
    updated_since: datetime | None = None


def variants_matching(query: VariantQuery) -> Rows[Variant]:
    """The variants of a query, the ones that changed last first."""
    statement = sa.select(variants).where(visible_variants(query.everything))
    listed: list[sa.ColumnElement[bool]] = []
    if query.channel is not None:
        listed.append(listings.c.channel == query.channel)
    if query.skus is not None:
        listed.append(listings.c.sku_key.in_(query.skus))
    if query.gtins is not None:
        statement = statement.where(_has_listing(listings.c.gtin.in_(query.gtins)))
    if listed:
        statement = statement.where(_has_listing(*listed))
    if query.updated_since is not None:
        statement = statement.where(variants.c.updated_at >= query.updated_since)
    return Rows(statement, Sort(variants.c.updated_at, variants.c.id, descending=True), variant)


def _has_listing(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return variants.c.id.in_(sa.select(listings.c.variant_id).where(LIVE, *conditions))


def variants_of_products(everything: bool) -> Rows[Variant]:
    """The variants of each of many products, in the order of the channel that groups them."""
    statement = sa.select(variants).where(visible_variants(everything))
    return Rows(statement, Sort(variants.c.position, variants.c.id), variant, parent=variants.c.product_id)


def all_variants_of_products(conn: Connection, ids: Sequence[str], everything: bool) -> Mapping[str, Sequence[Variant]]:
    """Every variant of each of these products, in order."""
    wanted = sa.select(variants).where(visible_variants(everything), among(conn, variants.c.product_id, ids))
    found: dict[str, list[Variant]] = {key: [] for key in ids}
    for row in conn.execute(wanted.order_by(variants.c.position, variants.c.id)):
        found[row.product_id].append(variant(row))
    return found


def variants_by_id(conn: Connection, ids: Sequence[str], everything: bool) -> Mapping[str, Variant]:
    """The variants with these ids, or that these belong to now."""
    return _variants(conn, ids, visible_variants(everything))


def sold_variants(conn: Connection, ids: Sequence[str]) -> Mapping[str, Variant]:
    """As `variants_by_id`, gone ones too: what was sold stays what it was."""
    return _variants(conn, ids, sa.true())


def _variants(conn: Connection, ids: Sequence[str], visible: sa.ColumnElement[bool]) -> Mapping[str, Variant]:
    brought = sa.select(listings.c.id, listings.c.variant_id).where(among(conn, listings.c.id, ids))
    asked = _asked(conn, variants.c.id, ids, brought)
    statement = sa.select(variants, asked.c.old).join(asked, asked.c.new == variants.c.id).where(visible)
    return _by_asked(conn.execute(statement), variant)


def variant(row: sa.Row[Any]) -> Variant:
    """A row of `variants`."""
    return Variant(
        id=row.id,
        product_id=row.product_id,
        version=row.version,
        sku=row.sku,
        gtin=row.gtin,
        title=row.title,
        image=Image(**load(row.image)) if row.image else None,
        selected_options=tuple(SelectedOption(name, value) for name, value in load(row.options)),
        unit_of_measure=row.unit_of_measure,
        updated_at=row.updated_at,
    )


# ------------------------------------------------------------------------------------------------ listings


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingQuery:
    """Which listings. `unmatched`: those that nothing connects with others, or (False) the others."""

    everything: bool
    channel: str | None = None
    statuses: tuple[str, ...] | None = None
    unmatched: bool | None = None
    updated_since: datetime | None = None
    push_states: tuple[str, ...] | None = None


def listings_matching(query: ListingQuery) -> Rows[Listing]:
    """The live listings of a query, the latest known first."""
    of_visible = listings.c.variant_id.in_(sa.select(variants.c.id).where(visible_variants(query.everything)))
    statement = with_age(sa.select(listings, observed_at()), listings.c.channel_product_id).where(LIVE, of_visible)
    if query.channel is not None:
        statement = statement.where(listings.c.channel == query.channel)
    if query.statuses is not None:
        statement = statement.where(listings.c.status.in_(query.statuses))
    if query.unmatched is not None:
        alone = listings.c.matched_by.is_(None)
        statement = statement.where(alone if query.unmatched else ~alone)
    if query.updated_since is not None:
        statement = statement.where(listings.c.updated_at >= query.updated_since)
    if query.push_states is not None:
        pushed = sa.select(pushes.c.listing_id).where(pushes.c.state.in_(query.push_states))
        statement = statement.where(listings.c.id.in_(pushed))
    return Rows(statement, Sort(listings.c.id, listings.c.id, descending=True), listing)


def listings_of_variants(conn: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[Listing]]:
    """The live listings of these variants."""
    found: dict[str, list[Listing]] = {key: [] for key in ids}
    for made in _listings(conn, LIVE, among(conn, listings.c.variant_id, ids)):
        found[made.variant_id].append(made)
    return found


def listings_of_products(conn: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[Listing]]:
    """The live listings of these products."""
    found: dict[str, list[Listing]] = {key: [] for key in ids}
    for made in _listings(conn, LIVE, among(conn, listings.c.product_id, ids)):
        found[made.product_id].append(made)
    return found


def listings_by_id(conn: Connection, ids: Sequence[str], everything: bool) -> Mapping[str, Listing]:
    """The live listings with these ids, of variants that exist for the caller."""
    of_visible = listings.c.variant_id.in_(sa.select(variants.c.id).where(visible_variants(everything)))
    return {made.id: made for made in _listings(conn, LIVE, of_visible, among(conn, listings.c.id, ids))}


def _listings(conn: Connection, *conditions: sa.ColumnElement[bool]) -> Iterable[Listing]:
    statement = with_age(sa.select(listings, observed_at()), listings.c.channel_product_id).where(*conditions)
    ordered = statement.order_by(listings.c.channel, listings.c.position, listings.c.id)
    return [listing(row) for row in conn.execute(ordered)]


def listing(row: sa.Row[Any]) -> Listing:
    """A row of `listings` with its age."""
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
        price=money(row.price, row.currency),
        compare_at_price=money(row.compare_at_price, row.currency),
        price_includes_tax=row.price_includes_tax,
        units_per_listing=row.units_per_listing,
        tracked=row.tracked,
        inventory_item=row.inventory_item,
        matched_by=MatchEvidence(row.matched_by) if row.matched_by else None,
        observed_at=row.observed_at,
    )


def money(minor: int | None, currency: str | None) -> Money | None:
    """An amount of two columns."""
    return None if minor is None or currency is None else Money(minor, currency)


# ------------------------------------------------------------------------------------------------ categories


def categories_below(parent: str | None) -> Rows[Category]:
    """The categories right below this one; without one, the roots."""
    below = categories.c.parent_id.is_(None) if parent is None else categories.c.parent_id == parent
    return Rows(sa.select(categories).where(below), _by_title(), category)


def children_of_categories() -> Rows[Category]:
    """The categories right below each of many."""
    return Rows(sa.select(categories), _by_title(), category, parent=categories.c.parent_id)


def _by_title() -> Sort:
    return Sort(categories.c.sort_title, categories.c.id)


def categories_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, Category]:
    """The categories with these ids."""
    statement = sa.select(categories).where(among(conn, categories.c.id, ids))
    return {row.id: category(row) for row in conn.execute(statement)}


def ancestors_of_categories(conn: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[Category]]:
    """Of each category those above it, from the root down."""
    start = sa.select(
        categories.c.id.label("below"), categories.c.parent_id.label("above"), sa.literal(1).label("steps")
    )
    path = start.where(among(conn, categories.c.id, ids)).cte("path", recursive=True)
    step = sa.select(path.c.below, categories.c.parent_id, path.c.steps + 1)
    path = path.union_all(step.join(categories, categories.c.id == path.c.above).where(path.c.steps < 50))
    above = sa.select(categories, path.c.below).join(path, path.c.above == categories.c.id)
    found: dict[str, list[Category]] = {key: [] for key in ids}
    for row in conn.execute(above.order_by(path.c.steps.desc())):
        found[row.below].append(category(row))
    return found


def category(row: sa.Row[Any]) -> Category:
    """A row of `categories`."""
    return Category(id=row.id, handle=row.handle, title=row.title, parent_id=row.parent_id)
