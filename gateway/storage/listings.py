"""Listings and channel products as commerce writes them, and what decides about matching."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.rows import Keyed, delete_in, inserting, putting, updating, upsert
from gateway.storage.tables import channel_products, links, listings, match_reviews

_still = Keyed(sa.select(listings.c.id).where(listings.c.current, ~listings.c.gone), listings.c.id)
_CATALOGUE_LOCK = 7_204_113_002


@dataclass(slots=True)
class ListingRow:
    """A row of `listings`: JSON columns as text, enums as their names."""

    id: str
    channel: str
    external_id: str
    generation: int
    current: bool
    gone: bool
    channel_product_id: str
    position: int
    variant_id: str
    product_id: str
    matched_by: str | None
    sku: str | None
    sku_key: str | None
    gtin: str | None
    match_key: str | None
    condition: str
    title: str
    options: str
    image: str | None
    unit_of_measure: str
    price: int | None
    compare_at_price: int | None
    currency: str | None
    price_includes_tax: bool
    units_per_listing: int
    tracked: bool
    inventory_item: str
    status: str
    url: str | None
    note: str | None
    updated_at: datetime

    @property
    def live(self) -> bool:
        """Whether the channel lists it now."""
        return self.current and not self.gone


@dataclass(slots=True)
class ChannelProductRow:
    """A row of `channel_products`."""

    id: str
    channel: str
    external_id: str
    grouped: bool
    title: str
    description: str
    brand: str | None
    tags: str
    status: str
    images: str
    category: str
    created_at: datetime | None
    gone: bool


_listing_columns = tuple(listings.c[field.name] for field in fields(ListingRow))
_product_columns = tuple(channel_products.c[field.name] for field in fields(ChannelProductRow))
_listings = sa.select(*_listing_columns)
_by_column = {
    name: Keyed(_listings, listings.c[name])
    for name in ("id", "variant_id", "product_id", "channel_product_id", "sku_key", "gtin", "match_key")
}
_counted = {
    name: Keyed(
        sa.select(listings.c[name]).group_by(listings.c[name]).having(sa.func.count() > sa.bindparam("most")),
        listings.c[name],
    )
    for name in ("sku_key", "gtin", "match_key")
}
_at_places = Keyed(
    _listings.where(listings.c.channel == sa.bindparam("channel"), listings.c.current), listings.c.external_id
)
_new, _set = (many(listings, [field.name for field in fields(ListingRow)]) for many in (inserting, updating))
_put_product = putting(channel_products, [field.name for field in fields(ChannelProductRow)])
_products = Keyed(sa.select(*_product_columns), channel_products.c.id)
_decided = (
    Keyed(sa.select(links).where(links.c.channel == sa.bindparam("channel")), links.c.external_id),
    Keyed(sa.select(links).where(links.c.to_channel == sa.bindparam("channel")), links.c.to_external_id),
)
_reviews = Keyed(sa.select(match_reviews), match_reviews.c.listing_id)


def lock_catalogue(conn: Connection) -> None:
    """One at a time regroups the catalogue: which listings belong together is found out on the way.

    So no order in which single keys could be locked is known beforehand. SQLite has one writer anyway.
    """
    if not is_sqlite(conn):
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_CATALOGUE_LOCK)))


def select(conn: Connection, column: str, keys: Collection[str]) -> list[ListingRow]:
    """The listings, gone and former ones too, whose column is among the keys."""
    return [ListingRow(*row) for row in _by_column[column].all(conn, keys)]


def of_places(conn: Connection, channel: str, external_ids: Collection[str]) -> list[ListingRow]:
    """The listings that now stand under these ids of a channel, gone ones too."""
    return [ListingRow(*row) for row in _at_places.all(conn, external_ids, channel=channel)]


def carried_by_many(conn: Connection, column: str, codes: Collection[str], most: int) -> list[str]:
    """Those of these codes that more rows carry than this: gone and former ones too, so that an index tells."""
    return [row[0] for row in _counted[column].all(conn, codes, most=most)]


def live_with(conn: Connection, column: str, code: str, most: int) -> set[str]:
    """Ids of listings that carry this code now, so many at most."""
    live = sa.and_(listings.c[column] == code, listings.c.current, listings.c.gone.is_(False))
    return set(conn.scalars(sa.select(listings.c.id).where(live).limit(most)))


def add(conn: Connection, rows: Sequence[ListingRow]) -> None:
    """Insert new listings."""
    _new.run(conn, rows)


def store(conn: Connection, rows: Sequence[ListingRow]) -> None:
    """Set these listings, which exist."""
    _set.run(conn, rows)


def products_of(conn: Connection, ids: Collection[str]) -> dict[str, ChannelProductRow]:
    """Channel products, by id."""
    return {row.id: ChannelProductRow(*row) for row in _products.all(conn, ids)}


def store_products(conn: Connection, rows: Sequence[ChannelProductRow]) -> None:
    """Insert or set channel products."""
    _put_product.run(conn, rows)


class Decided(NamedTuple):
    """What a person decided of a place: the one that it goes with (None: it stands alone), and how much it sells."""

    target: tuple[str, str] | None
    units: int | None = None


Decisions = dict[tuple[str, str], Decided]


def decisions(conn: Connection, places: Iterable[tuple[str, str]]) -> Decisions:
    """What people decided of these places, and of places in favor of these."""
    by_channel: dict[str, set[str]] = {}
    for channel, external_id in places:
        by_channel.setdefault(channel, set()).add(external_id)
    found: Decisions = {}
    for channel, ids in by_channel.items():
        for decided in _decided:
            for row in decided.all(conn, ids, channel=channel):
                target = None if row.to_channel is None else (row.to_channel, row.to_external_id)
                found[row.channel, row.external_id] = Decided(target, row.units_per_listing)
    return found


def decide(
    conn: Connection, place: tuple[str, str], target: tuple[str, str] | None, now: datetime, units: int | None = None
) -> None:
    """A person says where a listing belongs: with the one at `target`, or alone. `units`: None leaves them as said."""
    if units is None:
        units = decisions(conn, [place]).get(place, Decided(None)).units
    row: dict[str, Any] = {"channel": place[0], "external_id": place[1], "units_per_listing": units, "decided_at": now}
    row |= {"to_channel": target and target[0], "to_external_id": target and target[1]}
    upsert(conn, links, [row], ["channel", "external_id"])


def live_listing(conn: Connection, id_: str) -> ListingRow | None:
    """The listing with this id, if the channel lists it now."""
    return next((row for row in select(conn, "id", [id_]) if row.live), None)


def variant_now(conn: Connection, id_: str) -> str:
    """The variant that the one with this id is now: it is called after a listing, which tells."""
    return next((row.variant_id for row in select(conn, "id", [id_])), id_)


def reviewed(conn: Connection, id_: str) -> str | None:
    """The listing that this open review is about."""
    return conn.scalar(sa.select(match_reviews.c.listing_id).where(match_reviews.c.id == id_))


def close_review(conn: Connection, id_: str) -> None:
    """A person has decided."""
    conn.execute(sa.delete(match_reviews).where(match_reviews.c.id == id_))


def replace_reviews(
    conn: Connection, listing_ids: Collection[str], rows: Sequence[dict[str, Any]], lasting: str
) -> None:
    """These are the open reviews of these listings, beside those for the lasting reason; who stays keeps its id."""
    known = {row.listing_id: row for row in _reviews.all(conn, listing_ids)}
    wanted = {row["listing_id"] for row in rows}
    delete_in(
        conn,
        match_reviews.c.id,
        [row.id for id_, row in known.items() if id_ not in wanted and row.reason != lasting],
    )
    kept = [
        {**row, "id": known[row["listing_id"]].id, "created_at": known[row["listing_id"]].created_at}
        for row in rows
        if row["listing_id"] in known
    ]
    upsert(conn, match_reviews, kept + [row for row in rows if row["listing_id"] not in known], ["id"])


def still_listed(conn: Connection, ids: Collection[str]) -> set[str]:
    """Those of these that their channels still list."""
    return {row.id for row in _still.all(conn, ids)}
