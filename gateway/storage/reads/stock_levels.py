"""Stock levels: one definition (rule K1) for the fields, the filters and the sort keys.

A level is a variant's stock at one location: the sum over the distinct inventory items under which the location's
authority lists the variant. Locations are defined in the configuration, so they are parameters of the statements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.locations import Location
from gateway.model.stock import StockLevel
from gateway.model.validation import clamp_quantity
from gateway.sdk.records import Ref
from gateway.storage.reads.catalog import Visibility, is_variant_visible
from gateway.storage.reads.freshness import join_age, select_observed_at
from gateway.storage.reads.offered_listings import SellingChannel, is_offered
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.sql.json_arrays import build_table
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import Count, Instant, Text, channels, listings, products, sources, stock, variants


@dataclass(frozen=True, slots=True)
class CountedLocation:
    """A location as its authority counts it, and its buffer: units that are never promised.

    Attributes:
        authority: the channel whose listings say which variants the location has.
        external_location: ID of the location in it. Empty: it is not accepted yet, so that no count is known (rule G2).
    """

    location: str
    authority: str
    external_location: str
    buffer: int = 0

    @property
    def is_known(self) -> bool:
        """Whether the counts of the authority are used."""
        return self.external_location != ""


def build_counted_locations(locations: Iterable[Location], buffers: Mapping[str, int]) -> tuple[CountedLocation, ...]:
    """Build these locations as their authorities count them."""
    return tuple(
        CountedLocation(location.key, *_find_counts(location), buffers.get(location.key, 0)) for location in locations
    )


def _find_counts(location: Location) -> tuple[str, str]:
    """Find the channel that lists what the location has, and the external location that it counts."""
    if location.authority is not None:
        return location.authority.channel, location.authority.external_id
    return "" if location.pending_authority is None else location.pending_authority.channel, ""


def select_levels(
    locations: Sequence[CountedLocation], *conditions: sa.ColumnElement[bool], outer_table: sa.FromClause | None = None
) -> sa.Select[Any]:
    """Select the levels at these locations of the variants whose live listings match the conditions.

    `outer_table`: the table of an outer statement that the conditions refer to.

    Columns: variant_id, location, buffer, tracked, on_hand (null: unknown), reserved, incoming, version, changed_at,
    observed_at, available.
    """
    sums = _select_sums(locations, conditions, outer_table).subquery()
    remaining = sums.c.on_hand - sums.c.reserved - sums.c.buffer
    available = sa.case((sums.c.on_hand.is_(None), None), (remaining < 0, 0), else_=remaining)
    return sa.select(sums, available.label("available"))


@lru_cache(256)  # to put the statement together takes longer than to run it
def _build_levels_of_variants(locations: tuple[CountedLocation, ...]) -> BulkSelect:
    return BulkSelect(lambda among: select_levels(locations, among), listings.c.variant_id)


def _select_sums(
    locations: Sequence[CountedLocation],
    conditions: Sequence[sa.ColumnElement[bool]],
    outer_table: sa.FromClause | None,
) -> sa.Select[Any]:
    counts = select_counts(locations, conditions, outer_table).add_columns(
        sa.func.coalesce(_sum(stock.c.incoming), 0).label("incoming"),
        sa.func.coalesce(_sum(stock.c.version), 0).label("version"),
        sa.func.max(stock.c.updated_at, type_=Instant()).label("changed_at"),
        sa.func.min(select_observed_at(), type_=Instant()).label("observed_at"),
    )
    return join_age(counts, stock.c.id, outer=True)


def select_counts(
    locations: Sequence[CountedLocation],
    conditions: Sequence[sa.ColumnElement[bool]],
    outer_table: sa.FromClause | None = None,
) -> sa.Select[Any]:
    """Select what `select_levels` computes the available units from: the first six of its columns."""
    authorities = sorted({location.authority for location in locations})
    counted = skip_index(listings.c.channel).in_(authorities)  # or the items of all other channels are grouped too
    items = _select_items([counted, *conditions], outer_table)
    location_table = _build_location_table(locations)
    counts = sa.and_(
        stock.c.channel == items.c.channel,
        stock.c.item == items.c.item,
        stock.c.place == location_table.c.place,
        items.c.tracked == 1,
    )
    unknown = sa.func.count(stock.c.id) != sa.func.sum(sa.case((stock.c.known, 1), else_=0))
    has_counts = sa.func.count(stock.c.id) > 0
    return (
        sa.select(
            items.c.variant_id,
            location_table.c.location,
            location_table.c.buffer,
            sa.func.max(sa.case((location_table.c.place == "", 1), else_=items.c.tracked)).label("tracked"),
            sa.case((sa.and_(has_counts, ~unknown), _sum(stock.c.on_hand)), else_=None).label("on_hand"),
            sa.func.coalesce(_sum(stock.c.held + stock.c.committed), 0).label("reserved"),
        )
        .select_from(items)
        .join(location_table, location_table.c.authority == items.c.channel)
        .join(stock, counts, isouter=True)
        .group_by(items.c.variant_id, location_table.c.location, location_table.c.buffer)
    )


def _sum(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.sum(column), Count)  # PostgreSQL sums to numeric


def _select_items(conditions: Sequence[sa.ColumnElement[bool]], outer_table: sa.FromClause | None) -> sa.Subquery:
    """Select the distinct inventory items of variants in each channel, and whether the channel tracks them."""
    items = (
        sa.select(
            listings.c.variant_id,
            listings.c.channel,
            listings.c.inventory_item.label("item"),
            sa.func.max(sa.case((listings.c.tracked, 1), else_=0)).label("tracked"),
        )
        .where(listings.c.current, ~listings.c.gone, *conditions)
        .group_by(listings.c.variant_id, listings.c.channel, listings.c.inventory_item)
    )
    return (items if outer_table is None else items.correlate(outer_table)).subquery()


def _build_location_table(locations: Sequence[CountedLocation]) -> sa.CTE:
    columns = {"location": Text, "authority": Text, "place": Text, "buffer": Count}
    return build_table(
        "counted_locations",
        columns,
        [
            (location.location, location.authority, location.external_location, location.buffer)
            for location in locations
        ],
    )


# ------------------------------------------------------------------------------------------------ fields


@dataclass(frozen=True, slots=True)
class StalenessLimits:
    """The age at which each channel's counts are stale."""

    stale_after: Mapping[str, timedelta]
    authorities: Mapping[str, str]

    def get_stale_at(self, location: str, observed: datetime | None) -> datetime | None:
        return None if observed is None else observed + self.stale_after[self.authorities[location]]


def find_levels(
    conn: Connection, ids: Collection[str], locations: Sequence[CountedLocation], limits: StalenessLimits
) -> Mapping[str, Sequence[StockLevel]]:
    """Find each variant's levels at these locations, in the order of the locations."""
    levels: dict[str, list[StockLevel]] = {key: [] for key in ids}
    if not locations:
        return levels
    order = {location.location: number for number, location in enumerate(locations)}
    rows = _build_levels_of_variants(tuple(locations)).select(conn, ids)
    for row in sorted(rows, key=lambda row: order[row.location]):
        levels[row.variant_id].append(_read_level(row, limits))
    return levels


@dataclass(frozen=True, slots=True)
class Available:
    """The units available of a variant at a location; None: stock is not tracked there.

    `unchanged_since`: when the count last changed.
    """

    units: int | None
    unchanged_since: datetime | None


def find_available(
    conn: Connection, ids: Collection[str], locations: Sequence[CountedLocation]
) -> Mapping[str, Mapping[str, Available]]:
    """Find the available units of each variant, by location; 0 where the count is unknown."""
    available: dict[str, dict[str, Available]] = {key: {} for key in ids}
    if locations and available:
        for row in _build_levels_of_variants(tuple(locations)).select(conn, ids):
            units = clamp_quantity(row.available or 0) if row.tracked else None
            available[row.variant_id][row.location] = Available(units, row.changed_at)
    return available


def find_unreserved(conn: Connection, ids: Collection[str], location: CountedLocation) -> Mapping[str, int]:
    """Find the units of each variant at this location that are not reserved, where stock is tracked and known.

    Negative if more is reserved than on hand.
    """
    if not ids:
        return {}
    rows = _build_levels_of_variants((location,)).select(conn, ids)
    return {
        row.variant_id: clamp_quantity(row.on_hand - row.reserved - row.buffer)
        for row in rows
        if row.tracked and row.on_hand is not None
    }


def _read_level(row: sa.Row[Any], limits: StalenessLimits) -> StockLevel:
    """Read a level. It can be the sum of several counts, and reserve units more than once."""
    return StockLevel(
        variant_id=row.variant_id,
        location_key=row.location,
        version=row.version,
        on_hand=None if row.on_hand is None else clamp_quantity(row.on_hand),
        reserved=clamp_quantity(row.reserved),
        incoming=clamp_quantity(row.incoming),
        tracked=bool(row.tracked),
        observed_at=row.observed_at,
        stale_at=limits.get_stale_at(row.location, row.observed_at),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelQuery:
    """Filters of one location's levels. `below`: fewer units than this are available."""

    visibility: Visibility
    skus: tuple[str, ...] | None = None
    below: int | None = None
    changed_since: datetime | None = None


def search_levels(location: CountedLocation, query: LevelQuery) -> Rows[str]:
    """Search the ids of variants by their levels at this location, sorted by id."""
    is_common = query.skus is None and query.changed_since is None
    return (_search_levels_once if is_common else _search_levels)(location, query)


@lru_cache(256)  # building a statement takes longer than running it
def _search_levels_once(location: CountedLocation, query: LevelQuery) -> Rows[str]:
    return _search_levels(location, query)


def _search_levels(location: CountedLocation, query: LevelQuery) -> Rows[str]:
    statement = sa.select(variants.c.id).where(is_variant_visible(query.visibility), _has_level(location, query))
    if query.skus is not None:
        listed = sa.select(listings.c.variant_id).where(listings.c.current, ~listings.c.gone)
        statement = statement.where(variants.c.id.in_(listed.where(listings.c.sku_key.in_(query.skus))))
    return Rows(statement, Sort(variants.c.id, variants.c.id), lambda row: str(row.id))


def _has_level(location: CountedLocation, query: LevelQuery) -> sa.ColumnElement[bool]:
    """Build the condition that the variant has a level at the location that the query matches."""
    if query.below is None and query.changed_since is None:  # every variant that the authority lists has one
        listed = sa.select(listings.c.id).where(listings.c.current, ~listings.c.gone)
        same = sa.and_(listings.c.variant_id == variants.c.id, listings.c.channel == location.authority)
        return listed.where(same).correlate(variants).exists()
    level = select_levels([location], listings.c.variant_id == variants.c.id, outer_table=variants).subquery()
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    matching = sa.select(level.c.variant_id)
    if query.below is not None:
        matching = matching.where(level.c.available < query.below)
        conditions.append(variants.c.id.in_(_select_variants_below(location, query.below)))
    if query.changed_since is not None:
        matching = matching.where(level.c.changed_at >= query.changed_since)
    return sa.and_(*conditions, matching.correlate(variants).exists())


def _select_variants_below(location: CountedLocation, below: int) -> sa.Select[Any]:
    """Select the variants with a count below this: of counts that sum up to less, at least one is less."""
    free = stock.c.on_hand - stock.c.held - stock.c.committed  # as in its index
    same_item = sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item)
    return (
        sa.select(listings.c.variant_id)
        .join(stock, same_item)
        .where(
            stock.c.channel == location.authority,
            stock.c.place == location.external_location,
            free < below + location.buffer,
        )
    )


# ------------------------------------------------------------------------------------------------ filters


def is_product_sellable(channel: SellingChannel, locations: Sequence[CountedLocation]) -> sa.ColumnElement[bool]:
    """Build the condition that the channel offers a variant of the product, with stock for at least one of its
    listings (rule K9).
    """
    return _has_sellable_listing(channel, tuple(locations))


@lru_cache(256)  # hundreds of linked objects, needed by nearly every query
def _has_sellable_listing(channel: SellingChannel, locations: Sequence[CountedLocation]) -> sa.ColumnElement[bool]:
    offer = listings.alias("offer")
    offered = sa.select(offer.c.id).where(offer.c.product_id == products.c.id, _is_sellable(offer, channel, locations))
    return offered.correlate(products).exists()


def _is_sellable(
    offer: sa.FromClause, channel: SellingChannel, locations: Sequence[CountedLocation]
) -> sa.ColumnElement[bool]:
    """Build the condition that the channel offers the listing, with stock for at least one."""
    promised = _can_promise(offer, offer.c.variant_id, offer.c.units_per_listing, locations)
    return sa.and_(is_offered(offer, channel), promised)


def is_product_available_at(location: CountedLocation) -> sa.ColumnElement[bool]:
    """Build the condition that at least one unit of a variant of the product is available at this location."""
    enough = _can_promise(variants, variants.c.id, sa.literal(1), [location])
    available = sa.select(variants.c.id).where(variants.c.product_id == products.c.id, variants.c.visible, enough)
    return available.correlate(products).exists()


MAX_UNROLLED_LOCATIONS = 20
"""Of so many locations each is a condition of its own, which is several times as fast as a table of them."""


def _can_promise(
    owner: sa.FromClause,
    variant_id: sa.ColumnElement[Any],
    units: sa.ColumnElement[Any],
    locations: Sequence[CountedLocation],
) -> sa.ColumnElement[bool]:
    """Build the condition that one of these locations has the units available, or does not track the stock.

    Units of several locations do not add up to one listing: a pack leaves from one location. It is evaluated for every
    product of a list, so it finds what `select_levels` does without grouping.
    """
    locations = [location for location in locations if location.is_known]
    if len(locations) > MAX_UNROLLED_LOCATIONS:
        table = _build_location_table(locations)
        enough = _has_units(owner, variant_id, units, table.c.authority, table.c.place, table.c.buffer)
        promised = sa.or_(enough, _is_untracked(owner, variant_id, table.c.authority, table))
        return sa.select(table.c.location).where(promised).correlate(owner).exists()
    authorities = dict.fromkeys(location.authority for location in locations)
    enough_somewhere = (_has_units_at(owner, variant_id, units, location) for location in locations)
    untracked = (_is_untracked(owner, variant_id, _build_text(authority)) for authority in authorities)
    return sa.or_(sa.false(), *enough_somewhere, *untracked)


def _has_units_at(
    owner: sa.FromClause, variant_id: sa.ColumnElement[Any], units: sa.ColumnElement[Any], location: CountedLocation
) -> sa.ColumnElement[bool]:
    authority, external_location = _build_text(location.authority), _build_text(location.external_location)
    return _has_units(owner, variant_id, units, authority, external_location, sa.literal(location.buffer, Count))


def _build_text(value: str) -> sa.ColumnElement[str]:
    return sa.literal(value, Text)


def _has_units(
    owner: sa.FromClause,
    variant_id: sa.ColumnElement[Any],
    units: sa.ColumnElement[Any],
    authority: sa.ColumnElement[str],
    external_location: sa.ColumnElement[str],
    buffer: sa.ColumnElement[int],
) -> sa.ColumnElement[bool]:
    """Build the condition that the counts of the variant's tracked items at one place are known, and enough."""
    listed = listings.alias("listed")
    items = sa.select(listed.c.inventory_item).where(_is_listed(listed, variant_id, authority), listed.c.tracked)
    is_known = sa.func.count() == sa.func.sum(sa.case((stock.c.known, 1), else_=0))
    free = _sum(stock.c.on_hand) - _sum(stock.c.held + stock.c.committed)
    counts = sa.select(sa.case((is_known, free), else_=None)).where(
        stock.c.channel == authority,
        stock.c.place == external_location,
        stock.c.item.in_(items.correlate(owner, *_list_tables(external_location))),
    )
    return counts.correlate(owner, *_list_tables(external_location)).scalar_subquery() >= units + buffer


def _is_untracked(
    owner: sa.FromClause, variant_id: sa.ColumnElement[Any], authority: sa.ColumnElement[str], *outer: sa.FromClause
) -> sa.ColumnElement[bool]:
    """Build the condition that the authority lists the variant and tracks none of its listings."""
    listed, tracked = listings.alias("listed"), listings.alias("tracked")
    some = sa.select(listed.c.id).where(_is_listed(listed, variant_id, authority)).correlate(owner, *outer)
    one = sa.select(tracked.c.id).where(_is_listed(tracked, variant_id, authority), tracked.c.tracked)
    return sa.and_(some.exists(), ~one.correlate(owner, *outer).exists())


def _is_listed(
    listed: sa.FromClause, variant_id: sa.ColumnElement[Any], authority: sa.ColumnElement[str]
) -> sa.ColumnElement[bool]:
    return sa.and_(listed.c.variant_id == variant_id, listed.c.channel == authority, listed.c.current, ~listed.c.gone)


def _list_tables(column: sa.ColumnElement[Any]) -> Sequence[sa.FromClause]:
    """List the table of a column; none of a literal."""
    return [table] if (table := getattr(column, "table", None)) is not None else []


def filter_sellable_products(
    conn: Connection, ids: Sequence[str], channel: SellingChannel, locations: Sequence[CountedLocation]
) -> Collection[str]:
    """Return those of these products that the channel can sell now."""
    return frozenset(row.id for row in _select_sellable_products(channel, tuple(locations)).select(conn, ids))


@lru_cache(256)
def _select_sellable_products(channel: SellingChannel, locations: Sequence[CountedLocation]) -> BulkSelect:
    return BulkSelect(sa.select(products.c.id).where(is_product_sellable(channel, locations)), products.c.id)


def filter_sellable_variants(
    conn: Connection, ids: Sequence[str], channel: SellingChannel, locations: Sequence[CountedLocation]
) -> Collection[str]:
    """Return those of these variants that the channel can sell now."""
    statement = _select_sellable_variants("variant_id", channel, tuple(locations))
    return frozenset(row.variant_id for row in statement.select(conn, ids))


def find_sellable_variants(
    conn: Connection, ids: Sequence[str], channel: SellingChannel, locations: Sequence[CountedLocation]
) -> Mapping[str, Collection[str]]:
    """Find the variants of each of these products that the channel can sell now."""
    sellable: dict[str, set[str]] = {}
    for row in _select_sellable_variants("product_id", channel, tuple(locations)).select(conn, ids):
        sellable.setdefault(row.product_id, set()).add(row.variant_id)
    return sellable


@lru_cache(256)
def _select_sellable_variants(key: str, channel: SellingChannel, locations: Sequence[CountedLocation]) -> BulkSelect:
    """Build the statement of the variants that the channel can sell. `key`: the column of their keys."""
    offer = listings.alias("offer")
    statement = sa.select(offer.c.product_id, offer.c.variant_id).where(_is_sellable(offer, channel, locations))
    return BulkSelect(statement, offer.c[key])


# ------------------------------------------------------------------------------------------------ live reads


def find_stock_refs(
    conn: Connection, ids: Sequence[str], locations: Sequence[CountedLocation]
) -> Mapping[str, Sequence[Ref]]:
    """Find the records with these variants' stock at these locations, by authority. Paused channels are omitted."""
    location_table, paused = _build_location_table(locations), sa.select(channels.c.key).where(channels.c.paused)
    statement = (
        sa.select(stock.c.channel, sources.c.external_id, sources.c.note)
        .distinct()
        .join(
            location_table,
            sa.and_(  # the stock is found by its item
                location_table.c.authority == skip_index(stock.c.channel),
                location_table.c.place == skip_index(stock.c.place),
            ),
        )
        .join(listings, sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item))
        .join(sources, sources.c.id == stock.c.id)
        .where(listings.c.current, ~listings.c.gone, is_among(conn, listings.c.variant_id, ids))
        .where(stock.c.channel.not_in(paused))
        .order_by(sources.c.external_id)
    )
    refs: dict[str, list[Ref]] = {}
    for channel, external_id, note in conn.execute(statement):
        refs.setdefault(channel, []).append(Ref(external_id, note))
    return refs
