"""Reads of carts, their lines and their changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.actors import Actor, CallerKind
from gateway.model.carts import Cart, CartChange, CartChangeKind, CartLine, CartStatus
from gateway.model.money import Money
from gateway.model.orders import OrderEventKind
from gateway.storage.reads.catalog import read_money
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.tables import Text, cart_changes, cart_lines, carts, identities, listings, order_events

_carts = BulkSelect(sa.select(carts), carts.c.id)
_lines = BulkSelect(
    sa.select(cart_lines, listings.c.variant_id, listings.c.sku, listings.c.price_includes_tax)
    .join(listings, listings.c.id == cart_lines.c.listing_id, isouter=True)
    .order_by(cart_lines.c.position),
    cart_lines.c.cart_id,
)


@dataclass(frozen=True, slots=True)
class CartAccess:
    """What the token of a cart gives access to.

    Attributes:
        rotation: how often the token was rotated.
        order_id: the order that was placed from the cart; None: none.
        placed_by: who placed it; None: it is not known.
        placed_at: when.
    """

    rotation: int
    order_id: str | None
    placed_by: Actor | None
    placed_at: datetime | None


_access = DriverSelect(
    sa.select(
        carts.c.rotation,
        carts.c.order_id,
        order_events.c.actor_kind,
        order_events.c.actor_name,
        order_events.c.actor_token,
        order_events.c.occurred_at,
    )
    .join(
        order_events,
        sa.and_(order_events.c.order_id == carts.c.order_id, order_events.c.kind == OrderEventKind.PLACED.value),
        isouter=True,
    )
    .where(carts.c.id == sa.bindparam("id", type_=Text))
    .order_by(order_events.c.number)
    .limit(1)
)


def find_access(conn: Connection, id_: str) -> CartAccess | None:
    """Find what the token of a cart gives access to; None: the cart does not exist."""
    rows = _access.fetch(conn, {"id": id_})
    if not rows:
        return None
    row = rows[0]
    is_known = row.actor_kind is not None
    actor = Actor(CallerKind(row.actor_kind), row.actor_name or "", row.actor_token) if is_known else None
    return CartAccess(row.rotation, row.order_id, actor, row.occurred_at)


def find_carts(conn: Connection, ids: Sequence[str]) -> Mapping[str, Cart]:
    """Find carts with their lines, by id."""
    rows = _carts.select(conn, ids)
    lines = _find_lines(conn, {row.id: row for row in rows})
    return {row.id: read_cart(row, lines.get(row.id, ())) for row in rows}


def list_carts_of_customers(channels: Sequence[str] | None, *, proved: bool = False) -> Rows[str]:
    """List the cart ids of each of many customers in these channels, latest first.

    Args:
        channels: None: all channels.
        proved: only those that the customer's login proves.
    """
    sort = Sort(carts.c.updated_at, carts.c.id, descending=True)
    statement = sa.select(carts.c.id).join(identities, identities.c.home == carts.c.customer_id)
    if channels is not None:
        statement = statement.where(carts.c.channel.in_(channels))
    parent = identities.c.proved_id if proved else identities.c.customer_id
    return Rows(statement, sort, lambda row: str(row.id), parent=parent)


def _find_lines(conn: Connection, owners: Mapping[str, sa.Row[tuple[object, ...]]]) -> dict[str, list[CartLine]]:
    lines: dict[str, list[CartLine]] = {}
    for row in _lines.select(conn, owners):
        owner = owners[row.cart_id]
        lines.setdefault(row.cart_id, []).append(
            CartLine(
                id=row.id,
                cart_id=row.cart_id,
                listing_id=row.listing_id,
                channel_key=owner.channel,
                currency_code=owner.currency,
                variant_id=row.variant_id,
                title=row.title,
                sku=row.sku,
                quantity=row.quantity,
                unit_price=read_money(row.unit_price, owner.currency),
                price_includes_tax=bool(row.price_includes_tax),
                price_micros=row.unit_price_micros,
            )
        )
    return lines


def read_cart(row: sa.Row[tuple[object, ...]], lines: Sequence[CartLine]) -> Cart:
    """Read a row of `carts`, with its lines."""
    return Cart(
        id=row.id,
        version=row.version,
        status=CartStatus(row.status),
        channel_key=row.channel,
        currency_code=row.currency,
        customer_id=row.customer_id,
        order_id=row.order_id,
        lines=tuple(lines),
        expires_at=row.expires_at,
        updated_at=row.updated_at,
        loyalty_points=row.loyalty_points or 0,
    )


def find_changes(conn: Connection, ids: Collection[str], version: int, limit: int) -> Mapping[str, list[CartChange]]:
    """Find each cart's changes after this version; of more than `limit` the latest, in order."""
    statement = (
        sa.select(cart_changes, carts.c.currency)
        .join(carts, carts.c.id == cart_changes.c.cart_id)
        .where(is_among(conn, cart_changes.c.cart_id, ids), cart_changes.c.version > version)
        .order_by(cart_changes.c.version, cart_changes.c.number)
    )
    changes_by_cart: dict[str, list[CartChange]] = {key: [] for key in ids}
    for row in conn.execute(statement):
        changes_by_cart[row.cart_id].append(_read_change(row))
    return {key: changes[-limit:] for key, changes in changes_by_cart.items()}


def _read_change(row: sa.Row[tuple[object, ...]]) -> CartChange:
    def read_amount(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, row.currency)

    return CartChange(
        kind=CartChangeKind(row.kind),
        cart_id=row.cart_id,
        line_id=row.line_id,
        title=row.title,
        price_before=read_amount(row.price_before),
        price_after=read_amount(row.price_after),
        quantity_before=row.quantity_before,
        quantity_after=row.quantity_after,
    )
