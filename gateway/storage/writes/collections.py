"""Writes of collections of channels, of their members, and of the products that these are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_delete, build_insert, build_update, delete_by_keys, upsert_rows
from gateway.storage.tables import (
    EPOCH,
    channel_products,
    collection_members,
    collection_products,
    collections,
    former_collection_handles,
    listings,
)


@dataclass(slots=True)
class CollectionRow:
    """A row of `collections`; JSON columns as text."""

    id: str
    external_id: str
    handle: str
    handle_claim: str | None
    title: str
    sort_title: str
    texts: str
    image: str | None
    version: int
    source_id: str = ""
    channel: str = ""
    generation: int = 1
    gone: bool = False
    updated_at: datetime = EPOCH


class MemberRow(NamedTuple):
    """A row of `collection_members`."""

    collection_id: str
    external_id: str
    channel: str
    position: int


class CollectionProductRow(NamedTuple):
    """A row of `collection_products`."""

    collection_id: str
    product_id: str
    position: int


_NAMES = [field.name for field in fields(CollectionRow)]
_columns = tuple(collections.c[name] for name in _NAMES)
_in_channel = sa.select(*_columns).where(collections.c.channel == sa.bindparam("channel", type_=sa.Text()))
_by_external_id = BulkSelect(_in_channel, collections.c.external_id)
_by_claim = BulkSelect(_in_channel, collections.c.handle_claim)
_by_source = BulkSelect(sa.select(*_columns), collections.c.source_id)
_ids = BulkSelect(sa.select(collections.c.id), collections.c.id)
_insert, _update = build_insert(collections, _NAMES), build_update(collections, _NAMES)

_members = BulkSelect(
    sa.select(*(collection_members.c[name] for name in MemberRow._fields)), collection_members.c.collection_id
)
_member_insert = build_insert(collection_members, MemberRow._fields)
_member_delete = build_delete(collection_members, ("collection_id", "external_id"))

_product_columns = tuple(collection_products.c[name] for name in CollectionProductRow._fields)
_product_insert = build_insert(collection_products, CollectionProductRow._fields)
_product_delete = build_delete(collection_products, ("collection_id", "product_id"))


def find_collections(conn: Connection, channel: str, external_ids: Collection[str]) -> dict[str, CollectionRow]:
    """Find the collections with these ids of the channel, also those that are gone, by its id."""
    rows = _by_external_id.select(conn, external_ids, channel=channel)
    return {row.external_id: CollectionRow(*row) for row in rows}


def find_collections_of_sources(conn: Connection, source_ids: Collection[str]) -> list[CollectionRow]:
    """Find the collections that these records of channels are."""
    return [CollectionRow(*row) for row in _by_source.select(conn, source_ids)]


def find_claimants(conn: Connection, channel: str, handles: Collection[str]) -> list[CollectionRow]:
    """Find the collections for which the channel gives these handles."""
    return [CollectionRow(*row) for row in _by_claim.select(conn, handles, channel=channel)]


def find_taken_ids(conn: Connection, ids: Collection[str]) -> set[str]:
    """Find which of these ids collections have."""
    return {row.id for row in _ids.select(conn, ids)}


def store_collections(conn: Connection, rows: Sequence[CollectionRow], known: Collection[str]) -> None:
    """Insert these collections, or update those that are known."""
    _insert.run(conn, [row for row in rows if row.id not in known])
    _update.run(conn, [row for row in rows if row.id in known])


def delete_collections(conn: Connection, ids: Collection[str]) -> None:
    """Delete collections in whose place others are now."""
    for column in (collections.c.id, collection_members.c.collection_id, collection_products.c.collection_id):
        delete_by_keys(conn, column, ids)


def add_former_handles(conn: Connection, rows: Iterable[CollectionRow], now: datetime) -> None:
    """Add handles that collections had until now."""
    added = [
        {"channel": row.channel, "handle": row.handle, "collection_id": row.id, "replaced_at": now} for row in rows
    ]
    upsert_rows(conn, former_collection_handles, added, ["channel", "handle", "collection_id"])


def move_former_handles(conn: Connection, old: str, new: str) -> None:
    """Let the former handles of a collection be those of another one."""
    column = former_collection_handles.c.collection_id
    conn.execute(sa.update(former_collection_handles).where(column == old).values(collection_id=new))


def store_members(conn: Connection, known: Collection[str], rows: Sequence[MemberRow]) -> set[str]:
    """Replace the members of the known collections. Returns the ids of those whose members have changed."""
    before, after = {MemberRow(*row) for row in _members.select(conn, known)}, set(rows)
    _member_delete.run(conn, before - after)
    _member_insert.run(conn, sorted(after - before))
    return {row.collection_id for row in before ^ after}


# ------------------------------------------------------------------------------------------------ products


def _select_derived(column: sa.Column[Any]) -> BulkSelect:
    """Select the products that members are now, of the collections or products among the keys."""
    listed_as = sa.and_(
        channel_products.c.channel == collection_members.c.channel,
        channel_products.c.external_id == collection_members.c.external_id,
    )
    is_live = sa.and_(
        listings.c.channel_product_id == channel_products.c.id, listings.c.current, listings.c.gone.is_(False)
    )
    position = sa.func.min(collection_members.c.position)
    joined = (
        sa.select(collection_members.c.collection_id, listings.c.product_id, position)
        .select_from(collection_members)
        .join(channel_products, listed_as)
        .join(listings, is_live)
    )

    def build(among: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return joined.where(among).group_by(collection_members.c.collection_id, listings.c.product_id)

    return BulkSelect(build, column)


class _DerivedProducts:
    """The products of collections, or the collections of products, as stored and as their members have it."""

    def __init__(self, stored: sa.Column[Any], derived: sa.Column[Any]) -> None:
        self._stored = BulkSelect(sa.select(*_product_columns), stored)
        self._derived = _select_derived(derived)

    def refresh(self, conn: Connection, keys: Collection[str]) -> None:
        before = {CollectionProductRow(*row) for row in self._stored.select(conn, keys)}
        after = {CollectionProductRow(*row) for row in self._derived.select(conn, keys)}
        _product_delete.run(conn, before - after)
        _product_insert.run(conn, sorted(after - before))


_of_collections = _DerivedProducts(collection_products.c.collection_id, collection_members.c.collection_id)
_of_products = _DerivedProducts(collection_products.c.product_id, listings.c.product_id)
_any_member = sa.select(collection_members.c.position).limit(1)


def refresh_products_of_collections(conn: Connection, ids: Collection[str]) -> None:
    """Derive the products of these collections from their members."""
    _of_collections.refresh(conn, ids)


def refresh_collections_of_products(conn: Connection, ids: Collection[str]) -> None:
    """Derive the collections of these products, whose listings have changed."""
    if conn.scalar(_any_member) is not None:
        _of_products.refresh(conn, ids)
