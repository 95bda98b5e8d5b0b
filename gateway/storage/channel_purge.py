"""Purge of what a channel has stored, in slices. Orders and customers stay as history.

Listings, channel products and their source records stay as tombstones without content (rule S5): variants, carts and
order lines refer to them, and a channel that returns under the same key continues with the next generation.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Resource
from gateway.model.stock import ReservationState
from gateway.storage.outbox import OutboxState
from gateway.storage.tables import (
    bought_together,
    budgets,
    carts,
    category_channels,
    category_path_channels,
    channel_currencies,
    channel_products,
    collection_members,
    collection_products,
    collections,
    former_collection_handles,
    identities,
    inbox,
    leases,
    links,
    listings,
    offers,
    orders,
    outbox,
    passes,
    price_history,
    product_reviews,
    product_texts,
    pushes,
    rejects,
    reservations,
    sold_units,
    sources,
    stock,
)
from gateway.storage.writes.reservations import is_open

PURGED = (
    category_channels,
    category_path_channels,
    channel_currencies,
    offers,
    sold_units,
    product_reviews,
    bought_together,
    collection_members,
    collections,
    former_collection_handles,
    pushes,
    outbox,
    inbox,
    rejects,
    passes,
    budgets,
    stock,
)
"""Tables from which the rows of the channel are deleted, after its products were removed."""

_EMPTY_PRICE = {"price": None, "price_micros": None, "compare_at_price": None, "currency": None}
_NO_OTHER_PRICES = {"prices": None, "price_since": None, "net_content": None}
_NO_MEDIA = {"image": None, "media": None, "option_texts": None}
_EMPTY_LISTING = {**_EMPTY_PRICE, **_NO_OTHER_PRICES, **_NO_MEDIA, "attributes": None}
_NO_TEXTS = {"html": None, "seo_title": None, "seo_description": None, "texts_digest": None, "attributes": None}
_NO_RATING = {"rating": None, "rating_count": None}
_EMPTY_LISTS = {"images": "[]", "tags": "[]", "category": "[]"}
_EMPTY_PRODUCT = {"description": "", "media": None, **_EMPTY_LISTS, **_NO_TEXTS, **_NO_RATING}
_UNREAD = {"digest": None, "version": None, "dirty_at": None, "absent_at": None, "rejected": False, "gone": True}
_HISTORY = (Resource.ORDERS.value, Resource.CUSTOMERS.value)


def count_data(conn: Connection, channel: str) -> dict[str, int]:
    """Count what a purge deletes, and what stays."""
    is_waiting = outbox.c.state.in_([OutboxState.QUEUED.value, OutboxState.SENDING.value])
    counted = {
        "listings": (listings, listings.c.current & ~listings.c.gone),
        "stock counts": (stock, sa.true()),
        "open reservations": (reservations, is_open),
        "unsent commands": (outbox, is_waiting),
        "rejected records": (rejects, sa.true()),
        "manual links": (links, sa.true()),
        "orders": (orders, sa.true()),
        "customers": (identities, sa.true()),
        "open carts": (carts, carts.c.status == "ACTIVE"),
    }
    return {name: _count(conn, table, channel, condition) for name, (table, condition) in counted.items()}


def _count(conn: Connection, table: sa.Table, channel: str, condition: sa.ColumnElement[bool]) -> int:
    counted = sa.select(sa.func.count()).select_from(table).where(table.c.channel == channel, condition)
    return conn.scalar(counted) or 0


def find_products(conn: Connection, channel: str, most: int) -> list[str]:
    """Find products of the channel that are not removed yet, at most `most`."""
    present = sa.select(channel_products.c.id).where(channel_products.c.channel == channel, ~channel_products.c.gone)
    return list(conn.scalars(present.order_by(channel_products.c.id).limit(most)))


def delete_links(conn: Connection, channel: str) -> None:
    """Delete the manual decisions about listings of the channel, and those that link others to them."""
    conn.execute(sa.delete(links).where(sa.or_(links.c.channel == channel, links.c.to_channel == channel)))


def clear_products(conn: Connection, ids: list[str]) -> None:
    """Delete the content of removed products, of their listings and of their source records."""
    listed = sa.select(listings.c.id).where(listings.c.channel_product_id.in_(ids))
    conn.execute(sa.delete(price_history).where(price_history.c.listing_id.in_(listed)))
    conn.execute(sa.update(listings).where(listings.c.channel_product_id.in_(ids)).values(_EMPTY_LISTING))
    conn.execute(sa.update(channel_products).where(channel_products.c.id.in_(ids)).values(_EMPTY_PRODUCT))
    conn.execute(sa.delete(product_texts).where(product_texts.c.channel_product_id.in_(ids)))
    conn.execute(sa.update(sources).where(sources.c.id.in_(ids)).values(_UNREAD))


def delete_members(conn: Connection, channel: str) -> None:
    """Delete which products the collections of the channel have."""
    of_channel = sa.select(collections.c.id).where(collections.c.channel == channel)
    conn.execute(sa.delete(collection_products).where(collection_products.c.collection_id.in_(of_channel)))


def delete_cursors(conn: Connection, channel: str) -> None:
    """Delete the feed cursors of the channel."""
    conn.execute(sa.delete(passes).where(passes.c.channel == channel))


def release_reservations(conn: Connection, channel: str, now: datetime) -> None:
    """Release what is reserved of the channel's own counts, and is not counted there any more."""
    released = {"state": ReservationState.RELEASED.value, "ask_at": None, "updated_at": now}
    conn.execute(sa.update(reservations).where(reservations.c.channel == channel, is_open).values(released))


def purge_slice(conn: Connection, channel: str, most: int) -> int:
    """Delete at most `most` rows of one table. Returns how many; 0: nothing is left."""
    for table in PURGED:
        if deleted := _delete_slice(conn, table, table.c.channel == channel, most):
            return deleted
    history = sources.c.resource.in_(_HISTORY)
    tombstones = sources.c.resource == Resource.PRODUCTS.value
    return _delete_slice(conn, sources, sa.and_(sources.c.channel == channel, ~history, ~tombstones), most)


def _delete_slice(conn: Connection, table: sa.Table, condition: sa.ColumnElement[bool], most: int) -> int:
    key = sa.tuple_(*table.primary_key.columns)
    rows = sa.select(*table.primary_key.columns).where(condition).limit(most)
    return conn.execute(sa.delete(table).where(key.in_(rows))).rowcount


def clear_hints(conn: Connection, channel: str) -> None:
    """Forget that records of the channel have to be read again, and who was to read them."""
    dirty = sa.and_(sources.c.channel == channel, sources.c.dirty_at.is_not(None))
    conn.execute(sa.update(sources).where(dirty).values(dirty_at=None))
    products = sa.and_(sources.c.channel == channel, sources.c.resource == Resource.PRODUCTS.value)
    conn.execute(sa.update(sources).where(products, sources.c.rejected).values(_UNREAD))
    conn.execute(sa.delete(leases).where(leases.c.name == f"sync {channel}"))
