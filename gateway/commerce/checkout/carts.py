"""Carts: created, changed, moved to another channel, assigned to a customer. A cart reserves no stock.

Every change reprices the cart: see `cart_changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce import tokens
from gateway.commerce.checkout import cart_points
from gateway.commerce.checkout.cart_changes import MAX_LINE_QUANTITY, CartChangeset, reprice
from gateway.commerce.client_bounds import check_new_cart
from gateway.commerce.context import SellingContext
from gateway.model.carts import CartChangeKind, CartStatus
from gateway.model.ids import generate_id
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.writes import carts
from gateway.storage.writes.carts import CartLineRow, CartRow, Offer
from gateway.storage.writes.customers import identities

MAX_LINES = 200


@dataclass(frozen=True, slots=True)
class CartRef:
    """A cart as a client refers to it: by its token, and the version that the client last read."""

    token: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class LineRequest:
    """A quantity of a variant to add. `position`: of the line in the request."""

    position: int
    variant_id: str
    quantity: int


def fill_cart(
    conn: Connection,
    cart: CartRef | None,
    channel: str,
    currency: str | None,
    requests: Sequence[LineRequest],
    context: SellingContext,
) -> MutationResult:
    """Add lines to a cart of this channel, or to a new one if there is none, or none that can be changed."""
    row = None if cart is None else lock_cart(conn, cart, context.config.secrets, context.now)
    if not isinstance(row, CartRow) or row.channel != channel:
        return create_cart(conn, channel, currency, requests, context)
    if (refusal := _check_channel(channel, currency, context)) is not None:
        return replace(refusal, subject=row.id)
    return _change_row(conn, row, lambda changeset: _add_requests(conn, changeset, requests, context.now), context)


def create_cart(
    conn: Connection, channel: str, currency: str | None, requests: Sequence[LineRequest], context: SellingContext
) -> MutationResult:
    """Create a cart in a channel."""
    channel_currency = context.config.currencies.get(channel)
    if (refusal := _check_channel(channel, currency, context)) is not None or channel_currency is None:
        return refusal or _refuse(UserErrorCode.CHANNEL_UNAVAILABLE, "channelKey", _CHANNEL_UNAVAILABLE)
    row = CartRow(
        id=generate_id(context.now),
        version=0,
        status=CartStatus.ACTIVE.value,
        channel=channel,
        currency=channel_currency,
        created_at=context.now,
        expires_at=context.now + context.cart_lifetime,
        updated_at=context.now,
        client_key=context.client,
        customer_id=context.customer,
    )
    changeset = CartChangeset(row, [], [])
    _add_requests(conn, changeset, requests, context.now)
    if changeset.errors:
        return MutationResult(user_errors=tuple(changeset.errors))
    if exceeded := _check_client(conn, context):
        return MutationResult(user_errors=(exceeded,))
    carts.insert_cart(conn, row)
    return _store_cart(conn, changeset, context)


def _check_channel(channel: str, currency: str | None, context: SellingContext) -> MutationResult | None:
    if not context.permissions.can_buy_in(channel):
        return MutationResult(user_errors=(build_channel_error(channel, "channelKey"),))
    channel_currency = context.config.currencies.get(channel)
    if channel_currency is not None and currency not in (None, channel_currency):
        message = f"The currency of {channel} is {channel_currency}."
        return _refuse(UserErrorCode.CURRENCY_MISMATCH, "currencyCode", message)
    return None


def _check_client(conn: Connection, context: SellingContext) -> UserError | None:
    if context.client is None:
        return None
    return check_new_cart(conn, context.client, context.config.anonymous_carts, context.now)


def add_lines(
    conn: Connection, cart: CartRef, requests: Sequence[LineRequest], context: SellingContext
) -> MutationResult:
    """Add lines to a cart."""
    return _change_cart(conn, cart, lambda changeset: _add_requests(conn, changeset, requests, context.now), context)


def update_lines(
    conn: Connection, cart: CartRef, quantities: Mapping[str, int], context: SellingContext
) -> MutationResult:
    """Update quantities of cart lines; 0 removes a line."""

    def change(changeset: CartChangeset) -> None:
        existing = {line.id: line for line in changeset.lines}
        for n, (id_, quantity) in enumerate(quantities.items()):
            if id_ not in existing:
                changeset.errors.append(_build_error(UserErrorCode.NOT_FOUND, f"lines.{n}.lineId", _LINE_NOT_FOUND))
            elif not 0 <= quantity <= MAX_LINE_QUANTITY:
                changeset.errors.append(_build_quantity_error(n))
            else:
                existing[id_].quantity = quantity
        changeset.lines = [line for line in changeset.lines if line.quantity]

    return _change_cart(conn, cart, change, context)


def remove_lines(conn: Connection, cart: CartRef, line_ids: Sequence[str], context: SellingContext) -> MutationResult:
    """Remove lines from a cart."""

    def change(changeset: CartChangeset) -> None:
        existing = {line.id for line in changeset.lines}
        missing = [n for n, id_ in enumerate(line_ids) if id_ not in existing]
        changeset.errors += [_build_error(UserErrorCode.NOT_FOUND, f"lineIds.{n}", _LINE_NOT_FOUND) for n in missing]
        changeset.lines = [line for line in changeset.lines if line.id not in line_ids]

    return _change_cart(conn, cart, change, context)


def move_cart(conn: Connection, cart: CartRef, channel: str, context: SellingContext) -> MutationResult:
    """Move a cart to another channel or device: it is repriced, and gets a new token."""
    currency = context.config.currencies.get(channel)

    def change(changeset: CartChangeset) -> None:
        if currency is None:
            changeset.errors.append(_build_error(UserErrorCode.CHANNEL_UNAVAILABLE, "channelKey", _CHANNEL_UNAVAILABLE))
            return
        changeset.row.rotation += 1
        if channel != changeset.row.channel:
            changeset.row.channel, changeset.row.currency = channel, currency
            changeset.record_change(CartChangeKind.CHANNEL_MOVED, None)

    return _change_cart(conn, cart, change, context)


def assign_customer(
    conn: Connection, cart: CartRef, customer_id: str | None, context: SellingContext
) -> MutationResult:
    """Assign a cart to a customer, merge the customer's former cart into it, and replace its token."""

    def change(changeset: CartChangeset) -> None:
        changeset.row.rotation += 1
        changeset.row.customer_id = customer_id
        changeset.row.loyalty_points = changeset.row.loyalty_home = None
        homes = [] if customer_id is None else _list_homes(conn, customer_id, context)
        other = carts.find_open_cart(conn, homes, changeset.row.channel, changeset.row.id)
        if other:
            _merge_cart(conn, changeset, other, context.now)

    return _change_cart(conn, cart, change, context)


def _list_homes(conn: Connection, customer_id: str, context: SellingContext) -> list[str]:
    """List the ids under which a customer's carts are; to a shopper, those that the login proves (rule C7)."""
    if context.customer is None:
        return identities.list_homes(conn, customer_id)
    own = identities.find_by_home(conn, customer_id)
    return [] if own is None else identities.list_homes(conn, own.proved_id, proved=True)


def set_points(
    conn: Connection, cart: CartRef, points: int, shopper_home: str | None, context: SellingContext
) -> MutationResult:
    """Set the points that the order of a cart redeems. They are held when it is placed (rule Y4).

    Args:
        shopper_home: of a shopper who is logged in, and redeems own points only; None: staff redeem the customer's.
    """

    def change(changeset: CartChangeset) -> None:
        row = changeset.row
        if (problem := cart_points.check_points(conn, row, points, shopper_home, context)) is not None:
            changeset.errors.append(problem)
        row.loyalty_points, row.loyalty_home = (points, shopper_home) if points else (None, None)

    return _change_cart(conn, cart, change, context)


def _merge_cart(conn: Connection, changeset: CartChangeset, other: CartRow, now: datetime) -> None:
    lines_by_listing = {line.listing_id: line for line in changeset.lines}
    for line in carts.find_lines(conn, other.id):
        if line.listing_id in lines_by_listing:
            existing_line = lines_by_listing[line.listing_id]
            existing_line.quantity = min(existing_line.quantity + line.quantity, MAX_LINE_QUANTITY)
        elif len(changeset.lines) < MAX_LINES:
            position = len(changeset.lines)
            changeset.lines.append(replace(line, id=generate_id(now), cart_id=changeset.row.id, position=position))
    other.status, other.version, other.updated_at = CartStatus.MERGED.value, other.version + 1, now
    carts.update_cart(conn, other)


def build_unavailable_error(channel: str) -> UserError:
    """Build the error of a cart whose channel is not configured any more (rule G1)."""
    message = "The channel of the cart is not in use any more. Continue in another channel with cartMove."
    return UserError(
        code=UserErrorCode.CHANNEL_UNAVAILABLE, field=("input", "cartToken"), message=message, channel_key=channel
    )


def lock_cart(conn: Connection, cart: CartRef, secrets: Sequence[bytes], now: datetime) -> CartRow | UserError:
    """Lock the cart of a token. Returns an error if it cannot be changed."""
    id_ = tokens.extract_row_id(cart.token)
    row = None if id_ is None else carts.lock_cart(conn, id_)
    if row is None or not tokens.is_cart_token(secrets, cart.token, row.id, row.rotation):
        return _build_error(UserErrorCode.NOT_FOUND, "cartToken", "There is no cart with this token.")
    if row.status == CartStatus.EXPIRED.value or row.expires_at <= now:
        return _build_error(UserErrorCode.CART_EXPIRED, "cartToken", "The cart has expired.")
    if row.status != CartStatus.ACTIVE.value:
        return _build_error(UserErrorCode.NOT_ALLOWED_IN_STATE, "cartToken", "The cart has been ordered or merged.")
    if cart.version is not None and cart.version != row.version:
        return _build_error(
            UserErrorCode.CONFLICT, "version", "The cart has changed. Read it again and retry with its current version."
        )
    return row


def _change_cart(
    conn: Connection, cart: CartRef, change: Callable[[CartChangeset], None], context: SellingContext
) -> MutationResult:
    row = lock_cart(conn, cart, context.config.secrets, context.now)
    if isinstance(row, UserError):
        is_named = row.code is not UserErrorCode.NOT_FOUND
        return MutationResult(subject=tokens.extract_row_id(cart.token) if is_named else None, user_errors=(row,))
    return _change_row(conn, row, change, context)


def _change_row(
    conn: Connection, row: CartRow, change: Callable[[CartChangeset], None], context: SellingContext
) -> MutationResult:
    """Change a cart that is locked."""
    before = carts.find_lines(conn, row.id)
    changeset = CartChangeset(row, before, [replace(line) for line in before])
    change(changeset)
    if not changeset.errors and context.permissions.is_removed(row.channel):
        changeset.errors.append(build_unavailable_error(row.channel))
    if not changeset.errors and not context.permissions.can_buy_in(row.channel):
        changeset.errors.append(build_channel_error(row.channel, "cartToken"))
    if changeset.errors:
        return MutationResult(subject=row.id, user_errors=tuple(changeset.errors))
    return _store_cart(conn, changeset, context)


def _add_requests(conn: Connection, changeset: CartChangeset, requests: Sequence[LineRequest], now: datetime) -> None:
    variants = [request.variant_id for request in requests]
    offers = carts.find_offers(conn, changeset.row.channel, variants, changeset.row.currency)
    lines_by_listing = {line.listing_id: line for line in changeset.lines}
    for request in requests:
        offer = offers.get(request.variant_id)
        if not 0 < request.quantity <= MAX_LINE_QUANTITY:
            changeset.errors.append(_build_quantity_error(request.position))
        elif offer is None:
            changeset.errors.append(_build_not_offered_error(request.position))
        elif offer.listing_id in lines_by_listing:
            existing_line = lines_by_listing[offer.listing_id]
            existing_line.quantity = min(existing_line.quantity + request.quantity, MAX_LINE_QUANTITY)
        elif len(changeset.lines) == MAX_LINES:
            changeset.errors.append(
                _build_error(UserErrorCode.LIMIT_EXCEEDED, "lines", f"A cart can have at most {MAX_LINES} lines.")
            )
            return
        else:
            line = _build_line(changeset, offer, request.quantity, now)
            lines_by_listing[offer.listing_id] = line
            changeset.lines.append(line)


def _build_line(changeset: CartChangeset, offer: Offer, quantity: int, now: datetime) -> CartLineRow:
    return CartLineRow(
        id=generate_id(now),
        cart_id=changeset.row.id,
        position=1 + max((line.position for line in changeset.lines), default=-1),
        listing_id=offer.listing_id,
        title=offer.title,
        quantity=quantity,
        unit_price=offer.price,
        unit_price_micros=offer.price_micros,
    )


def _store_cart(conn: Connection, changeset: CartChangeset, context: SellingContext) -> MutationResult:
    """Reprice and store a changed cart."""
    reprice(conn, changeset, context)
    row = changeset.row
    row.version, row.updated_at = row.version + 1, context.now
    row.expires_at = max(row.expires_at, context.now + context.cart_lifetime)
    carts.store_lines(conn, changeset.former_lines, changeset.lines)
    carts.insert_changes(conn, changeset.changes)
    carts.update_cart(conn, row)
    return MutationResult(subject=row.id, warnings=tuple(changeset.warnings), done=True)


_LINE_NOT_FOUND = "There is no line with this ID in the cart."
_CHANNEL_UNAVAILABLE = "The channel is not available for orders now."


def build_channel_error(channel: str, field: str) -> UserError:
    """Build the error of a channel that does not sell to the caller."""
    return UserError(
        code=UserErrorCode.CHANNEL_NOT_ALLOWED,
        field=("input", field),
        message=f"The channel {channel} does not sell to this client. Use one of viewer.sellableChannels.",
        channel_key=channel,
    )


def _refuse(code: UserErrorCode, field: str, message: str) -> MutationResult:
    return MutationResult(user_errors=(_build_error(code, field, message),))


def _build_error(code: UserErrorCode, field: str, message: str) -> UserError:
    return UserError(code=code, field=("input", *field.split(".")), message=message)


def _build_not_offered_error(position: int) -> UserError:
    return _build_error(
        UserErrorCode.NOT_OFFERED, f"lines.{position}.variantId", "The channel does not offer this variant."
    )


def _build_quantity_error(position: int) -> UserError:
    return _build_error(
        UserErrorCode.INVALID, f"lines.{position}.quantity", f"Expected a quantity from 1 to {MAX_LINE_QUANTITY}."
    )
