"""Ids of products that no product has now: those of its channel products and listings (rule H1)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.ids import is_row_id, swap_product_and_listing
from gateway.model.product_membership import Member, find_main_product
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.sql.keyset import is_among
from gateway.storage.tables import channel_products, former_handles, listings, products

MAX_MATCHES = 10

_HANDLE = sa.bindparam("handle", type_=channel_products.c.handle.type)
_FORMERLY_NAMED = DriverSelect(
    sa.select(former_handles.c.product_id)
    .where(former_handles.c.handle == _HANDLE)
    .order_by(former_handles.c.replaced_at.desc())
)
_NAMED_IN_CHANNELS = DriverSelect(
    sa.select(channel_products.c.id)
    .where(channel_products.c.handle == _HANDLE, ~channel_products.c.gone)
    .order_by(channel_products.c.channel, channel_products.c.external_id)
    .limit(MAX_MATCHES)
)

_DIGITS = re.compile(r"-([0-9a-f]{12})\Z")
_AFTER_DIGITS = "g"


def resolve_products(conn: Connection, ids: Iterable[str]) -> Mapping[str, str]:
    """Resolve ids to the present ids of products. An id that a product has is left out, as is an unknown one.

    The id of a channel product stands for the product with most of its variants, one that is named after a listing for
    that of the listing.
    """
    wanted = [id_ for id_ in ids if is_row_id(id_)]
    if not wanted:
        return {}
    return _find_products_of_listings(conn, wanted) | _find_products_of_channel_products(conn, wanted)


def _find_products_of_listings(conn: Connection, ids: Collection[str]) -> dict[str, str]:
    product_ids = {swap_product_and_listing(id_): id_ for id_ in ids}
    statement = sa.select(listings.c.id, listings.c.product_id).where(is_among(conn, listings.c.id, product_ids))
    return {product_ids[row.id]: row.product_id for row in conn.execute(statement)}


def _find_products_of_channel_products(conn: Connection, ids: Collection[str]) -> dict[str, str]:
    id_ = listings.c.channel_product_id
    columns = [listings.c[name] for name in ("product_id", "variant_id", "position", "external_id", "current", "gone")]
    is_present = sa.select(products.c.id).where(products.c.id == id_).correlate(listings).exists()
    members: dict[str, list[sa.Row[Any]]] = {}
    for row in conn.execute(sa.select(id_.label("of"), *columns).where(is_among(conn, id_, ids), ~is_present)):
        members.setdefault(row.of, []).append(row)
    return {of: _find_main_product(rows) for of, rows in members.items()}


def _find_main_product(rows: Sequence[sa.Row[Any]]) -> str:
    """Find the product that a channel product stands for: what the channel lists counts, else what it last listed."""
    live, current = [row for row in rows if row.current and not row.gone], [row for row in rows if row.current]
    shown = live or current or rows
    return find_main_product(Member(row.product_id, row.variant_id, row.position, row.external_id) for row in shown)


def find_ids_by_handle(conn: Connection, handle: str) -> Sequence[str]:
    """Find ids of products by a handle that none of them has now (rule H2): a channel has it, they had it before, the
    last one first, or it ends with digits of the id.
    """
    named = [row.id for row in _NAMED_IN_CHANNELS.fetch(conn, {"handle": handle})]
    former = [row.product_id for row in _FORMERLY_NAMED.fetch(conn, {"handle": handle})]
    return [*named, *former, *_find_ids_by_digits(conn, handle)]


def _find_ids_by_digits(conn: Connection, handle: str) -> Sequence[str]:
    match = _DIGITS.search(handle)
    if match is None:
        return ()
    digits = match[1]
    named_after = swap_product_and_listing(digits.ljust(32, "0"))[:12]
    found = [
        *_find_by_prefix(conn, products.c.id, digits),
        *_find_by_prefix(conn, channel_products.c.id, digits),
        *map(swap_product_and_listing, _find_by_prefix(conn, listings.c.id, named_after)),
    ]
    return list(dict.fromkeys(found))


def _find_by_prefix(conn: Connection, column: sa.ColumnElement[str], prefix: str) -> list[str]:
    within = sa.and_(column >= prefix, column < prefix + _AFTER_DIGITS)
    return list(conn.scalars(sa.select(column).where(within).order_by(column).limit(MAX_MATCHES)))
