"""Writes of listings, channel products, matching decisions and match reviews."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.ids import read_time
from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import BulkSelect, build_insert, build_update, build_upsert, delete_by_keys, upsert_rows
from gateway.storage.tables import EPOCH, channel_products, links, listings, match_reviews

_live_ids = BulkSelect(sa.select(listings.c.id).where(listings.c.current, ~listings.c.gone), listings.c.id)
_CATALOG_LOCK = 7_204_113_002


@dataclass(slots=True)
class ListingRow:
    """A row of `listings`; JSON columns as text, enums as their names."""

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
    price_micros: int | None
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
    media: str | None
    attributes: str | None
    prices: str | None
    price_since: datetime | None
    net_content: str | None
    option_texts: str | None
    first_seen_at: datetime

    @property
    def is_live(self) -> bool:
        """Whether the channel lists it now."""
        return self.current and not self.gone

    @property
    def age(self) -> tuple[datetime, str]:
        """The sort key by which listings are older or younger (rule H1)."""
        return self.first_seen_at, self.id


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
    media: str | None
    locale: str | None
    html: str | None
    seo_title: str | None
    seo_description: str | None
    texts_digest: str | None
    attributes: str | None
    handle: str | None
    rating: int | None
    rating_count: int | None
    first_seen_at: datetime


_listing_columns = tuple(listings.c[field.name] for field in fields(ListingRow))
_product_columns = tuple(channel_products.c[field.name] for field in fields(ChannelProductRow))
_listings = sa.select(*_listing_columns)
_by_column = {
    name: BulkSelect(_listings, listings.c[name])
    for name in ("id", "variant_id", "product_id", "channel_product_id", "sku_key", "gtin", "match_key")
}
_shared_codes = {
    name: BulkSelect(
        sa.select(listings.c[name]).group_by(listings.c[name]).having(sa.func.count() > sa.bindparam("most")),
        listings.c[name],
    )
    for name in ("sku_key", "gtin", "match_key")
}
_current = BulkSelect(
    _listings.where(listings.c.channel == sa.bindparam("channel"), listings.c.current), listings.c.external_id
)
_units_of_measure = BulkSelect(sa.select(listings.c.id, listings.c.unit_of_measure), listings.c.id)
_insert, _update = (
    build(listings, [field.name for field in fields(ListingRow)]) for build in (build_insert, build_update)
)
_product_upsert = build_upsert(channel_products, [field.name for field in fields(ChannelProductRow)])
_products = BulkSelect(sa.select(*_product_columns), channel_products.c.id)
_decisions = (
    BulkSelect(sa.select(links).where(links.c.channel == sa.bindparam("channel")), links.c.external_id),
    BulkSelect(sa.select(links).where(links.c.to_channel == sa.bindparam("channel")), links.c.to_external_id),
)
_reviews = BulkSelect(sa.select(match_reviews), match_reviews.c.listing_id)


def lock_catalog(conn: Connection) -> None:
    """Lock the catalog, because regrouping discovers the affected listings as it proceeds.

    The keys are not known in advance, so they cannot be locked in order. SQLite has only one writer anyway.
    """
    if not is_sqlite(conn):
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_CATALOG_LOCK)))


def store_first_times(conn: Connection) -> None:
    """Store when listings were first seen that a process of an earlier version has inserted: their ids have it."""
    timed = sa.func.substr(listings.c.id, 13, 1) == "7"
    ids = conn.scalars(sa.select(listings.c.id).where(listings.c.first_seen_at == EPOCH, timed)).all()
    if times := [{"of": id_, "time": time} for id_ in ids if (time := read_time(id_))]:
        same = listings.c.id == sa.bindparam("of")
        conn.execute(sa.update(listings).where(same).values(first_seen_at=sa.bindparam("time")), times)


def find_listings(conn: Connection, column: str, keys: Collection[str]) -> list[ListingRow]:
    """Find the listings, including gone and former ones, whose column is among the keys."""
    return [ListingRow(*row) for row in _by_column[column].select(conn, keys)]


def find_current_listings(conn: Connection, channel: str, external_ids: Collection[str]) -> list[ListingRow]:
    """Find the current listings with these ids of a channel, including gone ones."""
    return [ListingRow(*row) for row in _current.select(conn, external_ids, channel=channel)]


def find_shared_codes(conn: Connection, column: str, codes: Collection[str], most: int) -> list[str]:
    """Return those of these codes that more than `most` rows have, including gone and former ones, so that an index
    suffices.
    """
    return [row[0] for row in _shared_codes[column].select(conn, codes, most=most)]


def find_live_listing_ids(conn: Connection, column: str, code: str, limit: int) -> set[str]:
    """Find the ids of live listings with this code, at most `limit`."""
    live = sa.and_(listings.c[column] == code, listings.c.current, listings.c.gone.is_(False))
    return set(conn.scalars(sa.select(listings.c.id).where(live).limit(limit)))


def insert_listings(conn: Connection, rows: Sequence[ListingRow]) -> None:
    """Insert new listings."""
    _insert.run(conn, rows)


def update_listings(conn: Connection, rows: Sequence[ListingRow]) -> None:
    """Update existing listings."""
    _update.run(conn, rows)


def find_channel_products(conn: Connection, ids: Collection[str]) -> dict[str, ChannelProductRow]:
    """Find channel products, by id."""
    return {row.id: ChannelProductRow(*row) for row in _products.select(conn, ids)}


def store_channel_products(conn: Connection, rows: Sequence[ChannelProductRow]) -> None:
    """Insert or update channel products."""
    _product_upsert.run(conn, rows)


class MatchDecision(NamedTuple):
    """An operator's decision about a listing: the one that it matches (None: no other), and its units per listing."""

    target: tuple[str, str] | None
    units: int | None = None


MatchDecisions = dict[tuple[str, str], MatchDecision]


def find_decisions(conn: Connection, external_ids: Iterable[tuple[str, str]]) -> MatchDecisions:
    """Find operators' decisions about these listings, and about others in favor of them."""
    by_channel: dict[str, set[str]] = {}
    for channel, external_id in external_ids:
        by_channel.setdefault(channel, set()).add(external_id)
    decisions: MatchDecisions = {}
    for channel, ids in by_channel.items():
        for select in _decisions:
            for row in select.select(conn, ids, channel=channel):
                target = None if row.to_channel is None else (row.to_channel, row.to_external_id)
                decisions[row.channel, row.external_id] = MatchDecision(target, row.units_per_listing)
    return decisions


def store_decision(
    conn: Connection,
    external_id: tuple[str, str],
    target: tuple[str, str] | None,
    now: datetime,
    units: int | None = None,
) -> None:
    """Store the decision that a listing matches `target`, or no other. `units`: None keeps the units of an earlier
    decision.
    """
    if units is None:
        units = find_decisions(conn, [external_id]).get(external_id, MatchDecision(None)).units
    row: dict[str, Any] = {
        "channel": external_id[0],
        "external_id": external_id[1],
        "units_per_listing": units,
        "decided_at": now,
    }
    row |= {"to_channel": target and target[0], "to_external_id": target and target[1]}
    upsert_rows(conn, links, [row], ["channel", "external_id"])


def find_units_of_measure(conn: Connection, ids: Collection[str]) -> dict[str, str]:
    """Find the units of measure of these listings, including gone and former ones."""
    return {row.id: row.unit_of_measure for row in _units_of_measure.select(conn, ids)} if ids else {}


def find_live_listing(conn: Connection, id_: str) -> ListingRow | None:
    """Find the listing with this id, if the channel lists it now."""
    return next((row for row in find_listings(conn, "id", [id_]) if row.is_live), None)


def resolve_variant(conn: Connection, id_: str) -> str:
    """Resolve a variant's id after merges: a variant has the id of a listing, and that listing holds its current
    variant.
    """
    return next((row.variant_id for row in find_listings(conn, "id", [id_])), id_)


def find_reviewed_listing(conn: Connection, id_: str) -> str | None:
    """Find the listing of this open review."""
    return conn.scalar(sa.select(match_reviews.c.listing_id).where(match_reviews.c.id == id_))


def close_review(conn: Connection, id_: str) -> None:
    """Delete a review that an operator has decided."""
    conn.execute(sa.delete(match_reviews).where(match_reviews.c.id == id_))


def replace_reviews(
    conn: Connection, listing_ids: Collection[str], rows: Sequence[dict[str, Any]], lasting: str
) -> None:
    """Replace the open reviews of these listings, except those with the `lasting` reason. A review that persists keeps
    its id.
    """
    existing = {row.listing_id: row for row in _reviews.select(conn, listing_ids)}
    reviewed_ids = {row["listing_id"] for row in rows}
    delete_by_keys(
        conn,
        match_reviews.c.id,
        [row.id for id_, row in existing.items() if id_ not in reviewed_ids and row.reason != lasting],
    )
    retained = [
        {**row, "id": existing[row["listing_id"]].id, "created_at": existing[row["listing_id"]].created_at}
        for row in rows
        if row["listing_id"] in existing
    ]
    upsert_rows(conn, match_reviews, retained + [row for row in rows if row["listing_id"] not in existing], ["id"])


def filter_listed(conn: Connection, ids: Collection[str]) -> set[str]:
    """Return those of these listings that their channels still list."""
    return {row.id for row in _live_ids.select(conn, ids)}
