"""Carts: filled, changed, moved to another channel, given to a customer. They reserve nothing.

Whatever is done to a cart, its prices and quantities are looked at anew: what is different from what its owner saw is
written down as a change, and said as a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.commerce import credentials
from gateway.commerce.routes import places_for
from gateway.commerce.selling import Selling
from gateway.model.carts import CartChangeKind, CartStatus, CartWarning, CartWarningCode
from gateway.model.ids import new_id
from gateway.model.money import minor_text
from gateway.model.outcomes import Outcome, UserError, UserErrorCode
from gateway.storage import carts, levels
from gateway.storage.carts import CartChangeRow, CartLineRow, CartRow, Offer
from gateway.storage.database import Connection

MOST_LINES = 200
MOST_OF_A_LINE = 9_999


@dataclass(frozen=True, slots=True)
class Held:
    """A cart, as somebody names it: by its token, and by the version that she saw."""

    token: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Filling:
    """So much of a variant. `position`: in the input."""

    position: int
    variant_id: str
    quantity: int


@dataclass(slots=True)
class Open:
    """A cart that is being changed: its rows, and what is found out on the way."""

    row: CartRow
    before: list[CartLineRow]
    lines: list[CartLineRow]
    errors: list[UserError] = field(default_factory=list)
    warnings: list[CartWarning] = field(default_factory=list)
    changes: list[CartChangeRow] = field(default_factory=list)

    def changed(self, kind: CartChangeKind, line: CartLineRow | None, **values: int | None) -> None:
        """Something happened to it without its owner's doing."""
        self.changes.append(
            CartChangeRow(
                cart_id=self.row.id,
                version=self.row.version + 1,
                number=len(self.changes),
                kind=kind.value,
                line_id=None if line is None else line.id,
                title="" if line is None else line.title,
                **values,
            )
        )


# ------------------------------------------------------------------------------------------------ use cases


def create(
    conn: Connection, channel: str, currency: str | None, filling: Sequence[Filling], selling: Selling, now: datetime
) -> Outcome:
    """A new cart in this channel."""
    own = selling.currencies.get(channel)
    if own is None:
        return Outcome(user_errors=(_error(UserErrorCode.CHANNEL_UNAVAILABLE, "channelKey", "It cannot sell now."),))
    if currency not in (None, own):
        return Outcome(
            user_errors=(_error(UserErrorCode.CURRENCY_MISMATCH, "currencyCode", f"{channel} sells in {own}."),)
        )
    row = CartRow(
        id=new_id(now),
        version=0,
        status=CartStatus.ACTIVE.value,
        channel=channel,
        currency=own,
        created_at=now,
        expires_at=now + selling.cart_lasts,
        updated_at=now,
    )
    opened = Open(row, [], [])
    _fill(conn, opened, filling, now)
    if opened.errors:
        return Outcome(user_errors=tuple(opened.errors))
    carts.add(conn, row)
    return _kept(conn, opened, selling, now)


def add(conn: Connection, held: Held, filling: Sequence[Filling], selling: Selling, now: datetime) -> Outcome:
    """Put more into a cart."""
    return _change(conn, held, lambda opened: _fill(conn, opened, filling, now), selling, now)


def update(conn: Connection, held: Held, quantities: Mapping[str, int], selling: Selling, now: datetime) -> Outcome:
    """Have lines have these quantities; 0: they go."""

    def work(opened: Open) -> None:
        known = {line.id: line for line in opened.lines}
        for n, (id_, quantity) in enumerate(quantities.items()):
            if id_ not in known:
                opened.errors.append(_error(UserErrorCode.NOT_FOUND, f"lines.{n}.lineId", "There is no such line."))
            elif not 0 <= quantity <= MOST_OF_A_LINE:
                opened.errors.append(_odd_quantity(n))
            else:
                known[id_].quantity = quantity
        opened.lines = [line for line in opened.lines if line.quantity]

    return _change(conn, held, work, selling, now)


def remove(conn: Connection, held: Held, line_ids: Sequence[str], selling: Selling, now: datetime) -> Outcome:
    """Take lines out."""

    def work(opened: Open) -> None:
        known = {line.id for line in opened.lines}
        missing = [n for n, id_ in enumerate(line_ids) if id_ not in known]
        opened.errors += [_error(UserErrorCode.NOT_FOUND, f"lineIds.{n}", "There is no such line.") for n in missing]
        opened.lines = [line for line in opened.lines if line.id not in line_ids]

    return _change(conn, held, work, selling, now)


def move(conn: Connection, held: Held, channel: str, selling: Selling, now: datetime) -> Outcome:
    """Carry on in another channel, or on another device: priced and looked at anew, under a new token."""
    currency = selling.currencies.get(channel)

    def work(opened: Open) -> None:
        if currency is None:
            opened.errors.append(_error(UserErrorCode.CHANNEL_UNAVAILABLE, "channelKey", "It cannot sell now."))
            return
        opened.row.rotation += 1
        if channel != opened.row.channel:
            opened.row.channel, opened.row.currency = channel, currency
            opened.changed(CartChangeKind.CHANNEL_MOVED, None)

    return _change(conn, held, work, selling, now)


def give(conn: Connection, held: Held, customer_id: str | None, selling: Selling, now: datetime) -> Outcome:
    """Have the cart be a customer's, with what is in the one that she filled before; under a new token."""

    def work(opened: Open) -> None:
        opened.row.rotation += 1
        opened.row.customer_id = customer_id
        other = customer_id and carts.open_cart_of(conn, customer_id, opened.row.channel, opened.row.id)
        if other:
            _merge(conn, opened, other, now)

    return _change(conn, held, work, selling, now)


def _merge(conn: Connection, opened: Open, other: CartRow, now: datetime) -> None:
    mine = {line.listing_id: line for line in opened.lines}
    for line in carts.lines_of(conn, other.id):
        if line.listing_id in mine:
            same = mine[line.listing_id]
            same.quantity = min(same.quantity + line.quantity, MOST_OF_A_LINE)
        elif len(opened.lines) < MOST_LINES:
            place = len(opened.lines)
            opened.lines.append(replace(line, id=new_id(now), cart_id=opened.row.id, position=place))
    other.status, other.version, other.updated_at = CartStatus.MERGED.value, other.version + 1, now
    carts.store(conn, other)


# ------------------------------------------------------------------------------------------------ changing


def opened(conn: Connection, held: Held, secret: bytes, now: datetime) -> CartRow | UserError:
    """The cart that a token is for, locked; or why it cannot be changed."""
    id_ = credentials.named(held.token)
    row = None if id_ is None else carts.locked(conn, id_)
    if row is None or not credentials.is_right(held.token, credentials.of_cart(secret, row.id, row.rotation)):
        return _error(UserErrorCode.NOT_FOUND, "cartToken", "There is no such cart.")
    if row.status == CartStatus.EXPIRED.value or row.expires_at <= now:
        return _error(UserErrorCode.CART_EXPIRED, "cartToken", "The cart has expired.")
    if row.status != CartStatus.ACTIVE.value:
        return _error(UserErrorCode.NOT_ALLOWED_IN_STATE, "cartToken", "The cart has been ordered, or merged.")
    if held.version is not None and held.version != row.version:
        return _error(UserErrorCode.CONFLICT, "version", "The cart has changed: look again.")
    return row


def _change(conn: Connection, held: Held, work: Callable[[Open], None], selling: Selling, now: datetime) -> Outcome:
    row = opened(conn, held, selling.secret, now)
    if isinstance(row, UserError):
        known = row.code is not UserErrorCode.NOT_FOUND
        return Outcome(subject=credentials.named(held.token) if known else None, user_errors=(row,))
    before = carts.lines_of(conn, row.id)
    changing = Open(row, before, [replace(line) for line in before])
    work(changing)
    if changing.errors:
        return Outcome(subject=row.id, user_errors=tuple(changing.errors))
    return _kept(conn, changing, selling, now)


def _fill(conn: Connection, opened: Open, filling: Sequence[Filling], now: datetime) -> None:
    offers = carts.offers(conn, opened.row.channel, [one.variant_id for one in filling])
    mine = {line.listing_id: line for line in opened.lines}
    for one in filling:
        offer = offers.get(one.variant_id)
        if not 0 < one.quantity <= MOST_OF_A_LINE:
            opened.errors.append(_odd_quantity(one.position))
        elif offer is None or offer.currency != opened.row.currency:
            opened.errors.append(_not_offered(one.position))
        elif offer.listing_id in mine:
            same = mine[offer.listing_id]
            same.quantity = min(same.quantity + one.quantity, MOST_OF_A_LINE)
        elif len(opened.lines) == MOST_LINES:
            opened.errors.append(_error(UserErrorCode.LIMIT_EXCEEDED, "lines", f"At most {MOST_LINES} lines."))
            return
        else:
            line = _line(opened, offer, one.quantity, now)
            mine[offer.listing_id] = line
            opened.lines.append(line)


def _line(opened: Open, offer: Offer, quantity: int, now: datetime) -> CartLineRow:
    return CartLineRow(
        id=new_id(now),
        cart_id=opened.row.id,
        position=1 + max((line.position for line in opened.lines), default=-1),
        listing_id=offer.listing_id,
        title=offer.title,
        quantity=quantity,
        unit_price=offer.price,
    )


def _kept(conn: Connection, changing: Open, selling: Selling, now: datetime) -> Outcome:
    """Store it, after a look at what has become of its prices and quantities."""
    look_again(conn, changing, selling)
    row = changing.row
    row.version, row.updated_at, row.expires_at = row.version + 1, now, now + selling.cart_lasts
    carts.store_lines(conn, changing.before, changing.lines)
    carts.note(conn, changing.changes)
    carts.store(conn, row)
    return Outcome(subject=row.id, warnings=tuple(changing.warnings), done=True)


def look_again(conn: Connection, changing: Open, selling: Selling) -> None:
    """Compare what stands in the cart with what its channel offers now."""
    row = changing.row
    variants = carts.variants_of(conn, [line.listing_id for line in changing.lines])
    changing.lines = _joined(changing.lines, variants)
    offers = carts.offers(conn, row.channel, set(variants.values()))
    places = places_for(selling.ground)
    free = levels.available_at(conn, set(variants.values()), levels.counted(places, selling.ground.buffers))
    for line in changing.lines:
        variant = variants.get(line.listing_id)
        offer = None if variant is None else offers.get(variant)
        offered = offer if offer is not None and offer.currency == row.currency else None
        known = {} if variant is None else free[variant]
        counts = [one.units for one in known.values()]
        _look_at(changing, line, offered, None if None in counts else sum(one or 0 for one in counts))


def _joined(lines: Sequence[CartLineRow], variants: Mapping[str, str]) -> list[CartLineRow]:
    """Lines of what is one variant by now are one line."""
    kept: dict[str, CartLineRow] = {}
    for line in lines:
        same = kept.setdefault(variants.get(line.listing_id, line.id), line)
        if same is not line:
            same.quantity = min(same.quantity + line.quantity, MOST_OF_A_LINE)
    return list(kept.values())


def _look_at(changing: Open, line: CartLineRow, offer: Offer | None, free: int | None) -> None:
    if offer is None:
        if line.unit_price is not None:
            changing.changed(CartChangeKind.UNAVAILABLE, line, price_before=line.unit_price)
            _warn(changing, CartWarningCode.LINE_UNAVAILABLE, line, "is not offered here")
        line.unit_price = None
        return
    line.listing_id = offer.listing_id
    _compare_price(changing, line, offer)
    most = None if free is None else free // offer.units
    if most is not None and line.quantity > most > 0:
        changing.changed(CartChangeKind.QUANTITY_REDUCED, line, quantity_before=line.quantity, quantity_after=most)
        _warn(changing, CartWarningCode.QUANTITY_REDUCED, line, f"is only there {most} times")
        line.quantity = most
    elif most == 0:
        _warn(changing, CartWarningCode.LINE_UNAVAILABLE, line, "is sold out")


def _compare_price(changing: Open, line: CartLineRow, offer: Offer) -> None:
    if line.unit_price not in (None, offer.price):
        changing.changed(CartChangeKind.PRICE_CHANGED, line, price_before=line.unit_price, price_after=offer.price)
        price = f"{minor_text(offer.price, offer.currency)} {offer.currency}"
        _warn(changing, CartWarningCode.PRICE_CHANGED, line, f"costs {price} now")
    line.unit_price, line.title = offer.price, offer.title


def _warn(changing: Open, code: CartWarningCode, line: CartLineRow, what: str) -> None:
    message = f"{line.title} {what}."
    changing.warnings.append(CartWarning(code=code, message=message, cart_id=changing.row.id, line_id=line.id))


# ------------------------------------------------------------------------------------------------ refusals


def _error(code: UserErrorCode, field: str, message: str) -> UserError:
    return UserError(code=code, field=("input", *field.split(".")), message=message)


def _not_offered(position: int) -> UserError:
    return _error(UserErrorCode.NOT_OFFERED, f"lines.{position}.variantId", "This channel does not offer it.")


def _odd_quantity(position: int) -> UserError:
    return _error(UserErrorCode.INVALID, f"lines.{position}.quantity", f"Expected 1 to {MOST_OF_A_LINE}.")
