"""Reads of collections of channels, and of those of the configuration in the same lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import Collection, CollectionKind
from gateway.model.content import ProductText
from gateway.model.validation import MAX_KEY_LENGTH, fold
from gateway.storage.reads.catalog import Visibility
from gateway.storage.sql.bulk import load_json
from gateway.storage.sql.decoded_texts import decode_once
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.sql.media_json import load_image
from gateway.storage.tables import Text, collection_products, collections, former_collection_handles

_COLUMNS = ("id", "channel", "handle", "sort_title", "texts", "image", "updated_at")
_columns = tuple(collections.c[name] for name in _COLUMNS)


def is_collection_visible(visibility: Visibility, channel: str | None = None) -> sa.ColumnElement[bool]:
    """Build the condition for collections of channels that the caller sees, or of one of them."""
    conditions: list[sa.ColumnElement[bool]] = [collections.c.gone.is_(False)]
    if visibility.listed is not None:
        conditions.append(collections.c.channel.in_(visibility.listed))
    if channel is not None:
        conditions.append(collections.c.channel == channel)
    return sa.and_(*conditions)


def find_collections(conn: Connection, ids: Sequence[str], visibility: Visibility) -> Mapping[str, Collection]:
    """Find the collections with these ids."""
    statement = sa.select(*_columns).where(is_among(conn, collections.c.id, ids), is_collection_visible(visibility))
    return {row.id: read_collection(row) for row in conn.execute(statement)}


def find_collection_by_handle(
    conn: Connection, channel: str, handle: str, visibility: Visibility
) -> tuple[Collection | None, bool]:
    """Find the collection of a channel with this handle, else the one that had it last (rule H2).

    Returns:
        The collection, and whether it has the handle now.
    """
    named, formerly_named = _select_by_handle(channel, visibility)
    for row in named.fetch(conn, {"handle": handle}):
        return read_collection(row), True
    for row in formerly_named.fetch(conn, {"handle": handle}):
        return read_collection(row), False
    return None, False


@lru_cache(64)
def _select_by_handle(channel: str, visibility: Visibility) -> tuple[DriverSelect, DriverSelect]:
    """Select the collection that has a handle, and the one that had it last."""
    visible = sa.select(*_columns).where(is_collection_visible(visibility, channel))
    handle = sa.bindparam("handle", type_=collections.c.handle.type)
    named = visible.where(collections.c.handle == handle).order_by(collections.c.external_id)
    had = sa.and_(
        former_collection_handles.c.collection_id == collections.c.id,
        former_collection_handles.c.channel == channel,
        former_collection_handles.c.handle == handle,
    )
    former = visible.join(former_collection_handles, had).order_by(former_collection_handles.c.replaced_at.desc())
    return DriverSelect(named.limit(1)), DriverSelect(former.limit(1))


def search_collections(
    visibility: Visibility, channel: str | None, words: Sequence[str], smart: Sequence[Collection]
) -> Rows[Collection]:
    """Search the collections of channels, and these of the configuration, by the words of their titles.

    Args:
        channel: only collections of this channel; None: of all that the caller sees.
        words: folded texts that the titles contain.
    """
    named = [collections.c.sort_title.contains(word, autoescape=True) for word in words]
    own = sa.select(*_columns).where(is_collection_visible(visibility, channel), *named)
    by_id = {collection.id: collection for collection in smart}
    listed = sa.union_all(own, *map(_select_literal, smart)).subquery("listed") if smart else own.subquery("listed")

    def read(row: sa.Row[Any]) -> Collection:
        return by_id[row.id] if row.channel is None else read_collection(row)

    return Rows(sa.select(listed), Sort(listed.c.sort_title, listed.c.id), read)


def _select_literal(collection: Collection) -> sa.Select[Any]:
    """Select a collection of the configuration as a row."""
    values = {"id": collection.id, "sort_title": fold(collection.title)[:MAX_KEY_LENGTH]}
    return sa.select(
        *(
            (sa.literal(values[column.name], Text) if column.name in values else sa.cast(sa.null(), column.type)).label(
                column.name
            )
            for column in _columns
        )
    )


@lru_cache(64)  # building a statement takes longer than running it
def list_collections_of_products(visibility: Visibility, channel: str | None) -> Rows[Collection]:
    """List the collections of each of many products."""
    in_collection = collection_products.c.collection_id == collections.c.id
    statement = sa.select(*_columns).join(collection_products, in_collection)
    visible = statement.where(is_collection_visible(visibility, channel))
    sort = Sort(collections.c.sort_title, collections.c.id)
    return Rows(visible, sort, read_collection, parent=collection_products.c.product_id)


def find_collections_by_title(conn: Connection, part: str, visibility: Visibility, limit: int) -> Sequence[Collection]:
    """Find collections of channels with this text anywhere in their folded title."""
    has_part = collections.c.sort_title.contains(part, autoescape=True)
    statement = sa.select(*_columns).where(has_part, is_collection_visible(visibility))
    ordered = statement.order_by(collections.c.sort_title, collections.c.id).limit(limit)
    return [read_collection(row) for row in conn.execute(ordered)]


def read_collection(row: sa.Row[Any]) -> Collection:
    """Read a row of `collections`."""
    return Collection(
        id=row.id,
        handle=row.handle,
        channel_key=row.channel,
        kind=CollectionKind.MANUAL,
        texts=_read_texts(row.texts),
        image=load_image(row.image, row.channel),
        updated_at=row.updated_at,
    )


@decode_once
def _read_texts(text: str) -> tuple[ProductText, ...]:
    return tuple(
        ProductText(
            locale=locale, title=title, description=description, html=html, seo_title=seo_title, seo_description=seo
        )
        for locale, title, description, html, seo_title, seo in load_json(text)
    )
