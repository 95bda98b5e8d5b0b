"""Reading stock: one definition (rule K1) for the fields, the filters and the sort keys.

A level is a variant's stock at one location: the sum over the distinct items under which the location's authority lists
the variant. Locations stand in the configuration, so statements are given them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import ListingStatus, ProductStatus
from gateway.model.channels import Location
from gateway.model.stock import StockLevel
from gateway.sdk.records import Ref
from gateway.storage.ages import observed_at, with_age
from gateway.storage.arrays import table_of
from gateway.storage.catalog import visible_variants
from gateway.storage.paging import Rows, Sort, among
from gateway.storage.tables import Count, Instant, Text, channels, listings, products, sources, stock, variants


@dataclass(frozen=True, slots=True)
class Counted:
    """A location as its authority counts it, and the units there that are never promised."""

    location: str
    authority: str
    place: str
    buffer: int = 0


def counted(locations: Iterable[Location], buffers: Mapping[str, int]) -> tuple[Counted, ...]:
    """These locations as their authorities count them."""
    return tuple(
        Counted(place.key, place.authority, place.external_ids[place.authority], buffers.get(place.key, 0))
        for place in locations
    )


def levels(
    places: Sequence[Counted], *wanted: sa.ColumnElement[bool], of: sa.FromClause | None = None
) -> sa.Select[Any]:
    """The levels at these places of the variants whose live listings fulfill the conditions.

    `of`: the table of an outer statement that the conditions speak of.

    Columns: variant_id, location, buffer, tracked, on_hand (null: unknown), reserved, incoming, version, changed_at,
    observed_at, available.
    """
    summed = _summed(places, wanted, of).subquery()
    left = summed.c.on_hand - summed.c.reserved - summed.c.buffer
    available = sa.case((summed.c.on_hand.is_(None), None), (left < 0, 0), else_=left)
    return sa.select(summed, available.label("available"))


def _summed(
    places: Sequence[Counted], wanted: Sequence[sa.ColumnElement[bool]], of: sa.FromClause | None
) -> sa.Select[Any]:
    items = _items(wanted, of)
    place = _places(places)
    counts = sa.and_(
        stock.c.channel == items.c.channel,
        stock.c.item == items.c.item,
        stock.c.place == place.c.place,
        items.c.tracked == 1,
    )
    unknown = sa.func.count(stock.c.id) != sa.func.sum(sa.case((stock.c.known, 1), else_=0))
    some = sa.func.count(stock.c.id) > 0
    joined = with_age(
        sa.select(
            items.c.variant_id,
            place.c.location,
            place.c.buffer,
            sa.func.max(items.c.tracked).label("tracked"),
            sa.case((sa.and_(some, ~unknown), _sum(stock.c.on_hand)), else_=None).label("on_hand"),
            sa.func.coalesce(_sum(stock.c.held + stock.c.committed), 0).label("reserved"),
            sa.func.coalesce(_sum(stock.c.incoming), 0).label("incoming"),
            sa.func.coalesce(_sum(stock.c.version), 0).label("version"),
            sa.func.max(stock.c.updated_at, type_=Instant()).label("changed_at"),
            sa.func.min(observed_at(), type_=Instant()).label("observed_at"),
        )
        .select_from(items)
        .join(place, place.c.authority == items.c.channel)
        .join(stock, counts, isouter=True),
        stock.c.id,
        outer=True,
    )
    return joined.group_by(items.c.variant_id, place.c.location, place.c.buffer)


def _sum(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.sum(column), Count)  # PostgreSQL sums to numeric


def _items(wanted: Sequence[sa.ColumnElement[bool]], of: sa.FromClause | None) -> sa.Subquery:
    """The distinct items of variants in each channel, and whether the channel counts them."""
    items = (
        sa.select(
            listings.c.variant_id,
            listings.c.channel,
            listings.c.inventory_item.label("item"),
            sa.func.max(sa.case((listings.c.tracked, 1), else_=0)).label("tracked"),
        )
        .where(listings.c.current, ~listings.c.gone, *wanted)
        .group_by(listings.c.variant_id, listings.c.channel, listings.c.inventory_item)
    )
    return (items if of is None else items.correlate(of)).subquery()


def _places(places: Sequence[Counted]) -> sa.CTE:
    columns = {"location": Text, "authority": Text, "place": Text, "buffer": Count}
    return table_of("places", columns, [(one.location, one.authority, one.place, one.buffer) for one in places])


# ------------------------------------------------------------------------------------------------ fields


@dataclass(frozen=True, slots=True)
class Ageing:
    """After how long the counts of each channel are stale."""

    stale_after: Mapping[str, timedelta]
    authorities: Mapping[str, str]

    def stale_at(self, location: str, observed: datetime | None) -> datetime | None:
        return None if observed is None else observed + self.stale_after[self.authorities[location]]


def levels_of_variants(
    conn: Connection, ids: Collection[str], places: Sequence[Counted], ageing: Ageing
) -> Mapping[str, Sequence[StockLevel]]:
    """Each variant's levels at these places, in the order of the places."""
    found: dict[str, list[StockLevel]] = {key: [] for key in ids}
    if not places:
        return found
    order = {one.location: number for number, one in enumerate(places)}
    rows = conn.execute(levels(places, among(conn, listings.c.variant_id, ids))).all()
    for row in sorted(rows, key=lambda row: order[row.location]):
        found[row.variant_id].append(_level(row, ageing))
    return found


@dataclass(frozen=True, slots=True)
class Available:
    """What can be promised of a variant at a location. `units`: None: nobody counts it there.

    `lying_since`: since when the count is what it is.
    """

    units: int | None
    lying_since: datetime | None


def available_at(
    conn: Connection, ids: Collection[str], places: Sequence[Counted]
) -> Mapping[str, Mapping[str, Available]]:
    """What can be promised of each variant, by location; what is not known is 0."""
    found: dict[str, dict[str, Available]] = {key: {} for key in ids}
    if places and found:
        for row in conn.execute(levels(places, among(conn, listings.c.variant_id, ids))):
            units = (row.available or 0) if row.tracked else None
            found[row.variant_id][row.location] = Available(units, row.changed_at)
    return found


def left_at(conn: Connection, ids: Collection[str], place: Counted) -> Mapping[str, int]:
    """What nobody has spoken for of each variant at this place, where that is counted and known.

    Negative, where more is spoken for than there is.
    """
    if not ids:
        return {}
    rows = conn.execute(levels([place], among(conn, listings.c.variant_id, ids)))
    return {
        row.variant_id: row.on_hand - row.reserved - row.buffer
        for row in rows
        if row.tracked and row.on_hand is not None
    }


def _level(row: sa.Row[Any], ageing: Ageing) -> StockLevel:
    return StockLevel(
        variant_id=row.variant_id,
        location_key=row.location,
        version=row.version,
        on_hand=row.on_hand,
        reserved=row.reserved,
        incoming=row.incoming,
        tracked=bool(row.tracked),
        observed_at=row.observed_at,
        stale_at=ageing.stale_at(row.location, row.observed_at),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelQuery:
    """Which levels of one location. `below`: what can be promised is less."""

    everything: bool
    skus: tuple[str, ...] | None = None
    below: int | None = None
    changed_since: datetime | None = None


def variants_with_level(place: Counted, query: LevelQuery) -> Rows[str]:
    """The ids of the variants whose levels at this place are wanted, by id."""
    level = levels([place], listings.c.variant_id == variants.c.id, of=variants).subquery()
    wanted = sa.select(level.c.variant_id)
    if query.below is not None:
        wanted = wanted.where(level.c.available < query.below)
    if query.changed_since is not None:
        wanted = wanted.where(level.c.changed_at >= query.changed_since)
    statement = sa.select(variants.c.id).where(visible_variants(query.everything), wanted.correlate(variants).exists())
    if query.skus is not None:
        listed = sa.select(listings.c.variant_id).where(listings.c.current, ~listings.c.gone)
        statement = statement.where(variants.c.id.in_(listed.where(listings.c.sku_key.in_(query.skus))))
    return Rows(statement, Sort(variants.c.id, variants.c.id), lambda row: str(row.id))


# ------------------------------------------------------------------------------------------------ filters


def can_be_sold(channel: str, places: Sequence[Counted]) -> sa.ColumnElement[bool]:
    """That the channel offers a variant of the product, and may promise at least one listing of it."""
    return _can_be_sold(channel, tuple(places))


@lru_cache(256)  # hundreds of objects that refer to each other, of nearly every query
def _can_be_sold(channel: str, places: Sequence[Counted]) -> sa.ColumnElement[bool]:
    offer = listings.alias("offer")
    offered = sa.select(offer.c.id).where(offer.c.product_id == products.c.id, _offered(offer, channel, places))
    return sa.and_(products.c.status == ProductStatus.ACTIVE.value, offered.correlate(products).exists())


def _offered(offer: sa.FromClause, channel: str, places: Sequence[Counted]) -> sa.ColumnElement[bool]:
    """That the listing is one that the channel offers, and that it may promise at least once."""
    return sa.and_(
        offer.c.channel == channel,
        offer.c.current,
        ~offer.c.gone,
        offer.c.status == ListingStatus.ACTIVE.value,
        _promised(offer, offer.c.variant_id, offer.c.units_per_listing, places),
    )


def can_be_had_at(place: Counted) -> sa.ColumnElement[bool]:
    """That at least one unit of a variant of the product can be promised at this place."""
    enough = _promised(variants, variants.c.id, sa.literal(1), [place])
    here = sa.select(variants.c.id).where(variants.c.product_id == products.c.id, variants.c.visible, enough)
    return here.correlate(products).exists()


def _promised(
    owner: sa.FromClause, variant_id: sa.ColumnElement[Any], units: sa.ColumnElement[Any], places: Sequence[Counted]
) -> sa.ColumnElement[bool]:
    """That these places together can promise so many units, or that nobody counts the variant."""
    if not places:
        return sa.false()
    level = levels(places, listings.c.variant_id == variant_id, of=owner).subquery()
    uncounted = sa.and_(sa.func.count() > 0, sa.func.max(level.c.tracked) == 0)
    promised = sa.func.sum(sa.case((level.c.tracked == 1, level.c.available), else_=None))
    answer = sa.select(sa.case((sa.or_(uncounted, promised >= units), 1), else_=0)).select_from(level)
    return answer.correlate(owner).scalar_subquery() == 1


def sellable_products(conn: Connection, ids: Sequence[str], channel: str, places: Sequence[Counted]) -> Collection[str]:
    """Those of these products that the channel can sell now."""
    statement = sa.select(products.c.id).where(among(conn, products.c.id, ids), can_be_sold(channel, places))
    return frozenset(conn.scalars(statement))


def sellable_variants(
    conn: Connection, ids: Sequence[str], channel: str, places: Sequence[Counted]
) -> Mapping[str, Collection[str]]:
    """Of these products those variants that the channel can sell now."""
    offer = listings.alias("offer")
    statement = (
        sa.select(offer.c.product_id, offer.c.variant_id)
        .join(products, products.c.id == offer.c.product_id)
        .where(products.c.status == ProductStatus.ACTIVE.value, among(conn, offer.c.product_id, ids))
        .where(_offered(offer, channel, places))
    )
    found: dict[str, set[str]] = {}
    for product_id, variant_id in conn.execute(statement):
        found.setdefault(product_id, set()).add(variant_id)
    return found


# ------------------------------------------------------------------------------------------------ live reads


def stock_refs(conn: Connection, ids: Sequence[str], places: Sequence[Counted]) -> Mapping[str, Sequence[Ref]]:
    """By authority, the records that hold the stock of these variants at these places. Paused channels are left out."""
    place, paused = _places(places), sa.select(channels.c.key).where(channels.c.paused)
    statement = (
        sa.select(stock.c.channel, sources.c.external_id, sources.c.note)
        .distinct()
        .join(place, sa.and_(place.c.authority == stock.c.channel, place.c.place == stock.c.place))
        .join(listings, sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item))
        .join(sources, sources.c.id == stock.c.id)
        .where(listings.c.current, ~listings.c.gone, among(conn, listings.c.variant_id, ids))
        .where(stock.c.channel.not_in(paused))
        .order_by(sources.c.external_id)
    )
    found: dict[str, list[Ref]] = {}
    for channel, external_id, note in conn.execute(statement):
        found.setdefault(channel, []).append(Ref(external_id, note))
    return found
