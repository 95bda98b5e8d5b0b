"""Placing an order (rule O1): one transaction takes the stock, writes the order and wishes what channels must do.

Everything is checked against what is known inside that transaction: the cart as its owner saw it, the option as it was
offered, today's prices, and stock that nobody else has spoken for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce import carts as carting
from gateway.commerce import ledger, parts, payments, taxes
from gateway.commerce.carts import Held
from gateway.commerce.commands import Told
from gateway.commerce.ledger import Draft, ShortError, Want
from gateway.commerce.options import Chosen, chosen, priced
from gateway.commerce.parts import Part
from gateway.commerce.payments import Offered
from gateway.commerce.routes import Leg, Need
from gateway.commerce.selling import Selling
from gateway.commerce.taxes import Priced
from gateway.model.carts import CartStatus
from gateway.model.channels import Address, FulfillmentMethod
from gateway.model.ids import new_id
from gateway.model.money import Money, minor_text
from gateway.model.orders import (
    OrderContact,
    OrderEventKind,
    OrderFulfillmentStatus,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
)
from gateway.model.outcomes import Outcome, UserError, UserErrorCode
from gateway.model.stock import MovementReason, ReservationState
from gateway.model.values import sku_key
from gateway.storage import carts, fulfilling, identities, log, products, sales
from gateway.storage.carts import CartLineRow, CartRow, Offer
from gateway.storage.database import Connection
from gateway.storage.orders import OURS
from gateway.storage.reservations import ReservationRow
from gateway.storage.rows import dump
from gateway.storage.sales import OrderLineRow, OrderRow
from gateway.storage.search import kept_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to buy, and on which terms."""

    held: Held
    option_token: str
    contact: OrderContact
    shipping_address: Address | None
    payments: Sequence[Offered]
    expected: Money


class RefusedError(Exception):
    """The order cannot be placed so; nothing has changed."""

    def __init__(self, *errors: UserError) -> None:
        super().__init__(", ".join(error.code.value for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Basket:
    """A cart that is being ordered: its lines, and what each is by now."""

    row: CartRow
    lines: Sequence[CartLineRow]
    variants: Mapping[str, str]
    offers: Mapping[str, Offer]

    def offer(self, line: CartLineRow) -> Offer:
        """What the cart's channel offers for a line."""
        return self.offers[self.variants[line.listing_id]]

    def needs(self) -> list[Need]:
        """What has to come from somewhere."""
        return [
            Need(line.id, self.variants[line.listing_id], line.quantity, self.offer(line).units) for line in self.lines
        ]


def place(conn: Connection, wanted: Wanted, selling: Selling, now: datetime) -> tuple[Outcome, Told]:
    """Place an order; and what channels are to be told."""
    try:
        return _place(conn, wanted, selling, now)
    except RefusedError as error:
        return Outcome(user_errors=error.errors), {}


def _place(conn: Connection, wanted: Wanted, selling: Selling, now: datetime) -> tuple[Outcome, Told]:
    basket = basket_of(conn, wanted.held, selling, now)
    option = option_of(wanted.option_token, basket, selling, now)
    _check_reach(wanted, option)
    goods = priced(basket.needs(), basket.offers, wanted.shipping_address, selling)
    if not taxes.known(goods):
        raise RefusedError(_refusal(UserErrorCode.NOT_OFFERED, "shippingAddress", "The tax is not known."))
    _check_total(wanted, taxes.gross(goods) + option.price, basket.row.currency)
    row = order_of(wanted, basket, option, goods, now)
    lines = lines_of(row, basket, goods, now)
    taken = take(conn, basket, option, selling, now)
    made = parts.made(conn, row, lines, option.legs, taken, selling, now)
    row.status = _status(made, row)
    told = _stored(conn, wanted, basket, row, lines, made, selling, now)
    return Outcome(subject=row.id, done=True), told


# ------------------------------------------------------------------------------------------------ checks


def basket_of(conn: Connection, held: Held, selling: Selling, now: datetime) -> Basket:
    """What is in a cart that can be ordered now."""
    row = carting.opened(conn, held, selling.secret, now)
    if isinstance(row, UserError):
        named = {"version": "cartVersion"}
        field = tuple(named.get(part, part) for part in row.field or ())
        raise RefusedError(replace(row, field=field))
    lines = carts.lines_of(conn, row.id)
    if not lines:
        raise RefusedError(_refusal(UserErrorCode.CART_EMPTY, "cartToken", "The cart is empty."))
    variants = carts.variants_of(conn, [line.listing_id for line in lines])
    basket = Basket(row, lines, variants, carts.offers(conn, row.channel, set(variants.values())))
    _check_offers(basket)
    return basket


def _check_offers(basket: Basket) -> None:
    """What is not offered any more, or at another price, is not sold behind the shopper's back."""
    errors: list[UserError] = []
    for line in basket.lines:
        offer = basket.offers.get(basket.variants.get(line.listing_id, ""))
        if offer is None or offer.currency != basket.row.currency:
            errors.append(_refusal(UserErrorCode.NOT_OFFERED, "cartToken", f"{line.title} is not offered any more."))
        elif offer.price != line.unit_price:
            price = f"{minor_text(offer.price, offer.currency)} {offer.currency}"
            errors.append(_refusal(UserErrorCode.PRICE_CHANGED, "cartToken", f"{line.title} costs {price} now."))
    if errors:
        raise RefusedError(*errors)


def option_of(token: str, basket: Basket, selling: Selling, now: datetime) -> Chosen:
    """The option that a token stands for, if it is one for this basket, and good."""
    option = chosen(token, selling)
    if option is None or option.cart_id != basket.row.id:
        message = "This is no option for this cart."
        raise RefusedError(_refusal(UserErrorCode.INVALID, "fulfillmentOptionToken", message))
    if option.expires_at <= now or option.cart_version != basket.row.version:
        message = "The option has expired: ask for new ones."
        raise RefusedError(_refusal(UserErrorCode.OPTION_EXPIRED, "fulfillmentOptionToken", message))
    if option.missing:
        message = "The option does not serve the whole cart."
        raise RefusedError(_refusal(UserErrorCode.INSUFFICIENT_STOCK, "fulfillmentOptionToken", message))
    return option


def _check_reach(wanted: Wanted, option: Chosen) -> None:
    """Whoever waits for goods can be reached, and what is sent has somewhere to go."""
    methods = {leg.method for leg in option.legs}
    if FulfillmentMethod.SHIPPING in methods and not (wanted.shipping_address and wanted.shipping_address.line1):
        raise RefusedError(_refusal(UserErrorCode.INVALID, "shippingAddress", "It has to be known where it goes."))
    reachable = any((wanted.contact.name, wanted.contact.email, wanted.contact.phone))
    if methods != {FulfillmentMethod.IN_STORE} and not reachable:
        raise RefusedError(_refusal(UserErrorCode.INVALID, "contact", "A name, an e-mail address or a phone number."))
    waits = methods <= {FulfillmentMethod.IN_STORE, FulfillmentMethod.PICKUP}
    if refusal := payments.refusal(wanted.payments, wanted.expected, collected=waits):
        raise RefusedError(refusal)


def _check_total(wanted: Wanted, total: int, currency: str) -> None:
    if wanted.expected.currency_code != currency:
        message = f"The cart is in {currency}."
        raise RefusedError(_refusal(UserErrorCode.CURRENCY_MISMATCH, "expectedTotal", message))
    if wanted.expected.minor != total:
        message = f"The total is {minor_text(total, currency)} {currency}."
        raise RefusedError(_refusal(UserErrorCode.TOTAL_CHANGED, "expectedTotal", message))


def _refusal(code: UserErrorCode, field: str, message: str) -> UserError:
    return UserError(code=code, field=("input", field), message=message)


# ------------------------------------------------------------------------------------------------ stock


Taken = Mapping[tuple[int, str], Sequence[ReservationRow]]
"""What was taken for a line of a leg, by the leg's position and the cart's line."""


def take(conn: Connection, basket: Basket, option: Chosen, selling: Selling, now: datetime) -> Taken:
    """All that the option promises, or nothing."""
    units = {need.line_id: need for need in basket.needs()}
    keys = [(n, line) for n, leg in enumerate(option.legs) for line in leg.quantities]
    wants = [_want(option.legs[n], line, units[line]) for n, line in keys]
    draft = Draft(state=ReservationState.COMMITTED, reason=MovementReason.SALE)
    try:
        rows = ledger.claim(conn, wants, draft, selling.ground, now)
    except ShortError as error:
        titles = {line.id: line.title for line in basket.lines}
        short = [(titles[keys[one.position][1]], one.available) for one in error.shortages]
        raise RefusedError(*(_short(title, available) for title, available in short)) from None
    return {key: rows.get(position, ()) for position, key in enumerate(keys)}


def _want(leg: Leg, line: str, need: Need) -> Want:
    return Want(need.variant_id, (leg.source or leg.location).key, leg.quantities[line] * need.units)


def _short(title: str, available: int) -> UserError:
    code = UserErrorCode.INSUFFICIENT_STOCK if available else UserErrorCode.OUT_OF_STOCK
    message = f"Of {title} only {available} are left there." if available else f"{title} is sold out there."
    return replace(_refusal(code, "fulfillmentOptionToken", message), available_quantity=available)


# ------------------------------------------------------------------------------------------------ rows


def order_of(wanted: Wanted, basket: Basket, option: Chosen, goods: Sequence[Priced], now: datetime) -> OrderRow:
    """The order that it becomes."""
    cart, id_ = basket.row, new_id(now)
    included = any(one.includes_tax for one in goods)  # an order has one way of saying prices: with tax, if in doubt
    tax = taxes.tax(goods)
    gross = taxes.gross(goods)
    number = _number(id_)
    skus = [offer.sku for line in basket.lines if (offer := basket.offer(line)).sku]
    return OrderRow(
        id=id_,
        version=1,
        channel=cart.channel,
        external_id=f"{OURS}{id_}",
        number=number,
        client_reference=None,
        place=_shop(option, cart.channel),
        customer=None,
        customer_channel=None,
        reverses=None,
        status=OrderStatus.PENDING.value,
        fulfillment_status=OrderFulfillmentStatus.UNFULFILLED.value,
        payment_status=payments.status(wanted.payments, gross + option.price).value,
        return_status=OrderReturnStatus.NONE.value,
        currency=cart.currency,
        subtotal=gross if included else gross - tax,
        discount_total=0,
        tax_total=tax,
        tax_included=included,
        tax_lines=dump(
            [
                [one.title, str(one.rate), one.amount.minor, one.amount.currency_code]
                for one in taxes.tax_lines(goods, cart.currency)
            ]
        ),
        shipping_total=option.price,
        total=gross + option.price,
        refunded_total=0,
        contact=parts.text_of(wanted.contact),
        shipping_address=parts.text_of(wanted.shipping_address),
        billing_address=None,
        stock_posted=None,
        attached_to=None,
        followed=None,
        unplaced=None,
        words=kept_words([number, *skus]),
        placed_at=now,
        cancelled_at=None,
        updated_at=now,
    )


def _number(id_: str) -> str:
    """What stands on the receipt: short enough to be said aloud, and without letters that look like digits."""
    letters, value = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", int(id_[-16:], 16)
    code = "".join(letters[value >> shift & 31] for shift in range(35, -5, -5))
    return f"G-{code[:4]}-{code[4:]}"


def _shop(option: Chosen, channel: str) -> str | None:
    """The shop where it is sold: where it is taken away, or will be collected."""
    shops = [
        leg.location.external_ids.get(channel) for leg in option.legs if leg.method is not FulfillmentMethod.SHIPPING
    ]
    known: list[str] = [shop for shop in shops if shop is not None]
    return known[0] if known else None


def lines_of(order: OrderRow, basket: Basket, goods: Sequence[Priced], now: datetime) -> dict[str, OrderLineRow]:
    """The order's lines, by the cart's."""
    pairs = zip(basket.lines, goods, strict=True)
    return {line.id: _line(order, basket.offer(line), line, one, now) for line, one in pairs}


def _line(order: OrderRow, offer: Offer, line: CartLineRow, goods: Priced, now: datetime) -> OrderLineRow:
    price = taxes.gross_of_unit(goods) if order.tax_included else goods.unit_price
    return OrderLineRow(
        id=new_id(now),
        order_id=order.id,
        external_id=line.id,
        position=line.position,
        channel=offer.channel,
        place=None,
        variant=offer.external_id,
        generation=offer.generation,
        title=offer.title,
        sku=offer.sku,
        sku_key=None if offer.sku is None else sku_key(offer.sku),
        quantity=line.quantity,
        unit_price=price,
        total=price * line.quantity,
        currency=offer.currency,
        fulfilled_quantity=0,
        returned_quantity=0,
    )


def _status(made: Sequence[Part], row: OrderRow) -> str:
    """Open once every channel has taken its part; over at once where everything was taken away and paid."""
    if any(part.channel_order is not None for part in made):
        return OrderStatus.PENDING.value
    gone = all(part.is_over for part in made)
    paid = row.payment_status == PaymentStatus.PAID.value or not row.total
    status = OrderStatus.COMPLETED if gone and paid else OrderStatus.OPEN
    return status.value


def _stored(
    conn: Connection,
    wanted: Wanted,
    basket: Basket,
    row: OrderRow,
    lines: Mapping[str, OrderLineRow],
    made: Sequence[Part],
    selling: Selling,
    now: datetime,
) -> Told:
    cart = basket.row
    buyer = None if cart.customer_id is None else identities.any_of(conn, cart.customer_id, cart.channel)
    row.customer_channel, row.customer = buyer or (None, None)
    parts.count_fulfilled(row, lines.values(), made)
    sales.store(conn, [row], ())
    sales.store_lines(conn, list(lines.values()), (), ())
    payments.add(conn, row, wanted.payments, now)
    fulfilling.note(conn, row.id, OrderEventKind.PLACED, f"Placed as {row.number}.", now, channel=row.channel)
    told = parts.store(conn, row, made, selling, now)
    cart.status, cart.order_id = CartStatus.ORDERED.value, row.id
    cart.version, cart.updated_at = cart.version + 1, now
    carts.store(conn, cart)
    products.store_words(conn, "order", [row], {})
    if cart.customer_id is not None:
        identities.recount(conn, [cart.customer_id], parts.UNCOUNTED)
    log.record(conn, "ORDER", [(row.id, row.version)], now)
    return told
