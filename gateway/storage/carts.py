"""Carts, and what channels offer that can be put into them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.carts import Cart, CartChange, CartChangeKind, CartLine, CartStatus
from gateway.model.catalog import ListingStatus, ProductStatus
from gateway.model.money import Money
from gateway.storage.catalog import LIVE, money
from gateway.storage.paging import Rows, Sort, among
from gateway.storage.rows import Keyed, delete_in, inserting, updating
from gateway.storage.sales import OrderLineRow
from gateway.storage.tables import cart_changes, cart_lines, carts, channel_products, listings


@dataclass(slots=True, kw_only=True)
class CartRow:
    """A row of `carts`."""

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
        external_id, generation: by which orders name it.
        price: of one listing, in the smallest unit of `currency`.
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
    currency: str
    includes_tax: bool
    units: int


_names = [[field.name for field in fields(kind)] for kind in (CartRow, CartLineRow, CartChangeRow)]
_new_cart, _set_cart = (many(carts, _names[0]) for many in (inserting, updating))
_new_line, _set_line = (many(cart_lines, _names[1]) for many in (inserting, updating))
_new_change = inserting(cart_changes, _names[2])

_offers = Keyed(
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
        listings.c.currency,
        listings.c.price_includes_tax,
        listings.c.units_per_listing,
    )
    .join(channel_products, channel_products.c.id == listings.c.channel_product_id)
    .where(
        LIVE,
        listings.c.channel == sa.bindparam("channel"),
        listings.c.status == ListingStatus.ACTIVE.value,
        listings.c.price.is_not(None),
        channel_products.c.status == ProductStatus.ACTIVE.value,
    )
    .order_by(listings.c.id.desc()),
    listings.c.variant_id,
)
_variants = Keyed(sa.select(listings.c.id, listings.c.variant_id), listings.c.id)


def offers(conn: Connection, channel: str, variant_ids: Collection[str]) -> dict[str, Offer]:
    """What a channel offers of these variants now, by variant; of several listings of one the oldest."""
    return {row.variant_id: Offer(*row) for row in _offers.all(conn, variant_ids, channel=channel)}


_sold = Keyed(
    sa.select(
        listings.c.id,
        listings.c.variant_id,
        listings.c.channel,
        listings.c.external_id,
        listings.c.generation,
        listings.c.title,
        listings.c.sku,
        sa.func.coalesce(listings.c.price, 0),
        sa.func.coalesce(listings.c.currency, ""),
        listings.c.price_includes_tax,
        listings.c.units_per_listing,
    ).where(listings.c.channel == sa.bindparam("channel")),
    listings.c.external_id,
)


def offers_of_sold(conn: Connection, lines: Sequence[OrderLineRow]) -> dict[str, Offer]:
    """What the lines of an order were sold as, by line."""
    channel = lines[0].channel if lines else ""
    wanted = {line.variant for line in lines if line.variant}
    rows = [Offer(*row) for row in _sold.all(conn, wanted, channel=channel)]
    known = {(offer.external_id, offer.generation): offer for offer in rows}
    found = {line.id: known.get((line.variant or "", line.generation)) for line in lines}
    return {line: offer for line, offer in found.items() if offer is not None}


def variants_of(conn: Connection, listing_ids: Collection[str]) -> dict[str, str]:
    """The variants that listings are by now."""
    return {row.id: row.variant_id for row in _variants.all(conn, listing_ids)}


# ------------------------------------------------------------------------------------------------ writing


_locked = sa.select(*(carts.c[name] for name in _names[0])).where(carts.c.id == sa.bindparam("id")).with_for_update()
_lines_of = (
    sa.select(*(cart_lines.c[name] for name in _names[1]))
    .where(cart_lines.c.cart_id == sa.bindparam("cart"))
    .order_by(cart_lines.c.position)
)


def locked(conn: Connection, id_: str) -> CartRow | None:
    """A cart; nobody else changes it before this transaction ends."""
    row = conn.execute(_locked, {"id": id_}).first()
    return None if row is None else CartRow(**row._mapping)


def rotation_of(conn: Connection, id_: str) -> int | None:
    """How often the cart's token has been changed; None: there is no such cart."""
    return conn.scalar(sa.select(carts.c.rotation).where(carts.c.id == id_))


def open_cart_of(conn: Connection, customer_id: str, channel: str, but: str) -> CartRow | None:
    """The cart that a customer filled last in a channel, other than this one."""
    hers = sa.and_(carts.c.customer_id == customer_id, carts.c.channel == channel, carts.c.id != but)
    active = sa.and_(hers, carts.c.status == CartStatus.ACTIVE.value)
    latest = sa.select(carts.c.id).where(active).order_by(carts.c.updated_at.desc(), carts.c.id.desc()).limit(1)
    found = conn.scalar(latest)
    return None if found is None else locked(conn, found)


def lines_of(conn: Connection, cart_id: str) -> list[CartLineRow]:
    """Its lines, in their order."""
    return [CartLineRow(**row._mapping) for row in conn.execute(_lines_of, {"cart": cart_id})]


def add(conn: Connection, row: CartRow) -> None:
    """Insert a new cart."""
    _new_cart.run(conn, [row])


def store(conn: Connection, row: CartRow) -> None:
    """Set a cart that is locked."""
    _set_cart.run(conn, [row])


def store_lines(conn: Connection, before: Collection[CartLineRow], after: Sequence[CartLineRow]) -> None:
    """Have a cart have these lines instead of those."""
    known = {row.id for row in before}
    delete_in(conn, cart_lines.c.id, known - {row.id for row in after})
    _set_line.run(conn, [row for row in after if row.id in known])
    _new_line.run(conn, [row for row in after if row.id not in known])


def note(conn: Connection, rows: Sequence[CartChangeRow]) -> None:
    """Write down what happened to a cart without its owner's doing."""
    _new_change.run(conn, rows)


def any_expired(conn: Connection, now: datetime) -> bool:
    """Whether `expire` would close any."""
    due = sa.and_(carts.c.status == sa.literal_column("'ACTIVE'"), carts.c.expires_at <= now)
    return conn.execute(sa.select(carts.c.id).where(due).limit(1)).first() is not None


def expire(conn: Connection, now: datetime, most: int) -> int:
    """Close carts whose time is over; how many."""
    due = sa.and_(carts.c.status == CartStatus.ACTIVE.value, carts.c.expires_at <= now)
    some = sa.select(carts.c.id).where(due).limit(most).with_for_update(skip_locked=True)
    closed = sa.update(carts).where(carts.c.id.in_(some), due)
    return conn.execute(closed.values(status=CartStatus.EXPIRED.value, version=carts.c.version + 1)).rowcount


def prune(conn: Connection, before: datetime) -> int:
    """Forget carts that were over before then, with all that is theirs; how many (rule V1)."""
    over = sa.and_(carts.c.status != CartStatus.ACTIVE.value, carts.c.updated_at < before)
    ids = list(conn.scalars(sa.select(carts.c.id).where(over)))
    for column in (cart_changes.c.cart_id, cart_lines.c.cart_id, carts.c.id):
        delete_in(conn, column, ids)
    return len(ids)


# ------------------------------------------------------------------------------------------------ reading


def by_ids(conn: Connection, ids: Sequence[str]) -> Mapping[str, Cart]:
    """Carts with their lines, by id."""
    rows = conn.execute(sa.select(carts).where(among(conn, carts.c.id, ids))).all()
    lines = _lines(conn, {row.id: row for row in rows})
    return {row.id: cart(row, lines.get(row.id, ())) for row in rows}


def of_customers() -> Rows[str]:
    """The ids of each of many customers' carts, the latest first."""
    sort = Sort(carts.c.updated_at, carts.c.id, descending=True)
    return Rows(sa.select(carts.c.id), sort, lambda row: str(row.id), parent=carts.c.customer_id)


def _lines(conn: Connection, owners: Mapping[str, sa.Row[tuple[object, ...]]]) -> dict[str, list[CartLine]]:
    statement = (
        sa.select(cart_lines, listings.c.variant_id, listings.c.sku, listings.c.price_includes_tax)
        .join(listings, listings.c.id == cart_lines.c.listing_id, isouter=True)
        .where(among(conn, cart_lines.c.cart_id, owners))
        .order_by(cart_lines.c.position)
    )
    found: dict[str, list[CartLine]] = {}
    for row in conn.execute(statement):
        owner = owners[row.cart_id]
        found.setdefault(row.cart_id, []).append(
            CartLine(
                id=row.id,
                cart_id=row.cart_id,
                listing_id=row.listing_id,
                channel_key=owner.channel,
                variant_id=row.variant_id,
                title=row.title,
                sku=row.sku,
                quantity=row.quantity,
                unit_price=money(row.unit_price, owner.currency),
                price_includes_tax=bool(row.price_includes_tax),
            )
        )
    return found


def cart(row: sa.Row[tuple[object, ...]], lines: Sequence[CartLine]) -> Cart:
    """A row of `carts`, with its lines."""
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
    )


def changes_since(conn: Connection, ids: Collection[str], version: int, most: int) -> Mapping[str, list[CartChange]]:
    """What happened to each cart after this version, the latest changes last."""
    statement = (
        sa.select(cart_changes, carts.c.currency)
        .join(carts, carts.c.id == cart_changes.c.cart_id)
        .where(among(conn, cart_changes.c.cart_id, ids), cart_changes.c.version > version)
        .order_by(cart_changes.c.version, cart_changes.c.number)
    )
    found: dict[str, list[CartChange]] = {key: [] for key in ids}
    for row in conn.execute(statement):
        found[row.cart_id].append(_change(row))
    return {key: some[-most:] for key, some in found.items()}


def _change(row: sa.Row[tuple[object, ...]]) -> CartChange:
    def amount(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, row.currency)

    return CartChange(
        kind=CartChangeKind(row.kind),
        cart_id=row.cart_id,
        line_id=row.line_id,
        title=row.title,
        price_before=amount(row.price_before),
        price_after=amount(row.price_after),
        quantity_before=row.quantity_before,
        quantity_after=row.quantity_after,
    )
