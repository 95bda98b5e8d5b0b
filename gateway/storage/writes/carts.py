"""Writes of carts, and the offers of channels that can be added to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.carts import CartStatus
from gateway.model.money import to_exact_minor
from gateway.storage.database import is_sqlite
from gateway.storage.reads.offered_listings import is_for_sale
from gateway.storage.sql.bulk import BulkSelect, build_insert, build_update, delete_by_keys
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import Text, cart_changes, cart_lines, carts, channel_products, listings
from gateway.storage.writes.orders import OrderLineRow


@dataclass(slots=True, kw_only=True)
class CartRow:
    """A row of `carts`. `client_key`: digest of the network that created it without a token."""

    id: str
    rotation: int = 0
    version: int
    status: str
    channel: str
    currency: str
    customer_id: str | None = None
    order_id: str | None = None
    created_at: datetime
    expires_at: datetime
    updated_at: datetime
    client_key: str | None = None
    loyalty_points: int | None = None
    loyalty_home: str | None = None


@dataclass(slots=True, kw_only=True)
class CartLineRow:
    """A row of `cart_lines`."""

    id: str
    cart_id: str
    position: int
    listing_id: str
    title: str
    quantity: int
    unit_price: int | None
    unit_price_micros: int | None


@dataclass(slots=True, kw_only=True)
class CartChangeRow:
    """A row of `cart_changes`."""

    cart_id: str
    version: int
    number: int
    kind: str
    line_id: str | None
    title: str
    price_before: int | None = None
    price_after: int | None = None
    quantity_before: int | None = None
    quantity_after: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A variant as a channel offers it now.

    Attributes:
        external_id, generation: the channel's id, by which orders refer to it.
        price: of one listing, in the minor unit of `currency`; `price_micros`: the exact price in millionths, if it
            has more digits.
        units: of stock in one listing.
    """

    listing_id: str
    variant_id: str
    channel: str
    external_id: str
    generation: int
    title: str
    sku: str | None
    price: int
    price_micros: int | None
    currency: str
    includes_tax: bool
    units: int

    @property
    def exact_price(self) -> Decimal:
        """The exact price in the smallest unit of the currency."""
        return to_exact_minor(self.price_micros, self.price, self.currency)


_names = [[field.name for field in fields(kind)] for kind in (CartRow, CartLineRow, CartChangeRow)]

_cart_insert, _cart_update = (build(carts, _names[0]) for build in (build_insert, build_update))

_line_insert, _line_update = (build(cart_lines, _names[1]) for build in (build_insert, build_update))

_change_insert = build_insert(cart_changes, _names[2])

_offers = BulkSelect(
    sa.select(
        listings.c.id,
        listings.c.variant_id,
        listings.c.channel,
        listings.c.external_id,
        listings.c.generation,
        sa.case(
            (listings.c.title.in_(["", channel_products.c.title]), channel_products.c.title),
            else_=channel_products.c.title + ", " + listings.c.title,
        ).label("title"),
        listings.c.sku,
        listings.c.price,
        listings.c.price_micros,
        listings.c.currency,
        listings.c.price_includes_tax,
        listings.c.units_per_listing,
    )
    .join(channel_products, channel_products.c.id == listings.c.channel_product_id)
    .where(is_for_sale(listings, sa.bindparam("channel", type_=Text), sa.bindparam("currency", type_=Text)))
    .order_by(listings.c.first_seen_at.desc(), listings.c.id.desc()),
    listings.c.variant_id,
)

_variants = BulkSelect(sa.select(listings.c.id, listings.c.variant_id), listings.c.id)


def find_offers(
    conn: Connection, channel: str, variant_ids: Collection[str], currency: str | None = None
) -> dict[str, Offer]:
    """Find a channel's current offers of these variants, by variant; of several listings the oldest (rule K9).

    `currency`: of the prices; None: any.
    """
    rows = _offers.select(conn, variant_ids, channel=channel, currency=currency)
    return {row.variant_id: Offer(*row) for row in rows}


_sold_offers = BulkSelect(
    sa.select(
        listings.c.id,
        listings.c.variant_id,
        listings.c.channel,
        listings.c.external_id,
        listings.c.generation,
        listings.c.title,
        listings.c.sku,
        sa.func.coalesce(listings.c.price, 0),
        listings.c.price_micros,
        sa.func.coalesce(listings.c.currency, ""),
        listings.c.price_includes_tax,
        listings.c.units_per_listing,
    ).where(listings.c.channel == sa.bindparam("channel")),
    listings.c.external_id,
)


def find_sold_offers(conn: Connection, lines: Sequence[OrderLineRow]) -> dict[str, Offer]:
    """Find the listings that the lines of an order were sold as, by line."""
    channel = lines[0].channel if lines else ""
    external_ids = {line.variant for line in lines if line.variant}
    rows = [Offer(*row) for row in _sold_offers.select(conn, external_ids, channel=channel)]
    offers_by_listing = {(offer.external_id, offer.generation): offer for offer in rows}
    offers = {line.id: offers_by_listing.get((line.variant or "", line.generation)) for line in lines}
    return {line: offer for line, offer in offers.items() if offer is not None}


def find_variants_of_listings(conn: Connection, listing_ids: Collection[str]) -> dict[str, str]:
    """Find the current variants of listings."""
    return {row.id: row.variant_id for row in _variants.select(conn, listing_ids)}


# ------------------------------------------------------------------------------------------------ writes


_locked_cart = DriverSelect(
    sa.select(*(carts.c[name] for name in _names[0])).where(carts.c.id == sa.bindparam("id")).with_for_update()
)

_lines_of_cart = DriverSelect(
    sa.select(*(cart_lines.c[name] for name in _names[1]))
    .where(cart_lines.c.cart_id == sa.bindparam("cart"))
    .order_by(cart_lines.c.position)
)


def lock_cart(conn: Connection, id_: str) -> CartRow | None:
    """Return a cart, locked until the end of the transaction."""
    rows = _locked_cart.fetch(conn, {"id": id_})
    return CartRow(**rows[0]._asdict()) if rows else None


def lock_client(conn: Connection, client_key: str) -> None:
    """Let one transaction at a time create carts of a client without a token. SQLite has one writer anyway."""
    if not is_sqlite(conn):
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"carts {client_key}", 0))))


def find_newest_cart(conn: Connection, client_key: str, rank: int) -> datetime | None:
    """Return when a client created the open cart of this rank, of the newest first, from 1; None: it has fewer."""
    owned = sa.and_(carts.c.client_key == client_key, carts.c.status == CartStatus.ACTIVE.value)
    newest = sa.select(carts.c.created_at).where(owned).order_by(carts.c.created_at.desc())
    return conn.scalar(newest.offset(rank - 1).limit(1))


_rotation = DriverSelect(sa.select(carts.c.rotation).where(carts.c.id == sa.bindparam("id")))


def get_rotation(conn: Connection, id_: str) -> int | None:
    """Return how often the cart's token was rotated; None: the cart does not exist."""
    return next((int(row.rotation) for row in _rotation.fetch(conn, {"id": id_})), None)


def find_open_cart(conn: Connection, homes: Collection[str], channel: str, excluded_id: str) -> CartRow | None:
    """Return the most recently changed active cart in a channel of these identities, by their homes, except the
    excluded cart, locked.
    """
    owned = sa.and_(carts.c.customer_id.in_(sorted(homes)), carts.c.channel == channel, carts.c.id != excluded_id)
    active = sa.and_(owned, carts.c.status == CartStatus.ACTIVE.value)
    latest = sa.select(carts.c.id).where(active).order_by(carts.c.updated_at.desc(), carts.c.id.desc()).limit(1)
    cart_id = conn.scalar(latest)
    return None if cart_id is None else lock_cart(conn, cart_id)


def find_lines(conn: Connection, cart_id: str) -> list[CartLineRow]:
    """Find the lines of a cart, in order."""
    return [CartLineRow(**row._asdict()) for row in _lines_of_cart.fetch(conn, {"cart": cart_id})]


def insert_cart(conn: Connection, row: CartRow) -> None:
    """Insert a new cart."""
    _cart_insert.run(conn, [row])


def update_cart(conn: Connection, row: CartRow) -> None:
    """Update a cart that is locked."""
    _cart_update.run(conn, [row])


def store_lines(conn: Connection, before: Collection[CartLineRow], after: Sequence[CartLineRow]) -> None:
    """Replace the lines of a cart."""
    existing_ids = {row.id for row in before}
    delete_by_keys(conn, cart_lines.c.id, existing_ids - {row.id for row in after})
    _line_update.run(conn, [row for row in after if row.id in existing_ids])
    _line_insert.run(conn, [row for row in after if row.id not in existing_ids])


def insert_changes(conn: Connection, rows: Sequence[CartChangeRow]) -> None:
    """Insert changes that the cart's owner did not make."""
    _change_insert.run(conn, rows)


def has_expired(conn: Connection, now: datetime) -> bool:
    """Return whether `expire_carts` would close any."""
    due = sa.and_(carts.c.status == sa.literal_column("'ACTIVE'"), carts.c.expires_at <= now)
    return conn.execute(sa.select(carts.c.id).where(due).limit(1)).first() is not None


def expire_carts(conn: Connection, now: datetime, limit: int) -> int:
    """Close expired carts, and return how many."""
    due = sa.and_(carts.c.status == CartStatus.ACTIVE.value, carts.c.expires_at <= now)
    expired = sa.select(carts.c.id).where(due).limit(limit).with_for_update(skip_locked=True)
    closed = sa.update(carts).where(carts.c.id.in_(expired), due)
    return conn.execute(closed.values(status=CartStatus.EXPIRED.value, version=carts.c.version + 1)).rowcount


def prune_carts(conn: Connection, before: datetime, most: int) -> int:
    """Delete carts that were closed before then, with their lines and changes, at most `most`; return how many (rule
    V1).
    """
    return _delete_carts(conn, sa.and_(sa.text("status <> 'ACTIVE'"), carts.c.updated_at < before), most)


def prune_abandoned_carts(conn: Connection, before: datetime, most: int) -> int:
    """Delete carts of clients without a token that expired before then, as `prune_carts` does."""
    is_abandoned = sa.text("status = 'EXPIRED' AND client_key IS NOT NULL")
    return _delete_carts(conn, sa.and_(is_abandoned, carts.c.expires_at < before), most)


def _delete_carts(conn: Connection, condition: sa.ColumnElement[bool], most: int) -> int:
    ids = list(conn.scalars(sa.select(carts.c.id).where(condition).limit(most)))
    for column in (cart_changes.c.cart_id, cart_lines.c.cart_id, carts.c.id):
        delete_by_keys(conn, column, ids)
    return len(ids)
